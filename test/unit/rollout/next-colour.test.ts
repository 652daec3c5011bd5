import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type App, appSchema } from '../../../src/marathon/app-schema.ts';
import { type AppDefinitionJson, appOf, readDefinition } from '../../../src/rollout/definition.ts';
import { HISTORY_LABEL, historyOf } from '../../../src/rollout/history.ts';
import { type NextColourWish, nextColour } from '../../../src/rollout/next-colour.ts';
import {
  frontPortsOf,
  servicePortOf,
  servicePortsOf,
  withServicePort,
} from '../../../src/rollout/service-port.ts';
import { readStartedAt } from '../../../src/rollout/started-at.ts';
import { definitionJson, greenApp, labels, oldDefinitionJson } from '../../support/rollout-apps.ts';

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 67);
const definitionOf = (json: Record<string, unknown>) => readDefinition(JSON.stringify(json), 'x').definition;
const wish = (changes: Partial<NextColourWish> = {}): NextColourWish => ({
  definition: definitionOf(definitionJson()),
  last: greenApp(),
  target: 3,
  newInstances: 0,
  initialInstances: 1,
  nowMs: NOW,
  ...changes,
});
const withPort = (servicePort: number | undefined, labelChanges: Record<string, unknown> = {}) =>
  definitionOf(
    definitionJson({
      container: { portMappings: [{ containerPort: 80, servicePort }] },
      labels: labels(labelChanges),
    }),
  );
const portsOf = (app: AppDefinitionJson) => [servicePortOf(app)?.port, app.labels.HAPROXY_0_PORT];
/** Marathon's answer for a posted app: a service port of 0 becomes `chosen`. */
const posted = (json: AppDefinitionJson, chosen = 0): App => {
  const app = appOf(json);
  return {
    ...app,
    portMappings: app.portMappings.map((each) => ({ ...each, servicePort: each.servicePort || chosen })),
    portDefinitions: app.portDefinitions.map((each) => ({ ...each, port: each.port || chosen })),
  };
};

// What zdd.py's own tests assert of its preparation: last app green on 10000 with 3 instances.
describe('nextColour() prepares as zdd.py', () => {
  const colouredLabels = (newInstances: string) => ({
    HAPROXY_DEPLOYMENT_GROUP: 'nginx',
    HAPROXY_DEPLOYMENT_ALT_PORT: '10001',
    HAPROXY_GROUP: 'external',
    HAPROXY_APP_ID: 'nginx',
    HAPROXY_0_PORT: '10000',
    HAPROXY_DEPLOYMENT_TARGET_INSTANCES: '3',
    HAPROXY_DEPLOYMENT_NEW_INSTANCES: newInstances,
    HAPROXY_DEPLOYMENT_COLOUR: 'blue',
    HAPROXY_DEPLOYMENT_STARTED_AT: '2026-01-02T03:04:05.067000',
    [HISTORY_LABEL]: expect.any(String),
  });
  const mapping = { hostPort: 0, containerPort: 8080, servicePort: 10001 };
  it.each([
    ['the JSON of 1.5 and newer', definitionJson, 0],
    ['the JSON of 1.4 and older', oldDefinitionJson, 0],
    ['a split in the JSON of 1.5 and newer', definitionJson, 1],
    ['a split in the JSON of 1.4 and older', oldDefinitionJson, 1],
  ])('from %s', (_what, json, newInstances) => {
    const definition = definitionOf(json());
    const container = json().container as Record<string, unknown>;
    const isOld = json === oldDefinitionJson;
    const last = isOld
      ? greenApp({ ...oldDefinitionJson(), id: '/nginx-green', networks: undefined, ports: [10000] })
      : greenApp();

    expect(nextColour(wish({ definition, last, newInstances }))).toEqual({
      ...json(),
      id: '/nginx-blue',
      instances: 1,
      container: isOld
        ? { ...container, docker: { ...(container.docker as object), portMappings: [mapping] } }
        : { ...container, portMappings: [mapping] },
      labels: colouredLabels(String(newInstances)),
    });
  });

  it('at the first time: blue, with all instances and the port of the JSON', () => {
    const { [HISTORY_LABEL]: _, ...firstLabels } = colouredLabels('0');

    expect(nextColour(wish({ last: undefined }))).toEqual({
      ...definitionJson(),
      id: '/nginx-blue',
      instances: 3,
      labels: firstLabels,
    });
  });
});

describe('nextColour()', () => {
  it.each([
    ['blue first', undefined, '/nginx-blue'],
    ['blue after green', greenApp(), '/nginx-blue'],
    [
      'green after blue',
      greenApp({ id: '/nginx-blue' }, { HAPROXY_DEPLOYMENT_COLOUR: 'blue' }),
      '/nginx-green',
    ],
    [
      'blue after an app without a colour',
      greenApp({ id: '/nginx' }, { HAPROXY_DEPLOYMENT_COLOUR: undefined }),
      '/nginx-blue',
    ],
    [
      'green after one that is only named blue',
      greenApp({ id: '/nginx-blue' }, { HAPROXY_DEPLOYMENT_COLOUR: undefined }),
      '/nginx-green',
    ],
    ['blue after a red one', greenApp({}, { HAPROXY_DEPLOYMENT_COLOUR: 'red' }), '/nginx-blue'],
  ])('is %s', (_what, last, id) => {
    const next = nextColour(wish({ last }));

    expect([next.id, next.labels.HAPROXY_DEPLOYMENT_COLOUR]).toEqual([id, id.slice('/nginx-'.length)]);
  });

  it.each([
    ['nginx', '/nginx-blue'],
    ['/nginx', '/nginx-blue'],
    ['/prod/web', '/prod/web-blue'],
    ['prod/web', '/prod/web-blue'],
  ])('keeps the id %s as it was given in a label, and is %s', (given, id) => {
    const next = nextColour(wish({ definition: definitionOf(definitionJson({ id: given })) }));

    expect([next.labels.HAPROXY_APP_ID, next.id]).toEqual([given, id]);
  });

  it.each([
    ['as few as are asked for', { initialInstances: 2 }, 2],
    ['never more than the target', { initialInstances: 7 }, 3],
    ['one by one in a split', { initialInstances: 2, newInstances: 2 }, 1],
    ['the first time all', { last: undefined, initialInstances: 1 }, 3],
  ])('begins with %s', (_what, changes, instances) => {
    expect(nextColour(wish(changes)).instances).toBe(instances);
  });

  it('is later than the app it replaces, whatever clock that one went by', () => {
    const last = greenApp({}, { HAPROXY_DEPLOYMENT_STARTED_AT: '2026-01-02T15:00:00' });

    expect(nextColour(wish({ last })).labels.HAPROXY_DEPLOYMENT_STARTED_AT).toBe(
      '2026-01-02T15:00:00.000001',
    );
  });

  it('tells what it replaces', () => {
    const next = nextColour(wish());

    expect(historyOf(appOf(next))).toEqual([
      { at: '2016-02-01T14:13:42.499089', colour: 'green', image: 'nginx:stable', instances: 3 },
    ]);
  });

  it('adds `instances` where the JSON has none', () => {
    const { instances: _, ...json } = definitionJson();

    expect(
      nextColour(wish({ definition: definitionOf(json), target: 4, initialInstances: 2 })).instances,
    ).toBe(2);
  });
});

describe('the service port of nextColour()', () => {
  const on = (servicePort: number, labelChanges: Record<string, string | undefined> = {}) =>
    greenApp({ container: { portMappings: [{ containerPort: 80, servicePort }] } }, labelChanges);
  const none = { HAPROXY_DEPLOYMENT_ALT_PORT: null };
  // the JSON, the last app → service port, HAPROXY_0_PORT
  it.each([
    ['goes to the alternative', withPort(10000), on(10000), [10001, '10000']],
    ['comes back from it', withPort(10000), on(10001), [10000, '10000']],
    ['goes to the alternative from any other', withPort(10000), on(10007), [10001, '10000']],
    ['comes back to the port of a new JSON', withPort(12000), on(10001), [12000, '12000']],
    [
      'goes to an alternative that is new',
      withPort(10000, { HAPROXY_DEPLOYMENT_ALT_PORT: '10005' }),
      on(10001),
      [10005, '10000'],
    ],
    [
      'goes to the first of several',
      withPort(10000, { HAPROXY_DEPLOYMENT_ALT_PORT: '10001,10002' }),
      on(10000),
      [10001, '10000'],
    ],
    ['stays without an alternative', withPort(10000, none), on(10000), [10000, '10000']],
    [
      'stays when the alternative is the same',
      withPort(10000, { HAPROXY_DEPLOYMENT_ALT_PORT: '10000' }),
      on(10000),
      [10000, '10000'],
    ],
    ['leaves the frontend to the JSON', withPort(10000, { HAPROXY_0_PORT: '80' }), on(10001), [10000, '80']],
    // servicePort 0: Marathon chose 10017 for the first colour
    ['is left to Marathon the first time', withPort(0), undefined, [0, undefined]],
    ['is left to Marathon the first time without a word', withPort(undefined), undefined, [0, undefined]],
    [
      'keeps the frontend that Marathon chose',
      withPort(0, none),
      on(10017, { HAPROXY_0_PORT: undefined }),
      [10017, '10017'],
    ],
    [
      'keeps it beside an alternative',
      withPort(0),
      on(10017, { HAPROXY_0_PORT: undefined }),
      [10001, '10017'],
    ],
    [
      'keeps it on the way back',
      withPort(undefined),
      on(10001, { HAPROXY_0_PORT: '10017' }),
      [10017, '10017'],
    ],
    [
      'gives way when Marathon chose the alternative',
      withPort(0),
      on(10001, { HAPROXY_0_PORT: undefined }),
      [0, '10001'],
    ],
    [
      'stays unknown as long as Marathon shows none',
      withPort(0, none),
      on(0, { HAPROXY_0_PORT: undefined }),
      [0, undefined],
    ],
  ])('%s', (_what, definition, last, expected) => {
    expect(portsOf(nextColour(wish({ definition, last })))).toEqual(expected);
  });

  it('is read from what Marathon of 1.4 shows of an app on the host network', () => {
    const definition = definitionOf(
      definitionJson({ container: undefined, networks: undefined, ports: [10000] }),
    );
    const last = appSchema.parse({ id: '/nginx-green', ports: [10001], labels: { HAPROXY_0_PORT: '10000' } });

    expect(nextColour(wish({ definition, last }))).toMatchObject({ ports: [10000] });
  });

  it('never is that of the colour before while there is an alternative, and the frontend never moves', () => {
    const form = fc.constantFrom<(servicePort: number) => Record<string, unknown>>(
      (servicePort) => definitionJson({ container: { portMappings: [{ containerPort: 80, servicePort }] } }),
      (servicePort) =>
        oldDefinitionJson({ container: { docker: { network: 'BRIDGE', portMappings: [{ servicePort }] } } }),
      (port) => definitionJson({ container: undefined, networks: undefined, portDefinitions: [{ port }] }),
      (port) => definitionJson({ container: undefined, networks: undefined, ports: [port] }),
    );
    const port = fc.constantFrom(0, 10000, 10002);
    const chosen = fc.constantFrom(10001, 10007);

    fc.assert(
      fc.property(form, port, chosen, fc.integer({ min: 2, max: 12 }), (json, servicePort, choice, times) => {
        const definition = definitionOf(json(servicePort));
        let last: App | undefined;
        for (let at = 0; at < times; at += 1) {
          // Marathon gives no port away that an app has.
          const free = last === undefined || servicePortsOf(last)[0] !== choice ? choice : choice + 100;
          const next = posted(nextColour(wish({ definition, last, nowMs: NOW + at })), free);
          if (last !== undefined) {
            expect(servicePortsOf(next)[0]).not.toBe(servicePortsOf(last)[0]);
            expect(frontPortsOf(next)).toEqual(frontPortsOf(last));
          }
          last = next;
        }
      }),
    );
  });
});

describe('nextColour() loses nothing', () => {
  const WRITTEN = ['id', 'instances', 'labels', 'container', 'portDefinitions', 'ports'];
  const field = fc
    .string({ minLength: 1, maxLength: 8 })
    .filter((name) => !WRITTEN.includes(name) && !/^\d+$/.test(name));
  const more = fc.dictionary(field, fc.jsonValue({ maxDepth: 3 }), { maxKeys: 6, noNullPrototype: true });
  const word = fc.constantFrom('HAPROXY_0_VHOST', 'HAPROXY_0_STICKY', 'team', 'MARATHON_ACME_0_DOMAIN');
  const ports = fc.constantFrom<Record<string, unknown>>(
    {
      container: {
        docker: { image: 'x', portMappings: [{ name: 'a', servicePort: 1 }, { servicePort: 2 }] },
        more: [1],
      },
    },
    {
      container: {
        portMappings: [{ containerPort: 80, servicePort: 3, labels: { a: 'b' } }],
        docker: { image: 'x' },
      },
    },
    { portDefinitions: [{ port: 5, name: 'http' }, { port: 6 }] },
    { ports: [7, 8] },
  );

  it('of the JSON: every field and label is where it was', () => {
    fc.assert(
      fc.property(more, fc.dictionary(word, fc.string()), ports, (extra, labelled, placed) => {
        // As readDefinition() would give it, which refuses most of these fields.
        const definition = JSON.parse(
          JSON.stringify({ ...extra, id: 'nginx', ...placed, labels: labels(labelled), instances: 3 }),
        ) as AppDefinitionJson;
        const before = JSON.stringify(definition);

        const next = nextColour({ ...wish(), definition });
        const kept = Object.entries(next.labels).filter(([name]) => Object.hasOwn(definition.labels, name));
        const { id, instances } = definition;
        const undone = { ...next, id, instances, labels: Object.fromEntries(kept) };

        expect(JSON.stringify(definition)).toBe(before);
        expect(JSON.stringify(withServicePort(undone, servicePortOf(definition)?.port ?? 0))).toBe(before);
        expect(servicePortOf(next)).toEqual({ list: servicePortOf(definition)?.list, port: 10001 });
      }),
    );
  });

  it('of time: it strictly grows over many colours, and has no zone', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: NOW }), { minLength: 2, maxLength: 10 }), (clock) => {
        let last: App | undefined = greenApp();
        for (const nowMs of clock) {
          const next = posted(nextColour(wish({ last, nowMs })));
          const [before, after] = [last, next].map((app) =>
            readStartedAt(app?.labels.HAPROXY_DEPLOYMENT_STARTED_AT ?? ''),
          );
          expect(after?.micros).toBeGreaterThan(before?.micros ?? Number.NaN);
          expect(after?.hasZone).toBe(false);
          last = next;
        }
      }),
    );
  });
});
