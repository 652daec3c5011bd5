import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runPass } from '../../../src/certificates/pass.ts';
import { readVariable } from '../../../src/delivery/variable.ts';
import { CertathonError } from '../../../src/lib/errors.ts';
import type { Env } from '../../../src/marathon/app-schema.ts';
import { policy } from '../../support/observations.ts';
import { type Moment, severalWorld } from '../../support/several-world.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const directory = temporaryDirectory();
const home = () => join(directory.path, 'store');
const NAMES = ['a.example.com', 'b.example.com', 'c.example.com'];
const ONCE = new Map(NAMES.map((name) => [name, 1]));

/** The names that the variables of marathon-lb hold, by their variables. */
const heldIn = (env: Env) =>
  Object.entries(env)
    .sort()
    .map(([variable, value]) => {
      const content = readVariable(value);
      return [variable, content.kind === 'certificate' ? content.facts.names.join() : content.kind];
    });
const SLOTS = ['HAPROXY_SSL_CERT', 'HAPROXY_SSL_CERT0', 'HAPROXY_SSL_CERT1'];
const dos = ({ done }: { done: { do: string }[] }) => done.map((step) => step.do);

describe('runPass() with three certificates', () => {
  it('orders all and delivers them in one write, and then has nothing to do', async () => {
    const { tools, state } = await severalWorld(home(), NAMES);

    const first = await runPass(tools, policy(), false);
    const second = await runPass(tools, policy(), false);

    expect([dos(first), first.problems]).toEqual([['order', 'order', 'order', 'deliver'], []]);
    expect([dos(second), second.exitStatus]).toEqual([[], 0]);
    expect(heldIn(state.env)).toEqual(SLOTS.map((variable, index) => [variable, NAMES[index]]));
    expect(state).toMatchObject({ writes: 1, orders: ONCE });
  });

  it('ends well after a kill at any of its writes, with no second order and no second deployment', async () => {
    const moments = { at: join(directory.path, 'moment'), list: [] as Moment[] };
    const { tools } = await severalWorld(home(), NAMES, { moments });
    await runPass(tools, policy(), false);

    const ends = [];
    for (const moment of moments.list) {
      const next = await severalWorld(moment.directory, NAMES, { outside: moment });
      const { problems } = await runPass(next.tools, policy(), false);
      const isWell = heldIn(next.state.env).length === 3 && problems.length === 0;
      ends.push({ after: moment.after, isWell, writes: next.state.writes, orders: next.state.orders });
    }

    // Record, order twice, bundle and its name for each; then Marathon.
    expect(ends.length).toBeGreaterThanOrEqual(3 * 5 + 1);
    expect(
      ends.filter(
        ({ isWell, writes, orders }) =>
          !isWell || writes !== 1 || [...orders.values()].some((count) => count > 1),
      ),
    ).toEqual([]);
  });

  it('delays no certificate by one that is slow, and fails none by one that fails', async () => {
    const issued: string[] = [];
    let open = (): void => undefined;
    const others = new Promise<void>((resolve) => {
      open = resolve;
    });
    const { tools, state, stores } = await severalWorld(home(), [...NAMES, 'd.example.com'], {
      before: async (name) => {
        if (name === 'b.example.com') throw new CertathonError('ACME_CHALLENGE_FAILED', 'No b');
        if (name === 'a.example.com') await others;
        issued.push(name);
        if (issued.length === 2) open();
      },
    });

    const result = await runPass(tools, policy(), false);

    expect(issued.toSorted()).toEqual(['a.example.com', 'c.example.com', 'd.example.com']);
    expect(issued.at(-1)).toBe('a.example.com');
    expect([dos(result), result.problems.map(({ code }) => code)]).toEqual([
      ['order', 'order', 'order', 'deliver'],
      ['ACME_CHALLENGE_FAILED'],
    ]);
    expect(heldIn(state.env).map(([, names]) => names)).toEqual([
      'a.example.com',
      'c.example.com',
      'd.example.com',
    ]);
    expect(await stores.of('b.example.com').hold()).toMatchObject({ failures: 1 });
    expect(await stores.of('c.example.com').hold()).toBeUndefined();
  });

  it('renews those that it is asked for by name, and no other', async () => {
    const { tools, state } = await severalWorld(home(), NAMES);
    await runPass(tools, policy(), false);

    await runPass(tools, { ...policy(), forced: ['b.example.com'] }, false);

    expect(state.orders).toEqual(new Map([...ONCE, ['b.example.com', 2]]));
  });

  it('takes what nobody wants out of the store once nothing holds it', async () => {
    const first = await severalWorld(home(), NAMES);
    await runPass(first.tools, policy(), false);
    const two = await severalWorld(home(), NAMES.slice(0, 2), { outside: first.state });

    const { plan } = await runPass(two.tools, policy(), false);
    two.tools.rules.graceMs = 0;
    const ended = await runPass(two.tools, policy(), false);

    expect(plan?.retired).toMatchObject([{ certificate: 'c.example.com', life: 'grace' }]);
    expect(ended.plan?.retired).toMatchObject([{ certificate: 'c.example.com', life: 'ended' }]);
    expect([ended.exitStatus, two.state.writes]).toEqual([0, 1]);
    expect(readdirSync(join(home(), 'certificates'))).toEqual(NAMES);
  });
});
