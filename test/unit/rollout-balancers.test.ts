import { describe, expect, it } from 'vitest';
import type { BalancerPlace } from '../../src/haproxy/places.ts';
import { CertathonError } from '../../src/lib/errors.ts';
import { type App, appSchema } from '../../src/marathon/app-schema.ts';
import type { MarathonClient } from '../../src/marathon/client.ts';
import { balancerFacts, countingBalancers, requireBalancers, takesApp } from '../../src/rollout-balancers.ts';
import type { RolloutWiring } from '../../src/rollout-wiring.ts';
import { stillTools } from '../support/rollout-tools.ts';

const EXTERNAL = { HAPROXY_GROUP: 'external' };

function balancer(id: string, tasks: number, json: Record<string, unknown> = {}): App {
  const running = (index: number) => ({ id: `${id}.${index}`, host: '10.0.0.1', state: 'TASK_RUNNING' });
  return appSchema.parse({
    ...{ id, args: ['sse', '--group', 'external'] },
    tasks: Array.from({ length: tasks }, (_, index) => running(index)),
    ...json,
  });
}

const places = (count: number): BalancerPlace[] =>
  Array.from({ length: count }, (_, index) => ({
    ...{ id: `10.0.0.${index + 1}:9090`, host: `10.0.0.${index + 1}`, adminPort: 9090 },
  }));

/** A wiring to `count` balancers at given addresses. */
function wiring(
  count: number,
  changes: Partial<RolloutWiring> = {},
  tools: Parameters<typeof stillTools>[0] = {},
): RolloutWiring {
  return {
    tools: stillTools({ findPlaces: async () => ({ places: places(count), problems: [] }), ...tools }),
    ...{ group: 'web', pollMs: 1_000, ids: ['/marathon-lb', '/lb-in'], isByAddress: true },
    served: { labels: EXTERNAL },
    isShared: async () => false,
    close: async () => undefined,
    ...changes,
  };
}

describe('requireBalancers()', () => {
  it.each<[string, RolloutWiring, App[]]>([
    ['as many addresses as tasks', wiring(2), [balancer('/marathon-lb', 2)]],
    ['more addresses than tasks', wiring(3), [balancer('/marathon-lb', 2)]],
    ['balancers that no Marathon runs', wiring(1), []],
    [
      'tasks of balancers that do not take the app',
      wiring(1),
      [balancer('/marathon-lb', 1), balancer('/lb-in', 3, { args: ['sse', '--group', 'internal'] })],
    ],
    ['tasks of other apps', wiring(1), [balancer('/else', 4)]],
    [
      'tasks that do not run',
      wiring(1),
      [balancer('/marathon-lb', 1, { tasks: [{ id: 'a', state: 'TASK_KILLED' }] })],
    ],
    [
      'what Marathon itself found, shared or not',
      wiring(1, { isByAddress: false, isShared: async () => true }),
      [],
    ],
  ])('is content with %s', async (_what, given, apps) => {
    await expect(requireBalancers(given, apps)).resolves.toBeUndefined();
  });

  it('refuses fewer addresses than Marathon runs balancers', async () => {
    await expect(requireBalancers(wiring(2), [balancer('/marathon-lb', 3)])).rejects.toMatchObject({
      code: 'ROLLOUT_UNSAFE',
      message: expect.stringContaining('Marathon runs 3 tasks of /marathon-lb, and 2 addresses were given'),
    });
  });

  it('refuses an address at which several balancers answer in turns', async () => {
    await expect(requireBalancers(wiring(1, { isShared: async () => true }), [])).rejects.toMatchObject({
      code: 'ROLLOUT_UNSAFE',
      message: expect.stringContaining('Several balancers answer at 10.0.0.1:9090 in turns'),
    });
  });

  it.each<[string, RolloutWiring, string]>([
    [
      'one that does not answer',
      wiring(2, {}, { look: async () => ({ unreachable: 'refused' }) }),
      '10.0.0.1:9090: refused; 10.0.0.2:9090: refused',
    ],
    ['none', wiring(0), 'no balancer is found'],
    [
      'a name that was not found',
      wiring(1, {}, { findPlaces: async () => ({ places: places(1), problems: ['no lb.example'] }) }),
      'no lb.example',
    ],
  ])('does not begin with %s', async (_what, given, words) => {
    await expect(requireBalancers(given, [])).rejects.toMatchObject({
      ...{ code: 'ROLLOUT_BALANCERS_UNREADABLE', message: expect.stringContaining(words) },
    });
  });
});

describe('countingBalancers()', () => {
  function counting(running: () => number, changes: Partial<RolloutWiring> = {}) {
    let asked = 0;
    const given = wiring(2, changes);
    const app: MarathonClient['app'] = async (id) => {
      asked += 1;
      if (id !== '/marathon-lb') throw new CertathonError('APP_MISSING', `no ${id}`);
      if (running() < 0) throw new CertathonError('MARATHON_UNREACHABLE', 'away');
      return balancer(id, running());
    };
    Object.assign(given.tools.marathon, { app });
    const { findPlaces, wait } = countingBalancers(given);
    return { find: async () => (await findPlaces()).problems, wait, asked: () => asked };
  }

  it('notices a balancer that Marathon starts in the middle and that is at none of the addresses', async () => {
    let running = 2;
    const { find, wait } = counting(() => running);
    const before = await find();
    running = 3;
    const soon = await find();
    await wait(5_000);

    expect([before, soon]).toEqual([[], []]);
    expect(await find()).toEqual([expect.stringContaining('Marathon runs 3 tasks of /marathon-lb, and 2')]);
  });

  it('asks Marathon every five seconds, and keeps what it counted while that is away', async () => {
    let running = 3;
    const { find, wait, asked } = counting(() => running);
    for (let look = 0; look < 10; look += 1) {
      await find();
      await wait(1_000);
    }
    running = -1;

    expect(asked()).toBe(2 * 2);
    expect(await find()).toHaveLength(1);
  });

  it('asks nothing where balancers are the tasks of Marathon anyway', async () => {
    const { find, asked } = counting(() => 9, { isByAddress: false });

    expect(await find()).toEqual([]);
    expect(asked()).toBe(0);
  });
});

describe('takesApp() and balancerFacts()', () => {
  const args = (...groups: string[]) => ({
    args: ['sse', ...groups.flatMap((group) => ['--group', group])],
    cmd: undefined,
  });
  it.each<[string, Parameters<typeof takesApp>, boolean]>([
    ['its group', [args('external'), EXTERNAL], true],
    ['one of its groups', [args('a', 'b'), { HAPROXY_GROUP: 'x, b' }], true],
    ['the group of the port', [args('internal'), { ...EXTERNAL, HAPROXY_0_GROUP: 'internal' }], true],
    ['everything', [args('*'), {}], true],
    ['who knows what', [args('external'), undefined], true],
    ['another group', [args('internal'), EXTERNAL], false],
    ['an app without a group', [args('external'), {}], false],
  ])('a balancer with %s', (_what, given, expected) => {
    expect(takesApp(...given)).toBe(expected);
  });

  it('tell what the arguments of the named apps mean', () => {
    const apps = [
      balancer('/marathon-lb', 1, { args: ['sse', '--group', 'external', '--health-check'] }),
      balancer('/lb-in', 1, { args: [], cmd: 'run sse --group internal -H' }),
      balancer('/lb-out', 1),
      balancer('/lb-all', 1, { args: ['sse', '--group', '*'] }),
    ];

    expect(balancerFacts(apps, ['/marathon-lb', '/lb-in', '/lb-all', '/none'])).toEqual([
      { id: '/marathon-lb', groups: ['external'], checksHealth: true },
      { id: '/lb-in', groups: ['internal'], checksHealth: true },
      { id: '/lb-all', groups: 'all', checksHealth: false },
    ]);
  });
});
