import { describe, expect, it } from 'vitest';
import { groupsOf, type LabelledApp, namesInGroups } from '../../../src/haproxy/groups.ts';

describe('groupsOf()', () => {
  it.each<[string, string[], string | undefined, string[] | 'all']>([
    ['one group', ['sse', '--group', 'external'], undefined, ['external']],
    ['one written with a sign', ['sse', '--group=external'], undefined, ['external']],
    ['several, each once', ['sse', '--group', 'a', '--group=b', '--group', 'a'], undefined, ['a', 'b']],
    ['commas, which part nothing here', ['sse', '--group', 'a,b'], undefined, ['a,b']],
    ['the star', ['sse', '--group', '*'], undefined, 'all'],
    ['the star among others', ['sse', '--group', 'a', '--group=*'], undefined, 'all'],
    [
      'another argument that begins alike',
      ['sse', '--group-https-by-vhost', '--group', 'a'],
      undefined,
      ['a'],
    ],
    ['no group', ['sse', '--health-check'], undefined, []],
    ['a group that is missing', ['sse', '--group'], undefined, []],
    ['nothing, so that the image decides', [], undefined, ['external']],
    [
      'a command line',
      [],
      '/marathon-lb/run sse --group external --group=internal',
      ['external', 'internal'],
    ],
    [
      'a command line with quotes',
      [],
      `run sse --group "two words" --group='*x' --group a\\ b`,
      ['two words', '*x', 'a b'],
    ],
    ['a quoted star', [], `cd /marathon-lb && ./run sse --group '*'`, 'all'],
    ['an empty command line', [], '', []],
    ['a quote without end', [], 'run --group "a', ['a']],
  ])('reads %s', (_what, args, cmd, groups) => {
    expect(groupsOf(args, cmd)).toEqual(groups);
  });
});

describe('namesInGroups()', () => {
  const app = (labels: Record<string, string>, portCount = 2): LabelledApp => ({
    id: '/shop',
    labels,
    portCount,
  });
  const external = app({ HAPROXY_GROUP: 'external', HAPROXY_0_VHOST: 'shop.example' });
  const internal = app({ HAPROXY_GROUP: 'internal', HAPROXY_0_VHOST: 'shop.example' });

  it.each<[string, string[] | 'all', LabelledApp[], boolean]>([
    ['that no app asks for', ['external'], [], true],
    ['of an app of this group', ['external'], [external], true],
    ['of an app of another group', ['external'], [internal], false],
    ['of apps of both groups', ['external'], [internal, external], true],
    ['of an app of another group, for all groups', 'all', [internal], true],
    ['of an app without a group', ['external'], [app({ HAPROXY_0_VHOST: 'shop.example' })], false],
    ['of an app without a group, for all groups', 'all', [app({ HAPROXY_0_VHOST: 'shop.example' })], true],
    [
      'of one of several groups',
      ['b'],
      [app({ HAPROXY_GROUP: 'a, b', HAPROXY_0_VHOST: 'shop.example' })],
      true,
    ],
    [
      'whose port has a group of its own',
      ['external'],
      [app({ HAPROXY_GROUP: 'internal', HAPROXY_1_GROUP: 'external', HAPROXY_1_VHOST: 'shop.example' })],
      true,
    ],
    [
      'whose port has another group than its app',
      ['external'],
      [app({ HAPROXY_GROUP: 'external', HAPROXY_0_GROUP: 'internal', HAPROXY_0_VHOST: 'shop.example' })],
      false,
    ],
    [
      'that only another port of the app has',
      ['external'],
      [
        app({
          HAPROXY_0_GROUP: 'external',
          HAPROXY_0_VHOST: 'other.example',
          HAPROXY_1_GROUP: 'internal',
          HAPROXY_1_VHOST: 'shop.example',
        }),
      ],
      false,
    ],
    [
      'in a list, in capitals',
      ['internal'],
      [app({ HAPROXY_GROUP: 'external', HAPROXY_0_VHOST: 'a.example, SHOP.example' })],
      false,
    ],
    [
      'of a port that is off',
      ['external'],
      [app({ HAPROXY_GROUP: 'internal', HAPROXY_0_VHOST: 'shop.example', HAPROXY_0_ENABLED: 'false' })],
      true,
    ],
    [
      'of a port that is on',
      ['external'],
      [app({ HAPROXY_GROUP: 'internal', HAPROXY_0_VHOST: 'shop.example', HAPROXY_0_ENABLED: 'Yes' })],
      false,
    ],
    [
      'of a port that the app does not have',
      ['external'],
      [app({ HAPROXY_GROUP: 'internal', HAPROXY_2_VHOST: 'shop.example' })],
      true,
    ],
    [
      'beside its wildcard',
      ['external'],
      [app({ HAPROXY_GROUP: 'internal', HAPROXY_0_VHOST: '*.example' })],
      true,
    ],
    ['for a balancer without any group', [], [external], false],
  ])('decides about a name %s', (_what, groups, apps, isServed) => {
    expect(namesInGroups(groups, apps, ['shop.example'])).toEqual(isServed ? ['shop.example'] : []);
  });

  it('keeps order and spelling, and takes a wildcard as it is written', () => {
    const apps = [internal, app({ HAPROXY_GROUP: 'internal', HAPROXY_0_VHOST: '*.example' })];
    const names = ['z.example', 'SHOP.example', '*.example', 'a.example'];

    expect(namesInGroups(['external'], apps, names)).toEqual(['z.example', 'a.example']);
    expect(namesInGroups(['internal'], apps, names)).toEqual(names);
  });

  it('is not led astray by labels that name what every object has', () => {
    const labels = JSON.parse(
      '{"__proto__":{"HAPROXY_0_VHOST":"shop.example"},"HAPROXY_1_VHOST":"constructor,__proto__"}',
    ) as Record<string, string>;

    expect(namesInGroups(['external'], [app(labels)], ['shop.example', 'constructor'])).toEqual([
      'shop.example',
    ]);
  });

  it('looks at no more ports and items than are sensible', () => {
    const many = Array.from({ length: 3_000 }, (_, index) => `n${index}.example`);
    const apps = [
      app(
        { HAPROXY_GROUP: 'internal', HAPROXY_0_VHOST: many.join(','), HAPROXY_500_VHOST: 'shop.example' },
        1e9,
      ),
    ];

    expect(namesInGroups(['external'], apps, ['shop.example', 'n0.example', 'n2999.example'])).toEqual([
      'shop.example',
      'n2999.example',
    ]);
  });
});
