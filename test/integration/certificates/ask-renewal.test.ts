import { expect, it } from 'vitest';
import { askRenewal, type LookTools } from '../../../src/certificates/ask-renewal.ts';
import type { LookHold } from '../../../src/certificates/store-schema.ts';
import { openStores } from '../../../src/certificates/store-set.ts';
import type { ObservedCertificate } from '../../../src/certificates/world.ts';
import { CertathonError } from '../../../src/lib/errors.ts';
import { type EventName, type Fields, silentLog } from '../../../src/lib/log.ts';
import { makeBundle } from '../../support/bundles.ts';
import { manualClock } from '../../support/clock.ts';
import { daysFrom, NOW, observedCertificate } from '../../support/observations.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const CA = 'https://acme.example/directory';
const OTHER = 'https://other.example/directory';
const MINUTE_MS = 60_000;
const WINDOW = { start: daysFrom(49.1), end: daysFrom(50.9) };
const directory = temporaryDirectory();
/** One key and issuer for all: what is asked about is told apart by its serial. */
const bundles = Array.from({ length: 40 }, () => makeBundle({ keyIdentifier: 'issuer' }).bundle);

const silence = () => new CertathonError('ACME_UNREACHABLE', 'no answer', { facts: { outcome: 'unknown' } });
const unknown = () => new CertathonError('ACME_REFUSED', 'not known', { facts: { status: 404 } });

/** A store of certificates at two CAs, and what these CAs say. */
async function world(count: number, { ofOther = 0, without = 0 } = {}) {
  const stores = await openStores(directory.path, 3, silentLog);
  const certificates: ObservedCertificate[] = [];
  for (let at = 0; at < count; at += 1) {
    const id = `n${at}.example.com`;
    const bundle = at < without ? makeBundle().bundle : (bundles[at] ?? makeBundle().bundle);
    const store = stores.of(id);
    const directoryUrl = at < ofOther ? OTHER : CA;
    await store.save(bundle, 'issued', undefined, NOW, { directoryUrl, accountUrl: `${directoryUrl}/1` });
    certificates.push(observedCertificate({ id, stored: (await store.current())?.stored }));
  }
  const events: [EventName, Fields][] = [];
  const state = {
    ...{ asked: [] as string[], opened: [] as string[], closed: 0, running: 0, most: 0 },
    speaks: (_url: string): boolean => true,
    says: async (_url: string): Promise<typeof WINDOW> => WINDOW,
  };
  const controller = new AbortController();
  const tools: LookTools = {
    stores,
    clock: manualClock(NOW.getTime()),
    log: { ...silentLog, warn: (event, fields = {}) => void events.push([event, fields]) },
    signal: controller.signal,
    openRenewalInfo: (url) => {
      state.opened.push(url);
      return {
        directory: async () => ({
          ...{ newNonce: url, newAccount: url, newOrder: url, meta: {} },
          ...(state.speaks(url) ? { renewalInfo: url } : {}),
        }),
        renewalInfo: async (certId) => {
          state.asked.push(certId);
          state.running += 1;
          state.most = Math.max(state.most, state.running);
          const window = await state.says(url).finally(() => {
            state.running -= 1;
          });
          return { window, explanationUrl: undefined, askAgainAt: daysFrom(0.25) };
        },
        close: async () => {
          state.closed += 1;
        },
      };
    },
  };
  const ask = (lookHolds: ReadonlyMap<string, LookHold> = new Map()) =>
    askRenewal(
      { do: 'ask-renewal', certificates: certificates.map(({ id }) => id), reason: 'look-due' },
      { certificates, lookHolds },
      tools,
    );
  const renewals = () => Promise.all(certificates.map(({ id }) => stores.of(id).renewal()));
  return { ask, renewals, state, events, stores, certificates, controller };
}

it('asks each CA about its own, by one client each, some at a time, and writes down what they say', async () => {
  const { ask, renewals, state, stores, events } = await world(40, { ofOther: 5 });
  state.says = async () => {
    await new Promise(setImmediate);
    return WINDOW;
  };

  await ask();

  expect(state.opened.sort()).toEqual([CA, OTHER]);
  expect([state.closed, new Set(state.asked).size]).toEqual([2, 40]);
  expect(state.most).toBeLessThanOrEqual(32);
  const kept = await renewals();
  expect(kept.filter((each) => each?.directoryUrl === OTHER)).toHaveLength(5);
  expect(kept[0]).toMatchObject({
    window: WINDOW,
    since: NOW,
    seenAt: NOW,
    askAt: daysFrom(0.25),
    failures: 0,
  });
  expect((await stores.list()).find(({ id }) => id === 'n7.example.com')?.renewal).toEqual(kept[7]);
  expect(events).toEqual([]);
});

it('gives up a CA that does not answer three times, says so once, and asks the others', async () => {
  const { ask, renewals, state, stores, events } = await world(24, { ofOther: 5 });
  state.says = async (url) => {
    if (url === CA) throw silence();
    return WINDOW;
  };

  await ask(new Map([[CA, { since: NOW, until: NOW, failures: 1 }]]));

  expect(state.asked.length).toBeLessThan(5 + 3 + 16);
  const holds = await stores.looks.holds();
  expect([...holds]).toEqual([
    [CA, { since: NOW, until: new Date(NOW.getTime() + 10 * MINUTE_MS), failures: 2 }],
  ]);
  expect(events).toEqual([
    [
      'renewal.failed',
      expect.objectContaining({ directoryUrl: CA, code: 'ACME_UNREACHABLE', certificates: 19 }),
    ],
  ]);
  expect((await renewals()).filter((each) => each?.window !== undefined)).toHaveLength(5);
});

it('asks later for what a CA does not know, and goes on with the others', async () => {
  const { ask, renewals, state, stores, events } = await world(6, { without: 1 });
  state.says = async () => {
    if (state.asked.length % 2 === 0) throw unknown();
    return WINDOW;
  };

  await ask();

  const kept = await renewals();
  const failed = kept.filter((each) => each?.failures === 1);
  expect(failed.length).toBe(3);
  expect(failed.every((each) => each?.askAt.getTime() === daysFrom(0.25).getTime())).toBe(true);
  expect(kept.filter((each) => each?.window !== undefined)).toHaveLength(3);
  expect((await stores.looks.holds()).size).toBe(0);
  expect(events.map(([event, { certificates }]) => [event, certificates])).toEqual([['renewal.failed', 3]]);
});

it('forgets the trouble of a CA that answers again, and remembers one that does not speak of renewals', async () => {
  const { ask, state, stores } = await world(2, { ofOther: 1 });
  const before = { since: NOW, until: NOW, failures: 3 };
  for (const url of [CA, OTHER]) await stores.looks.saveHold(url, before);
  state.speaks = (url) => url === CA;

  await ask(await stores.looks.holds());

  expect([...(await stores.looks.holds())]).toEqual([
    [OTHER, { since: NOW, until: daysFrom(1), failures: 0 }],
  ]);
});

it('never fails, whatever happens, but ends at once when it is told to stop', async () => {
  const { ask, state, events, controller } = await world(3);
  state.says = async () => {
    throw new TypeError('a fault of ours');
  };

  await ask();

  expect(events).toEqual([['renewal.failed', expect.objectContaining({ code: 'UNEXPECTED' })]]);
  state.says = async () => {
    controller.abort(new Error('stopped'));
    throw silence();
  };
  await expect(ask()).rejects.toThrow('stopped');
});

it('keeps what was said when a look fails, and takes damage for nothing said', async () => {
  const { ask, renewals, state, stores, certificates } = await world(1);
  await ask();
  const [first] = await renewals();
  const [certificate] = certificates;
  if (certificate !== undefined && first !== undefined) certificate.renewal = first;
  state.says = async () => {
    throw silence();
  };

  await ask();

  expect((await renewals())[0]).toEqual({
    ...first,
    failures: 1,
    askAt: new Date(NOW.getTime() + 5 * MINUTE_MS),
  });
  await stores.of('n0.example.com').saveRenewal({ ...first, failures: -1 } as never);
  expect(await renewals()).toEqual([undefined]);
});
