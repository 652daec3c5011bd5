import { describe, expect, test } from 'vitest';
import { applyDeploymentGroups } from '../../../src/lab/balancer/groups.ts';
import type { MarathonApp } from '../../../src/lab/balancer/marathon-app.ts';
import { app, generate, section } from './balancer-builder.ts';

interface Colour {
  alive: number;
  dead?: number;
  instances?: number;
  scaledAt?: string;
  labels?: Record<string, string | undefined>;
  isChecked?: boolean;
}

const CHECK = {
  protocol: 'HTTP',
  portIndex: 0,
  intervalSeconds: 5,
  timeoutSeconds: 2,
  gracePeriodSeconds: 60,
  maxConsecutiveFailures: 2,
};

function colour(name: string, { alive, dead = 0, isChecked = true, ...more }: Colour): MarathonApp {
  const first = name.startsWith('old') ? 1 : 101;
  const tasks = Array.from({ length: alive + dead }, (_, index) => ({
    id: `${name}${index + 1}`,
    host: '10.0.0.5',
    state: 'TASK_RUNNING',
    ports: [first + index],
    ...(isChecked ? { healthCheckResults: [{ alive: index < alive }] } : {}),
  }));
  const labels = {
    HAPROXY_DEPLOYMENT_GROUP: 'g',
    HAPROXY_DEPLOYMENT_TARGET_INSTANCES: '4',
    HAPROXY_DEPLOYMENT_NEW_INSTANCES: '1',
    HAPROXY_DEPLOYMENT_STARTED_AT: name.startsWith('old') ? '2024-01-01T10:00:00' : '2024-01-02T10:00:00.5',
    ...more.labels,
  };
  const given = Object.entries(labels).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return app(`/${name}`, name.startsWith('old') ? 10001 : 10002, Object.fromEntries(given), {
    instances: more.instances ?? alive + dead,
    ...(isChecked ? { healthChecks: [CHECK] } : {}),
    versionInfo: {
      lastScalingAt:
        more.scaledAt ?? (name.startsWith('old') ? '2024-01-01T10:00:00Z' : '2024-01-02T10:00:00Z'),
    },
    tasks,
  });
}

/** Ports of the servers of the one backend; a minus for those out of use. */
function servers(apps: MarathonApp[]): number[] {
  const config = generate(apps);
  const backend = ['g_10001', 'g_10002'].flatMap((name) => section(config, `backend ${name}`));
  return backend
    .filter((line) => line.startsWith('  server '))
    .map((line) => Number(/:(\d+) id/.exec(line)?.[1]) * (line.endsWith(' disabled') ? -1 : 1));
}

describe('8.20 two apps of one deployment group', () => {
  test.each<[string, Colour, Colour, number[]]>([
    ['one old task makes way for one healthy new one', { alive: 4 }, { alive: 1 }, [-1, 2, 3, 4, 101]],
    [
      'after the old was scaled down the roles are swapped',
      { alive: 3, scaledAt: '2024-01-03T10:00:00Z' },
      { alive: 1 },
      [1, 2, 3, 101],
    ],
    ['new tasks that are not alive change nothing', { alive: 4 }, { alive: 0, dead: 4 }, [1, 2, 3, 4]],
    [
      'without health checks the configured number counts, even before a task runs',
      { alive: 4, isChecked: false },
      { alive: 0, instances: 4, isChecked: false },
      [-1, -2, -3, -4],
    ],
    [
      'different targets take the new task out',
      { alive: 3, scaledAt: '2024-01-03T10:00:00Z', labels: { HAPROXY_DEPLOYMENT_TARGET_INSTANCES: '3' } },
      { alive: 1 },
      [1, 2, 3, -101],
    ],
    [
      'without NEW_INSTANCES the target is one',
      { alive: 4 },
      { alive: 2, labels: { HAPROXY_DEPLOYMENT_NEW_INSTANCES: undefined } },
      [-1, -2, 3, 4, 101, 102],
    ],
    ['no old task is left', { alive: 0 }, { alive: 3 }, [101, 102, 103]],
  ])('%s', (_name, old, fresh, expected) => {
    expect(servers([colour('old', old), colour('new', fresh)])).toEqual(expected);
    expect(servers([colour('new', fresh), colour('old', old)])).toEqual(expected);
  });

  test('labels, ports and id are those of the older app, and it comes after all others', () => {
    const apps = [colour('old', { alive: 1 }), colour('new', { alive: 1 }), app('/z', 10003)];

    const merged = applyDeploymentGroups(apps);

    expect(merged.map(({ id }) => id)).toEqual(['/z', '/g']);
    expect(merged[1]?.portDefinitions).toEqual([{ port: 10001 }]);
  });

  test('a second merge of what was merged has the new tasks twice, as in the search for an invalid app', () => {
    const apps = [colour('old', { alive: 1 }), colour('new', { alive: 1 })];
    applyDeploymentGroups(apps);

    const [again] = applyDeploymentGroups(apps);

    expect(again?.tasks?.map(({ id }) => id).sort()).toEqual(['new1', 'new1', 'old1']);
  });
});

describe('8.21 what stops the generation for all apps', () => {
  test.each<[string, Record<string, string | undefined>, string]>([
    [
      'a date with a zone beside one without',
      { HAPROXY_DEPLOYMENT_STARTED_AT: '2024-01-02T10:00:00Z' },
      'TypeError',
    ],
    ['a date that is none', { HAPROXY_DEPLOYMENT_STARTED_AT: 'soon' }, 'ParserError'],
    ['no target', { HAPROXY_DEPLOYMENT_TARGET_INSTANCES: undefined }, 'KeyError'],
    ['a target that is no number', { HAPROXY_DEPLOYMENT_TARGET_INSTANCES: 'all' }, 'ValueError'],
  ])('%s', (_name, labels, message) => {
    const apps = [colour('old', { alive: 1 }), colour('new', { alive: 1, labels }), app('/good', 10003)];

    expect(() => generate(apps)).toThrow(message);
  });

  test('a group that does not know when it was scaled', () => {
    const old = { ...colour('old', { alive: 1 }), versionInfo: null };

    expect(() => generate([old, colour('new', { alive: 1 })])).toThrow("KeyError: 'lastScalingAt'");
  });
});
