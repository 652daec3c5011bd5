import { describe, expect, test } from 'vitest';
import { longerBackoff } from '../../../src/lab/marathon/backoff.ts';
import { dialectOf } from '../../../src/lab/marathon/dialect.ts';
import { type HealthRecord, judgeProbe } from '../../../src/lab/marathon/health-record.ts';
import {
  absoluteId,
  instanceIdOf,
  isTaskId,
  parentGroup,
  problemOfAppId,
  taskIdOf,
} from '../../../src/lab/marathon/ids.ts';
import { parseLabelSelector } from '../../../src/lab/marathon/label-selector.ts';
import { assignServicePorts, completeApp, mergeApp } from '../../../src/lab/marathon/normalize.ts';
import { keepsConstraint } from '../../../src/lab/marathon/placement.ts';

const DIALECT = dialectOf('1.8.222');

describe('label selectors', () => {
  const labels = { HAPROXY_GROUP: 'external', tier: 'a', 'odd key': 'x,y' };

  test.each([
    ['HAPROXY_GROUP==external', true],
    ['HAPROXY_GROUP == internal', false],
    ['tier in (a,b)', true],
    ['tier in ( b , c )', false],
    ['tier notin (b,c)', true],
    ['tier!=b', true],
    ['missing!=b', false],
    ['missing notin (b)', false],
    ['tier', true],
    ['missing', false],
    ['tier,HAPROXY_GROUP==external', true],
    ['tier,missing', false],
    ['odd\\ key==x\\,y', true],
    ['inside', false],
  ])('%s is %s', (text, expected) => {
    expect(parseLabelSelector(text)(labels)).toBe(expected);
  });

  test.each(['', '==', 'a==', 'a in', 'a in ()', 'a in (b', 'a b', 'a,', ',a', 'a=b'])(
    '%s is no selector',
    (text) => {
      expect(() => parseLabelSelector(text)).toThrow('Can not parse label selector');
    },
  );
});

describe('ids', () => {
  test.each([
    ['prod/web', '/prod/web'],
    ['//prod//web/', '/prod/web'],
    ['/prod/./x/../web', '/prod/web'],
  ])('%s is %s', (given, expected) => {
    expect(absoluteId(given)).toBe(expected);
  });

  test.each(['/web', '/prod/web-1', '/a.b/c', '/1'])('%s is a good id', (id) => {
    expect(problemOfAppId(id, DIALECT)).toBeUndefined();
  });

  test.each(['/', '/Web', '/a_b', '/-a', '/a-', '/a b', '/x/restart', '/x/tasks', '/x/versions'])(
    '%s is not',
    (id) => {
      expect(problemOfAppId(id, DIALECT)).toEqual(expect.any(String));
    },
  );

  test('the parent of an app is its group', () => {
    expect(['/a', '/a/b', '/a/b/c'].map(parentGroup)).toEqual(['/', '/a', '/a/b']);
  });

  test.each([
    ['1.7.236', 'prod_my.web.marathon-u-1', 'prod_my.web.u-1'],
    ['1.8.222', 'prod_my.web.instance-u-1', 'prod_my.web.instance-u-1._app.3'],
  ])('in %s an instance is %s and its task %s', (version, instance, task) => {
    const dialect = dialectOf(version);

    expect(instanceIdOf('/prod/my.web', 'u-1', dialect)).toBe(instance);
    expect(taskIdOf(instance, 3, dialect)).toBe(task);
  });

  test.each(['/x/restart', '/x/tasks', '/x/versions'])('%s is a good id up to 1.7', (id) => {
    expect(problemOfAppId(id, dialectOf('1.7.236'))).toBeUndefined();
  });

  test.each([
    ['prod_web.instance-c0caec0a-863a-11e9-915b-c610fee06dff._app.1', true],
    ['prod_web.c0caec0a-863a-11e9-915b-c610fee06dff', true],
    ['prod_web', false],
    ['', false],
  ])('%s is a task id: %s', (text, expected) => {
    expect(isTaskId(text)).toBe(expected);
  });
});

describe('updates', () => {
  const current = completeApp('/app', { cmd: 'x', env: { A: '1', B: '2' }, portDefinitions: [] }, DIALECT);

  test('env is replaced as a whole, absent fields stay', () => {
    expect(mergeApp(current, { env: { B: '3' } }, DIALECT)).toEqual({ ...current, env: { B: '3' } });
  });

  test('executorResources are dropped unless they are repeated', () => {
    const special = completeApp('/app', { cmd: 'x', executorResources: { cpus: 1 } }, DIALECT);

    expect(mergeApp(special, { env: {} }, DIALECT).executorResources).toBeUndefined();
    expect(mergeApp(special, { executorResources: { cpus: 2 } }, DIALECT).executorResources).toEqual({
      cpus: 2,
    });
  });

  test('resourceLimits are dropped too, from 1.10 on', () => {
    const given = { cmd: 'x', resourceLimits: { mem: 64 }, executorResources: { cpus: 1 } };
    const after = ['1.9.109', '1.11.24'].map((version) => {
      const dialect = dialectOf(version);
      return mergeApp(completeApp('/app', given, dialect), { env: {} }, dialect);
    });

    expect(after.map(({ resourceLimits }) => resourceLimits)).toEqual([{ mem: 64 }, undefined]);
    expect(after.map(({ executorResources }) => executorResources)).toEqual([undefined, undefined]);
  });

  test('service ports that were 0 come back, and new ones avoid those of others', () => {
    const two = [0, 0].map((port) => ({ port, protocol: 'tcp', labels: {} }));
    const app = completeApp('/app', { cmd: 'x', portDefinitions: two }, DIALECT);

    const first = assignServicePorts(app, undefined, new Set([10_000]));
    const again = assignServicePorts(app, first, new Set([10_000]));

    expect(first.portDefinitions?.map(({ port }) => port)).toEqual([10_001, 10_002]);
    expect(again.portDefinitions).toEqual(first.portDefinitions);
  });
});

describe('probes', () => {
  const check = { gracePeriodSeconds: 10, maxConsecutiveFailures: 2, protocol: 'HTTP' as const };
  const failed = { ok: false, cause: 'refused' } as const;

  test('a failure in the grace period makes a result but is not counted', () => {
    const seen = judgeProbe(undefined, failed, check, 0, 9_999);

    expect(seen).toEqual({ record: { alive: false, consecutiveFailures: 0 }, counted: false, kill: false });
  });

  test('after the first success the grace period protects no more', () => {
    const { record } = judgeProbe(undefined, { ok: true }, check, 0, 1000);

    expect(judgeProbe(record, failed, check, 0, 2000)).toMatchObject({
      counted: true,
      record: { alive: false },
    });
  });

  test('failure number max + 1 kills', () => {
    let record: HealthRecord | undefined;
    const kills = [1, 2, 3].map((second) => {
      const seen = judgeProbe(record, failed, check, 0, 10_000 + second * 1000);
      record = seen.record;
      return seen.kill;
    });

    expect(kills).toEqual([false, false, true]);
  });

  test('a success ends a row of failures', () => {
    const before = { alive: false, consecutiveFailures: 2, firstSuccessMs: 1 };

    const { record } = judgeProbe(before, { ok: true }, check, 0, 5000);

    expect(record).toEqual({ alive: true, consecutiveFailures: 0, firstSuccessMs: 1, lastSuccessMs: 5000 });
  });

  test('maximum 0 never kills, but for checks of Mesos at the first failure', () => {
    const never = { ...check, maxConsecutiveFailures: 0 };
    const before = { alive: false, consecutiveFailures: 9 };

    expect(judgeProbe(before, failed, never, 0, 20_000).kill).toBe(false);
    expect(judgeProbe(before, failed, { ...never, protocol: 'MESOS_HTTP' }, 0, 20_000).kill).toBe(true);
  });
});

describe('back-off', () => {
  const rule = { backoffSeconds: 1, backoffFactor: 2, maxLaunchDelaySeconds: 5 };

  test('it grows by the factor up to the limit', () => {
    let last = longerBackoff(undefined, rule, 0);
    const delays = [last.delayMs];
    for (let failure = 0; failure < 4; failure++) {
      last = longerBackoff(last, rule, last.untilMs);
      delays.push(last.delayMs);
    }

    expect(delays).toEqual([1000, 2000, 4000, 5000, 5000]);
  });

  test('it is forgotten when it ended longer ago than the limit', () => {
    expect(longerBackoff({ delayMs: 4000, untilMs: 0 }, rule, 5001)).toEqual({
      delayMs: 1000,
      untilMs: 6001,
    });
  });
});

describe('constraints', () => {
  const agents = [
    { host: '127.0.0.11', attributes: { rack: 'a' } },
    { host: '127.0.0.12', attributes: { rack: 'a' } },
    { host: '127.0.0.13', attributes: { rack: 'b' } },
  ];
  const [one, , three] = agents;

  test.each([
    [['hostname', 'UNIQUE'], [one], [false, true, true]],
    [['rack', 'UNIQUE'], [one], [false, false, true]],
    [['hostname', 'CLUSTER', '127.0.0.12'], [], [false, true, false]],
    [['rack', 'CLUSTER'], [one], [true, true, false]],
    [['rack', 'MAX_PER', '1'], [three], [true, true, false]],
    [['rack', 'GROUP_BY'], [one], [false, false, true]],
    [['hostname', 'LIKE', '.*1[12]'], [], [true, true, false]],
    [['hostname', 'UNLIKE', '.*1[12]'], [], [false, false, true]],
    [['rack', 'IS', 'b'], [], [false, false, true]],
    [['nothing', 'UNIQUE'], [], [false, false, false]],
  ])('%j beside %j allows %j', (constraint, occupied, expected) => {
    const taken = occupied.filter((agent) => agent !== undefined);

    expect(agents.map((agent) => keepsConstraint(constraint, agent, taken, agents))).toEqual(expected);
  });
});
