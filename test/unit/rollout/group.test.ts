import { describe, expect, it } from 'vitest';
import { appsOfGroup, groupKey, groupState, newInstancesOf } from '../../../src/rollout/group.ts';

type Labels = Record<string, string>;
const app = (id: string, labels: Labels = {}) => ({ id, labels });
const at = (time: string, more: Labels = {}) => ({ HAPROXY_DEPLOYMENT_STARTED_AT: time, ...more });

describe('groupKey()', () => {
  it.each([
    ['nginx', 'nginx'],
    ['/nginx', 'nginx'],
    ['prod/web', 'prod/web'],
    ['/prod/web', 'prod/web'],
    ['//nginx', '/nginx'],
    ['', ''],
  ])('takes %j as marathon-lb does, for %j', (label, key) => {
    expect(groupKey(label)).toBe(key);
  });
});

describe('appsOfGroup()', () => {
  const apps = [
    app('/a', { HAPROXY_DEPLOYMENT_GROUP: 'nginx' }),
    app('/b', { HAPROXY_DEPLOYMENT_GROUP: '/nginx' }),
    app('/c', { HAPROXY_DEPLOYMENT_GROUP: 'prod/nginx' }),
    app('/d', { HAPROXY_DEPLOYMENT_GROUP: '/prod/nginx' }),
    app('/nginx'),
  ];
  it.each([
    ['nginx', ['/a', '/b']],
    ['/nginx', ['/a', '/b']],
    ['prod/nginx', ['/c', '/d']],
    ['prod_nginx', []],
  ])('finds those of %j, however their labels are written', (group, ids) => {
    expect(appsOfGroup(apps, group).map(({ id }) => id)).toEqual(ids);
  });
});

describe('groupState()', () => {
  const blue = app('/blue', at('2026-01-01T10:00:00.000000'));
  const green = app('/green', at('2026-01-01T10:00:00.000001', { HAPROXY_DEPLOYMENT_NEW_INSTANCES: '2' }));

  it('knows no app and one app', () => {
    expect(groupState([])).toEqual({ kind: 'empty' });
    expect(groupState([blue])).toEqual({ kind: 'single', app: blue });
  });

  it.each([
    ['in order', [blue, green]],
    ['in the other order', [green, blue]],
  ])('tells the older of two, %s', (_how, apps) => {
    expect(groupState(apps)).toEqual({ kind: 'pair', old: blue, fresh: green, isHybridWanted: 2 });
  });

  it.each([
    ['a time without microseconds', '2026-01-01T10:00:00', '2026-01-01T10:00:00.000001'],
    ['another spelling', '2026-01-01T10:00:00.5', '2026-01-01 10:00:00.500001'],
    ['two zones', '2026-01-01T10:00:00+09:00', '2026-01-01T09:00:00Z'],
  ])('compares times, not texts: %s', (_what, first, second) => {
    const [one, two] = [app('/one', at(first)), app('/two', at(second))];

    expect(groupState([two, one])).toEqual({ kind: 'pair', old: one, fresh: two, isHybridWanted: 0 });
  });

  it('takes the app without the label for the older', () => {
    const plain = app('/plain');

    expect(groupState([blue, plain])).toEqual({ kind: 'pair', old: plain, fresh: blue, isHybridWanted: 0 });
  });

  it.each([
    [
      [blue, green, app('/third')],
      '3 apps share the deployment group: /blue, /green, /third; two can take turns',
    ],
    [[blue, app('/z', at('2026-01-01T10:00:00Z'))], 'HAPROXY_DEPLOYMENT_STARTED_AT of /z has a time zone'],
    [[app('/z', at('2026-01-01T10:00:00+01:00')), app('/plain')], 'of /z has a time zone'],
    [[blue, app('/x', at('last week'))], 'HAPROXY_DEPLOYMENT_STARTED_AT of /x is no time: "last week"'],
    [[app('/x', at('\u001b[31m')), blue], 'of /x is no time: "\\u001b[31m"'],
    [[app('/one'), app('/two')], 'Nothing tells which of /one, /two is the older'],
    [[blue, app('/same', at('2026-01-01 10:00:00'))], 'Nothing tells which of /blue, /same is the older'],
    [
      [blue, app('/n', at('2026-01-02T10:00:00', { HAPROXY_DEPLOYMENT_NEW_INSTANCES: 'two' }))],
      'HAPROXY_DEPLOYMENT_NEW_INSTANCES of /n is no number',
    ],
  ])('names the fault of %j', (apps, sentence) => {
    expect(groupState(apps)).toEqual({ kind: 'fault', sentence: expect.stringContaining(sentence) });
  });
});

describe('newInstancesOf()', () => {
  it.each([
    [{}, 0],
    [{ HAPROXY_DEPLOYMENT_NEW_INSTANCES: '0' }, 0],
    [{ HAPROXY_DEPLOYMENT_NEW_INSTANCES: ' 12 ' }, 12],
    [{ HAPROXY_DEPLOYMENT_NEW_INSTANCES: '' }, undefined],
    [{ HAPROXY_DEPLOYMENT_NEW_INSTANCES: '-1' }, undefined],
    [{ HAPROXY_DEPLOYMENT_NEW_INSTANCES: '1.5' }, undefined],
  ] as [Record<string, string>, number | undefined][])('reads %j as %s', (labels, expected) => {
    expect(newInstancesOf({ labels })).toBe(expected);
  });
});
