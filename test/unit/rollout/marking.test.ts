import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyDeploymentGroups } from '../../../src/lab/balancer/groups.ts';
import type { MarathonApp } from '../../../src/lab/balancer/marathon-app.ts';
import { markingOf, targetLabel } from '../../../src/rollout/marking.ts';
import type { ColourApp } from '../../../src/rollout/model.ts';
import { type ColourOptions, colourApp, type Standing } from '../../support/colours.ts';

const LATER = '2026-01-03T10:00:00.000Z';
const in4: Standing[] = ['in', 'in', 'in', 'in'];

describe('markingOf()', () => {
  it.each<[string, Standing[], ColourOptions, Standing[], ColourOptions, string[]]>([
    ['takes one old task out for one healthy new one', in4, {}, ['in'], {}, ['blue.1']],
    ['takes none out once the old is smaller', in4.slice(1), { scaledAt: LATER }, ['in'], {}, []],
    [
      'takes a NEW one out while a killed old one is not dead yet',
      in4,
      { instances: 3, scaledAt: LATER },
      ['in'],
      {},
      ['green.1'],
    ],
    ['does nothing for new tasks that are not alive', in4, {}, ['sick', 'sick'], {}, []],
    [
      'counts what is configured where there are no checks',
      in4,
      { hasHealthChecks: false },
      [],
      { hasHealthChecks: false, instances: 4 },
      ['blue.1', 'blue.2', 'blue.3', 'blue.4'],
    ],
    [
      'takes the new task out when the targets differ',
      in4.slice(1),
      { scaledAt: LATER, target: '3' },
      ['in'],
      {},
      ['green.1'],
    ],
    [
      'takes as many out as are healthy without NEW_INSTANCES',
      in4,
      {},
      ['in', 'in'],
      { newInstances: undefined },
      ['blue.1', 'blue.2'],
    ],
    ['counts tasks that are no servers', ['sick', 'in', 'in', 'in'], {}, ['in'], {}, ['blue.1']],
  ])('%s', (_name, blue, ofBlue, green, ofGreen, out) => {
    const apps = [colourApp('blue', blue, ofBlue), colourApp('green', green, ofGreen)];

    expect(markingOf(apps)).toMatchObject({ kind: 'marked', out });
    expect(markingOf(apps.toReversed())).toMatchObject({ kind: 'marked', out });
  });

  it('counts who takes requests', () => {
    const marking = markingOf([colourApp('blue', in4), colourApp('green', ['in', 'sick'])]);

    expect(marking).toMatchObject({
      older: '/web-blue',
      newer: '/web-green',
      rotation: { '/web-blue': 3, '/web-green': 1 },
    });
  });

  it.each<[string, ColourOptions, ColourOptions, string]>([
    ['a time with a zone at one app only', {}, { startedAt: '2026-01-02T10:00:00Z' }, 'time zone'],
    ['a start that is no time', {}, { startedAt: 'soon' }, 'is no time of /web-green'],
    [
      'no target at the one scaled last',
      { scaledAt: LATER, target: undefined },
      {},
      'TARGET_INSTANCES of /web-blue',
    ],
    ['a target that is no number', {}, { target: 'all' }, 'TARGET_INSTANCES of /web-green'],
    ['no time of scaling', { scaledAt: undefined }, {}, 'does not say when'],
  ])('says that marathon-lb stops following Marathon: %s', (_name, blue, green, words) => {
    const marking = markingOf([colourApp('blue', in4, blue), colourApp('green', ['in'], green)]);

    expect(marking).toEqual({ kind: 'fault', sentence: expect.stringContaining(words) });
  });

  it('refuses three apps in a group', () => {
    const three = [1, 2, 3].map(() => colourApp('blue', ['in']));

    expect(markingOf(three)).toMatchObject({ kind: 'fault', sentence: expect.stringContaining('3 apps') });
  });

  it('agrees with the marking of the lab, faults included, whatever the two apps are', () => {
    const standings = fc.array(fc.constantFrom<Standing>('in', 'sick', 'staging', 'dead'), { maxLength: 6 });
    const options = fc.record(
      {
        instances: fc.nat(6),
        target: fc.constantFrom('0', '1', '3', '4', '6', undefined, 'x'),
        newInstances: fc.constantFrom('0', '2', undefined),
        startedAt: fc.constantFrom(
          '2026-01-01T10:00:00.5',
          '2026-01-02T10:00:00',
          '2026-01-02T10:00:00Z',
          undefined,
          'soon',
        ),
        scaledAt: fc.constantFrom('2026-01-01T10:00:00.000Z', '2026-01-02T10:00:00.000Z', undefined),
        hasHealthChecks: fc.boolean(),
      },
      { requiredKeys: [] },
    );

    fc.assert(
      fc.property(standings, options, standings, options, (blue, ofBlue, green, ofGreen) => {
        const apps = [colourApp('blue', blue, ofBlue), colourApp('green', green, ofGreen)];

        const ours = markingOf(apps);

        expect(ours.kind === 'fault' ? 'fault' : ours.out).toEqual(labMarking(apps));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('targetLabel()', () => {
  it.each([
    ['4', 4],
    [' 4 ', 4],
    ['four', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('reads %j as %j', (text, expected) => {
    expect(targetLabel(colourApp('blue', [], { target: text }))).toBe(expected);
  });
});

function labMarking(apps: readonly ColourApp[]): string[] | 'fault' {
  try {
    const [merged] = applyDeploymentGroups(apps.map(asMarathonApp));
    return (merged?.tasks ?? []).filter(({ isDraining }) => isDraining).map(({ id }) => id);
  } catch {
    return 'fault';
  }
}

function asMarathonApp(app: ColourApp): MarathonApp {
  const check = {
    protocol: 'HTTP',
    intervalSeconds: 1,
    timeoutSeconds: 1,
    gracePeriodSeconds: 1,
    maxConsecutiveFailures: 1,
  };
  return {
    id: app.id,
    labels: { ...app.labels },
    instances: app.instances,
    healthChecks: app.hasHealthChecks ? [check] : [],
    versionInfo: { lastScalingAt: app.lastScalingAt ?? null },
    tasks: app.tasks.map(({ id, state, isAlive }) => ({
      id,
      state,
      healthCheckResults: [{ alive: isAlive }],
    })),
  };
}
