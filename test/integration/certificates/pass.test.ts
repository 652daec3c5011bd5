import { describe, expect, it } from 'vitest';
import type { Problem } from '../../../src/certificates/model.ts';
import { runPass } from '../../../src/certificates/pass.ts';
import { reportPass } from '../../../src/certificates/pass-report.ts';
import { failedPass } from '../../../src/certificates/pass-result.ts';
import { toVariable } from '../../../src/delivery/variable.ts';
import { CertathonError } from '../../../src/lib/errors.ts';
import type { EventName } from '../../../src/lib/log.ts';
import { makeBundle, NOT_BEFORE } from '../../support/bundles.ts';
import { NOW, policy } from '../../support/observations.ts';
import { type PassWorldOptions, passWorld } from '../../support/pass-world.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const directory = temporaryDirectory();
const DAY_MS = 86_400_000;
const mine = makeBundle();
const earlier = makeBundle({ notBefore: new Date(NOT_BEFORE.getTime() - DAY_MS) });
const setUp = (options: PassWorldOptions = {}) => passWorld(directory.path, options);
const codes = ({ problems }: { problems: Problem[] }) => problems.map(({ code }) => code);
const dos = ({ done }: { done: { do: string }[] }) => done.map((step) => step.do);
const fails = (code: 'ACME_CHALLENGE_FAILED' | 'ACME_UNREACHABLE') => () =>
  Promise.reject(new CertathonError(code, 'It failed'));

describe('runPass()', () => {
  it('orders, delivers, and finds nothing left to do the next time', async () => {
    const made = await setUp({
      order: async () => {
        await made.issue(mine);
        return [];
      },
    });

    const first = await runPass(made.tools, policy(), false);
    const second = await runPass(made.tools, policy(), false);

    expect([dos(first), codes(first), first.exitStatus]).toEqual([['order', 'deliver'], [], 0]);
    expect([dos(second), codes(second), second.exitStatus]).toEqual([[], [], 0]);
    expect(made.state.writes).toBe(1);
    expect(await made.targets.deliveryMemory('/marathon-lb').delivery()).toBeUndefined();
  });

  it('adopts what is there', async () => {
    const { tools, store, state } = await setUp({ env: { HAPROXY_SSL_CERT: toVariable(mine.pem) } });

    const result = await runPass(tools, policy(), false);

    expect(dos(result)).toEqual(['adopt']);
    expect((await store.current())?.stored).toEqual({
      ...mine.bundle.facts,
      origin: 'adopted',
      storedAt: NOW,
    });
    expect(state.writes).toBe(0);
  });

  it('takes up what a predecessor left and has delivered, whatever the order in its PEM', async () => {
    const { leaf, ca, key } = mine;
    const { tools, store, state } = await setUp({
      env: { HAPROXY_SSL_CERT: toVariable(`${key}${leaf}${ca}`) },
      order: () => Promise.reject(new Error('never')),
    });
    const other = makeBundle({ names: ['old.example.com'] });
    for (const [id, { bundle }] of [
      ['shop.example.com', mine],
      ['old.example.com', other],
    ] as const) {
      await tools.stores.of(id).saveRecord({ key: 'own', choice: {}, goneSince: new Date(0) });
      await tools.stores.of(id).save(bundle, 'inherited', undefined, NOW);
    }

    const result = await runPass(tools, policy(), false);

    expect(result.done).toEqual([
      { do: 'assign', certificate: 'shop.example.com', key: 'own', reason: 'wanted-again' },
    ]);
    expect([state.writes, codes(result), await store.record()]).toEqual([
      ...[0, [], { key: 'own', choice: {}, names: ['shop.example.com'] }],
    ]);
    // Nobody asks for it: it is kept as long as it lasts, and goes nowhere.
    expect(result.plan?.retired).toMatchObject([
      { certificate: 'old.example.com', life: 'ended', removedAt: other.bundle.facts.notAfter },
    ]);
  });

  it('only plans when it is a dry run', async () => {
    const { tools, store, state } = await setUp({ order: () => Promise.reject(new Error('never')) });

    const result = await runPass(tools, policy(), true);

    expect(result.plan?.steps.map((step) => step.do)).toEqual(['order', 'deliver']);
    expect([dos(result), state.writes, await store.order()]).toEqual([[], 0, undefined]);
  });

  it('fails by what was found although the certificate was obtained and is served', async () => {
    const found = { code: 'CLOCK_WRONG', message: 'The clock is an hour behind' };
    const made = await setUp({
      order: async () => {
        await made.issue(mine);
        return [found];
      },
    });

    const result = await runPass(made.tools, policy(), false);

    expect(dos(result)).toEqual(['order', 'deliver']);
    expect(result.problems).toEqual([found]);
    expect(result.exitStatus).toBe(40);
  });

  it('delivers what is still good when a renewal fails, and comes back when the hold ends', async () => {
    const made = await setUp({ order: fails('ACME_CHALLENGE_FAILED') });
    await made.issue(mine);

    const result = await runPass(made.tools, policy({ forced: true }), false);

    const held = await made.store.hold();
    expect([dos(result), codes(result), result.exitStatus]).toEqual([
      ['deliver'],
      ['ACME_CHALLENGE_FAILED'],
      23,
    ]);
    expect(held).toMatchObject({ code: 'ACME_CHALLENGE_FAILED', failures: 1 });
    expect(result.checkAgainAt).toEqual(held?.until);
  });

  it('waits for the end of a hold, and forgets it after a success', async () => {
    let works = false;
    const made = await setUp({
      order: async () => {
        if (!works) return fails('ACME_CHALLENGE_FAILED')();
        await made.issue(mine);
        return [];
      },
    });

    const failed = await runPass(made.tools, policy(), false);
    works = true;
    const held = await runPass(made.tools, policy(), false);
    await made.clock.advance(2 * 60_000);
    const done = await runPass(made.tools, policy(), false);

    expect([failed, held, done].map(dos)).toEqual([[], [], ['order', 'deliver']]);
    expect([failed, held, done].map(codes)).toEqual([
      ['ACME_CHALLENGE_FAILED'],
      ['ACME_CHALLENGE_FAILED'],
      [],
    ]);
    expect(await made.store.hold()).toBeUndefined();
  });

  it('forgets why a delivery was held when everything is served without it', async () => {
    const made = await setUp({ env: { HAPROXY_SSL_CERT: toVariable(mine.pem) } });
    await made.issue(mine);
    const since = new Date(made.clock.nowMs());
    const until = new Date(since.getTime() + DAY_MS);
    const held = { since, until, code: 'DELIVERY_STUCK', reason: 'It hung', failures: 4, byCa: false };
    await made.targets.saveHold('/marathon-lb', held);

    const result = await runPass(made.tools, policy(), false);

    expect([dos(result), codes(result)]).toEqual([[], []]);
    expect(await made.targets.hold('/marathon-lb')).toBeUndefined();
  });

  it('plans anew once when somebody changes the app in between, then lets them be', async () => {
    // Seen as empty by the plan, as somebody's by the delivery.
    const theirs = { HAPROXY_SSL_CERT: toVariable(earlier.pem) };
    const made = await setUp({ look: (count, app) => (count % 2 === 0 ? app : { ...app, env: theirs }) });
    await made.issue(mine);

    const result = await runPass(made.tools, policy(), false);

    expect([dos(result), codes(result), result.exitStatus]).toEqual([[], ['DELIVERY_OVERTAKEN'], 35]);
    expect(made.state).toMatchObject({ looks: 4, writes: 0 });
    expect(await made.targets.hold('/marathon-lb')).toMatchObject({
      code: 'DELIVERY_OVERTAKEN',
    });
  });

  it('goes on when somebody changed the app once', async () => {
    const theirs = { HAPROXY_SSL_CERT: toVariable(earlier.pem) };
    const made = await setUp({ look: (count, app) => (count === 1 ? { ...app, env: theirs } : app) });
    await made.issue(mine);

    const result = await runPass(made.tools, policy(), false);

    expect([dos(result), codes(result)]).toEqual([['deliver'], []]);
  });

  it('records that Marathon is away, and looks again soon', async () => {
    const away = new CertathonError('MARATHON_UNREACHABLE', 'Marathon does not answer');
    const { tools } = await setUp({ changes: { marathon: { app: () => Promise.reject(away) } as never } });

    const result = await runPass(tools, policy(), false);

    expect([codes(result), result.exitStatus, result.seen]).toEqual([
      ['MARATHON_UNREACHABLE'],
      13,
      undefined,
    ]);
    expect(result.checkAgainAt).toEqual(new Date(NOW.getTime() + 60_000));
  });

  it('throws the reason when it is stopped', async () => {
    const stop = new AbortController();
    const { tools } = await setUp({
      order: () => {
        stop.abort(new Error('stopped'));
        return Promise.reject(stop.signal.reason);
      },
      changes: { signal: stop.signal },
    });

    await expect(runPass(tools, policy(), false)).rejects.toThrow('stopped');
  });
});

describe('reportPass()', () => {
  it('says what is wrong once, and that it is over', async () => {
    const said: [string, EventName][] = [];
    const note = (level: string) => (event: EventName) => void said.push([level, event]);
    const log = {
      debug: note('debug'),
      info: note('info'),
      warn: note('warn'),
      error: note('error'),
      flush: () => undefined,
    };
    const bad = failedPass(new CertathonError('APP_LOCKED', 'It is locked'), undefined, NOW);
    const good = { ...bad, problems: [], exitStatus: 0 };

    reportPass(bad, undefined, log);
    reportPass(bad, bad, log);
    reportPass(good, bad, log);
    reportPass(good, good, log);

    expect(said).toEqual([
      ['error', 'pass.failed'],
      ['debug', 'pass.failed'],
      ['info', 'pass.finished'],
      ['debug', 'pass.finished'],
    ]);
  });
});
