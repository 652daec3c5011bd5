import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PreflightFacts, predictRestart } from '../../../src/delivery/preflight.ts';
import { restartLimits } from '../../../src/delivery/restart-arithmetic.ts';
import { launchableNow, rollingLimits } from '../../../src/lab/marathon/rolling.ts';
import { type App, appSchema } from '../../../src/marathon/app-schema.ts';

const VERSION = '2026-01-01T00:00:00.000Z';
const HTTP = { protocol: 'HTTP', path: '/_haproxy_health_check' };
const MESOS = { protocol: 'MESOS_HTTP', path: '/_haproxy_health_check' };
const EARLY = '1.8.222';
const LATE = '1.11.24';

interface Shape {
  instances: number;
  min: number;
  over: number;
  /** As many as instances unless told otherwise. */
  running?: number;
  healthChecks?: object[];
  more?: object;
}

/** Balancers on the host network, one an agent, healthy. */
const app = ({ instances, min, over, running = instances, healthChecks = [HTTP], more = {} }: Shape): App =>
  appSchema.parse({
    id: '/marathon-lb',
    instances,
    version: VERSION,
    versionInfo: { lastConfigChangeAt: VERSION },
    networks: [{ mode: 'host' }],
    healthChecks,
    upgradeStrategy: { minimumHealthCapacity: min, maximumOverCapacity: over },
    tasks: Array.from({ length: running }, (_, index) => task(index)),
    ...more,
  });
const task = (index: number, changes: object = {}) => ({
  id: `lb.${index}`,
  host: `10.0.0.${index + 1}`,
  state: 'TASK_RUNNING',
  version: VERSION,
  stagedAt: '2026-01-01T00:00:00.000Z',
  startedAt: '2026-01-01T00:00:01.500Z',
  healthCheckResults: [{ alive: true }],
  ...changes,
});
const facts = (changes: Partial<PreflightFacts> = {}): PreflightFacts => ({
  marathonVersion: EARLY,
  hasSpareAgent: undefined,
  ...changes,
});
const bridge = (hostPort?: number) => ({
  networks: [{ mode: 'container/bridge' }],
  container: { portMappings: [{ containerPort: 443, ...(hostPort === undefined ? {} : { hostPort }) }] },
});

// instances, min, over → without a word about agents, without a free one, with one
describe('predictRestart() up to Marathon 1.9.109', () => {
  const patch = (min: number) => ({
    upgradeStrategy: { minimumHealthCapacity: min, maximumOverCapacity: 0 },
  });
  it.each([
    [1, 1, 1, ['needs-agent', 'never', 'task-by-task'], 0, patch(0)],
    [1, 0.5, 0.2, ['needs-agent', 'never', 'task-by-task'], 0, patch(0)],
    [1, 0.01, 0, ['needs-agent', 'never', 'task-by-task'], 0, patch(0)],
    [1, 0, 0, ['gap', 'gap', 'gap'], 1, undefined],
    [1, 0, 1, ['gap', 'gap', 'gap'], 1, undefined],
    [2, 1, 1, ['needs-agent', 'never', 'task-by-task'], 0, patch(0.5)],
    [2, 1, 0, ['needs-agent', 'never', 'task-by-task'], 0, patch(0.5)],
    [2, 0.51, 0.2, ['needs-agent', 'never', 'task-by-task'], 0, patch(0.5)],
    [2, 0.5, 0.2, ['task-by-task', 'task-by-task', 'task-by-task'], 1, undefined],
    [2, 0.5, 0, ['task-by-task', 'task-by-task', 'task-by-task'], 1, undefined],
    [2, 0, 0, ['gap', 'gap', 'gap'], 2, patch(0.5)],
    [2, 0, 1, ['gap', 'gap', 'gap'], 2, patch(0.5)],
    [3, 0.5, 0.2, ['task-by-task', 'task-by-task', 'task-by-task'], 1, undefined],
    [3, 0.3, 0, ['task-by-task', 'task-by-task', 'task-by-task'], 2, undefined],
    [3, 1, 0.2, ['needs-agent', 'never', 'task-by-task'], 0, patch(0.66)],
    [3, 0, 0, ['gap', 'gap', 'gap'], 3, patch(0.66)],
    [5, 0.9, 0, ['needs-agent', 'never', 'task-by-task'], 0, patch(0.8)],
    [5, 0.8, 0, ['task-by-task', 'task-by-task', 'task-by-task'], 1, undefined],
    [5, 0.5, 0.2, ['task-by-task', 'task-by-task', 'task-by-task'], 2, undefined],
    [10, 0.7, 0.25, ['task-by-task', 'task-by-task', 'task-by-task'], 3, undefined],
    [10, 1, 1, ['needs-agent', 'never', 'task-by-task'], 0, patch(0.9)],
    [25, 0.28, 0, ['task-by-task', 'task-by-task', 'task-by-task'], 17, undefined],
  ] as const)('of %i with %d/%d is %j', (instances, min, over, kinds, killedFirst, help) => {
    const predictions = [undefined, false, true].map((hasSpareAgent) =>
      predictRestart(app({ instances, min, over }), facts({ hasSpareAgent })),
    );

    expect(predictions.map(({ kind }) => kind)).toEqual(kinds);
    expect(predictions[0]?.killedFirst).toBe(killedFirst);
    expect(predictions[0]?.patch).toEqual(help);
    expect(predictions[1]?.patch).toEqual(help);
  });

  it('says what it did with the numbers', () => {
    const sentences = [
      predictRestart(app({ instances: 3, min: 0.5, over: 0.2 }), facts()),
      predictRestart(app({ instances: 1, min: 0, over: 0 }), facts()),
      predictRestart(app({ instances: 1, min: 0.5, over: 0.2 }), facts()),
      predictRestart(app({ instances: 1, min: 0.5, over: 0.2 }), facts({ hasSpareAgent: false })),
      predictRestart(app({ instances: 2, min: 0, over: 0 }), facts()),
      predictRestart(app({ instances: 0, min: 1, over: 1 }), facts()),
    ].map(({ sentence }) => sentence);

    expect(sentences).toEqual([
      'Marathon replaces them one at a time: at least 2 of 3 balancers serve meanwhile, and each cuts its open connections when it stops',
      'Marathon stops the only balancer that serves before a new one does: nobody serves for about 4 s',
      'With minimumHealthCapacity 0.5 and maximumOverCapacity 0.2, Marathon starts a new balancer before it stops one of 1; it needs an agent without one (balancers on the host network bind their ports themselves): the restart never ends unless one is free',
      'With minimumHealthCapacity 0.5 and maximumOverCapacity 0.2, Marathon starts a new balancer before it stops one of 1; it needs an agent without one (balancers on the host network bind their ports themselves) and none is free: the restart never ends',
      'Marathon stops all 2 balancers that serve before a new one does: nobody serves for about 4 s',
      'The app has 0 instances: nothing restarts',
    ]);
  });

  it('takes the length of the gap from how long its tasks took to start', () => {
    const slow = [3_000, 20_000, 40_000].map((ms, index) =>
      task(index, { startedAt: new Date(Date.parse(VERSION) + ms).toISOString() }),
    );
    const measured = app({ instances: 3, min: 0, over: 0, more: { tasks: slow } });
    const silent = app({
      instances: 1,
      min: 0,
      over: 0,
      more: { tasks: [task(0, { stagedAt: undefined })] },
    });

    expect(predictRestart(measured, facts())).toMatchObject({ kind: 'gap', gapMs: 22_500 });
    expect(predictRestart(silent, facts())).toMatchObject({ kind: 'gap', gapMs: 3_500 });
  });
});

describe('predictRestart() from Marathon 1.9.110 on', () => {
  it.each([
    ['1.9.109', 'task-by-task'],
    ['1.9.110', 'never'],
    ['1.9.110-abcdef', 'never'],
    ['1.10.26', 'never'],
    ['1.11.24', 'never'],
    ['v1.10.0-SNAPSHOT', 'never'],
    ['1.8.244', 'task-by-task'],
    ['1.7.189', 'task-by-task'],
    [undefined, 'task-by-task'],
    ['something', 'task-by-task'],
  ])('of two with 0.5/0.2 and checks of the leader on %s is %s', (marathonVersion, kind) => {
    expect(predictRestart(app({ instances: 2, min: 0.5, over: 0.2 }), facts({ marathonVersion })).kind).toBe(
      kind,
    );
  });

  it.each([
    [1, 0.5, 0.2, 'never', 'never'],
    [1, 0, 0, 'never', 'never'],
    [1, 0, 1, 'needs-agent', 'task-by-task'],
    [1, 1, 1, 'needs-agent', 'task-by-task'],
    [2, 0.5, 0.2, 'never', 'never'],
    [2, 1, 0, 'never', 'never'],
    [3, 0.5, 0.2, 'never', 'never'],
    [3, 0.5, 0.34, 'needs-agent', 'task-by-task'],
    [5, 0.5, 0.2, 'needs-agent', 'task-by-task'],
    [10, 0.7, 0.25, 'needs-agent', 'task-by-task'],
  ])(
    'of %i with %d/%d and checks of the leader is %s, with a free agent %s',
    (instances, min, over, unknown, free) => {
      const one = app({ instances, min, over });

      const without = predictRestart(one, facts({ marathonVersion: LATE }));
      const withOne = predictRestart(one, facts({ marathonVersion: LATE, hasSpareAgent: true }));

      expect([without.kind, withOne.kind]).toEqual([unknown, free]);
      expect(without).toMatchObject({ patch: undefined });
      expect(without.sentence).toContain('no upgradeStrategy');
    },
  );

  it.each([
    [1, 0, 0, 'gap'],
    [1, 0.5, 0.2, 'needs-agent'],
    [2, 0.5, 0.2, 'task-by-task'],
    [3, 0.5, 0.2, 'task-by-task'],
    [5, 0.9, 0, 'needs-agent'],
    [10, 0.7, 0.25, 'task-by-task'],
  ])(
    'of %i with %d/%d is the same as before when Mesos checks, or nobody: %s',
    (instances, min, over, kind) => {
      const checks = [[MESOS], [{ protocol: 'COMMAND' }], []];

      const kinds = checks.map(
        (healthChecks) =>
          predictRestart(app({ instances, min, over, healthChecks }), facts({ marathonVersion: LATE })).kind,
      );

      expect(kinds).toEqual([kind, kind, kind]);
    },
  );

  it('proposes room for one more where a new one could start', () => {
    const late = facts({ marathonVersion: LATE });
    const anywhere = app({ instances: 3, min: 0.5, over: 0.2, more: bridge() });
    const freeAgent = app({ instances: 2, min: 0.5, over: 0.2 });

    expect(predictRestart(anywhere, late).patch).toEqual({
      upgradeStrategy: { minimumHealthCapacity: 0.5, maximumOverCapacity: 0.34 },
    });
    expect(predictRestart(freeAgent, { ...late, hasSpareAgent: true }).patch).toEqual({
      upgradeStrategy: { minimumHealthCapacity: 0.5, maximumOverCapacity: 0.5 },
    });
  });

  it('stops first what serves nobody', () => {
    const half = [task(0), task(1, { healthCheckResults: [{ alive: false }] })];
    const sick = app({ instances: 2, min: 0, over: 0, healthChecks: [MESOS], more: { tasks: half } });

    expect(predictRestart(sick, facts({ marathonVersion: LATE })).killedFirst).toBe(0);
    expect(predictRestart(sick, facts()).killedFirst).toBe(1);
  });
});

describe('predictRestart() looks where a new balancer could start', () => {
  const two = (more: object) => app({ instances: 2, min: 1, over: 0.5, more });
  it.each([
    ['on a bridge with ports of Marathon’s choice', bridge(), 'task-by-task'],
    ['on a bridge with host port 0', bridge(0), 'task-by-task'],
    ['on a bridge with a fixed host port', bridge(443), 'needs-agent'],
    ['with an address of its own', { networks: [{ mode: 'container', name: 'net' }] }, 'task-by-task'],
    ['alone on its agent', { ...bridge(), constraints: [['hostname', 'UNIQUE']] }, 'needs-agent'],
    ['alone in its rack', { ...bridge(), constraints: [['rack', 'UNIQUE']] }, 'needs-agent'],
    ['one an agent at most', { ...bridge(), constraints: [['hostname', 'MAX_PER', '1']] }, 'needs-agent'],
    ['two an agent at most', { ...bridge(), constraints: [['hostname', 'MAX_PER', '2']] }, 'task-by-task'],
    ['spread by groups', { ...bridge(), constraints: [['hostname', 'GROUP_BY']] }, 'task-by-task'],
    [
      'on named agents that are taken',
      { constraints: [['hostname', 'LIKE', '10.0.0.(1|2)']] },
      'needs-agent',
    ],
    [
      'on two agents that are taken',
      { constraints: [['hostname', 'LIKE', '10\\.0\\.0\\.1|10.0.0.2']] },
      'never',
    ],
    [
      'on three agents',
      { constraints: [['hostname', 'LIKE', '(10.0.0.1|10.0.0.2|10.0.0.3)']] },
      'needs-agent',
    ],
    ['where a pattern allows', { constraints: [['hostname', 'LIKE', '10.*']] }, 'needs-agent'],
  ])('%s', (_where, more, kind) => {
    expect(predictRestart(two(more), facts()).kind).toBe(kind);
  });

  it.each([
    ['CLUSTER', ['hostname', 'CLUSTER', '10.0.0.1']],
    ['CLUSTER without a value', ['hostname', 'CLUSTER']],
    ['LIKE', ['hostname', 'LIKE', '10.0.0.1']],
    ['IS', ['@hostname', 'IS', '10.0.0.1']],
  ])('and knows that no spare agent helps one that %s ties to an agent', (_how, constraint) => {
    const pinned = app({ instances: 1, min: 0.5, over: 0.2, more: { constraints: [constraint] } });

    const prediction = predictRestart(pinned, facts({ hasSpareAgent: true }));

    expect(prediction).toMatchObject({
      kind: 'never',
      patch: { upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 } },
    });
    expect(prediction.sentence).toContain('it may only run on 10.0.0.1');
  });
});

describe('predictRestart() of balancers that do not all run', () => {
  const three = (running: number, more: object = {}) =>
    app({ instances: 3, min: 0.5, over: 0.2, running, more });

  it('is sure of no end when more are wanted than agents are free', () => {
    const predictions = [undefined, false, true].map((hasSpareAgent) =>
      predictRestart(three(2), facts({ hasSpareAgent })),
    );

    expect(predictions.map(({ kind }) => kind)).toEqual(['needs-agent', 'never', 'task-by-task']);
    expect(predictions.map(({ patch }) => patch)).toEqual([undefined, undefined, undefined]);
    expect(predictions[1]).toMatchObject({
      sentence:
        '1 of 3 instances do not run, and it needs an agent without one (balancers on the host network bind their ports themselves): the restart never ends; no upgradeStrategy changes that',
    });
  });

  it('expects all to be there once a deployment that runs has ended', () => {
    const during = (running: number) => three(running, { deployments: [{ id: 'd1' }] });

    for (const running of [0, 1, 2, 3, 4])
      expect(predictRestart(during(running), facts({ hasSpareAgent: false }))).toMatchObject({
        kind: 'task-by-task',
        killedFirst: 1,
      });
  });

  it('does not stand in the way of what may repair one that dies again and again', () => {
    const failure = { taskId: 'lb.2', state: 'TASK_FAILED', message: 'exited with 1', version: VERSION };
    const before = { ...failure, version: '2025-12-31T00:00:00.000Z' };

    expect(predictRestart(three(2, { lastTaskFailure: failure }), facts()).kind).toBe('task-by-task');
    expect(predictRestart(three(2, { lastTaskFailure: before }), facts()).kind).toBe('needs-agent');
  });

  it('knows that 1.8 may stop the only one that runs, since it counts those that wait too', () => {
    const one = app({ instances: 2, min: 0.5, over: 0, running: 1, more: bridge() });

    expect(predictRestart(one, facts()).kind).toBe('gap');
    expect(predictRestart(one, facts({ marathonVersion: '1.7.189' })).kind).toBe('task-by-task');
  });

  it('loses nothing when none serves', () => {
    const none = app({ instances: 1, min: 1, over: 0, running: 0 });
    const sick = app({
      instances: 1,
      min: 0,
      over: 0,
      more: { tasks: [task(0, { healthCheckResults: [{ alive: false }] })] },
    });

    for (const each of [none, sick])
      expect(predictRestart(each, facts())).toMatchObject({
        kind: 'gap',
        killedFirst: 0,
        patch: undefined,
        sentence: expect.stringContaining('No balancer serves now'),
      });
  });

  it('counts staged ones as there, dead and dying ones as gone', () => {
    const mixed = [task(0), task(1, { state: 'TASK_STAGING' }), task(2, { state: 'TASK_KILLING' })];

    expect(predictRestart(three(3, { tasks: mixed }), facts({ hasSpareAgent: false })).kind).toBe('never');
  });

  it('counts those as serving of whose health nothing is known yet', () => {
    const unknown = app({
      instances: 1,
      min: 0,
      over: 0,
      more: { tasks: [task(0, { healthCheckResults: [] })] },
    });

    expect(predictRestart(unknown, facts()).killedFirst).toBe(1);
  });
});

/** A rolling restart on agents that hold one balancer each, to its end or to where it stands still: what
 * serves least, and whether it ends. New ones start one after another. */
function roll(one: App, agents: number, { base, killsSurplus }: { base: number; killsSurplus: boolean }) {
  const { instances, upgradeStrategy } = one;
  const limits = rollingLimits({ ...upgradeStrategy, instances, base });
  const killNow = killsSurplus ? Math.max(limits.killNow, one.tasks.length - instances) : limits.killNow;
  let old = one.tasks.length;
  let started = 0;
  let running = 0;
  old -= Math.min(old, killNow);
  let least = old;
  for (;;) {
    started += launchableNow({ instances, maxCapacity: limits.maxCapacity, oldNotDead: old, started });
    if (running === started || old + running >= agents) break;
    running += 1;
    if (old > 0) old -= 1;
    least = Math.min(least, old + running);
  }
  return { least, ends: old === 0 && running === instances };
}

describe('predictRestart() and a restart that is played through', () => {
  const share = fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100);
  const shapes = fc.record({ instances: fc.integer({ min: 1, max: 12 }), min: share, over: share });
  const checks = fc.constantFrom<(typeof HTTP)[]>([HTTP], [MESOS], []);
  const versions = fc.constantFrom('1.7.0', EARLY, '1.9.109', '1.9.110', LATE);

  it('agree', () => {
    fc.assert(
      fc.property(shapes, checks, versions, fc.boolean(), (shape, healthChecks, marathonVersion, spare) => {
        const one = app({ ...shape, healthChecks });
        const isLate = marathonVersion === LATE || marathonVersion === '1.9.110';
        const base = isLate && healthChecks[0] === HTTP ? 0 : shape.instances;

        const { kind, killedFirst } = predictRestart(one, facts({ marathonVersion, hasSpareAgent: spare }));
        const played = roll(one, shape.instances + (spare ? 1 : 0), { base, killsSurplus: isLate });

        const expected = !played.ends ? 'never' : played.least === 0 ? 'gap' : 'task-by-task';
        expect(kind).toBe(expected);
        if (kind === 'task-by-task') expect(shape.instances - killedFirst).toBe(played.least);
      }),
      { numRuns: 2000 },
    );
  });

  it('agree on what a patch brings', () => {
    fc.assert(
      fc.property(shapes, checks, versions, (shape, healthChecks, marathonVersion) => {
        const about = facts({ marathonVersion, hasSpareAgent: false });
        const one = app({ ...shape, healthChecks });
        const { kind, patch } = predictRestart(one, about);
        if (patch === undefined) return;

        const after = predictRestart({ ...one, ...patch }, about);

        expect(kind === 'gap' || kind === 'never').toBe(true);
        expect(after.kind).toBe(shape.instances === 1 ? 'gap' : 'task-by-task');
        expect(after.killedFirst).toBe(1);
        expect(after.patch).toBeUndefined();
      }),
      { numRuns: 2000 },
    );
  });

  it('count with the same arithmetic', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const { instances, upgradeStrategy } = app(shape);
        const limits = rollingLimits({ ...upgradeStrategy, instances, base: instances });

        expect(
          restartLimits(
            { instances, upgradeStrategy },
            { base: instances, total: instances, killsSurplus: false },
          ),
        ).toEqual({
          killNow: limits.killNow,
          startNow: launchableNow({ ...limits, instances, oldNotDead: instances, started: 0 }),
        });
      }),
    );
  });
});
