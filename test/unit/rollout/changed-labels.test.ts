import { describe, expect, it } from 'vitest';
import { changedLabels } from '../../../src/rollout/changed-labels.ts';
import { readDefinition } from '../../../src/rollout/definition.ts';
import { nextColour } from '../../../src/rollout/next-colour.ts';
import { definitionJson, greenApp, labels } from '../../support/rollout-apps.ts';

const LATER =
  ': marathon-lb takes it when the old colour is gone, and at moments before, while that was scaled last';
const VHOST = { HAPROXY_0_VHOST: 'a.com' };

/** What is told when this JSON replaces the green app, which has the same labels but for `old`. */
function told(changes: Record<string, unknown>, old: Record<string, string | undefined> = {}): string[] {
  const { definition } = readDefinition(JSON.stringify(definitionJson(changes)), 'x');
  const last = greenApp({}, old);
  const wish = {
    definition,
    last,
    target: 3,
    newInstances: 0,
    initialInstances: 1,
    nowMs: Date.UTC(2026, 0, 1),
  };
  return changedLabels(last, nextColour(wish)).map((sentence) => {
    expect(sentence).toContain(LATER);
    return sentence.replace(LATER, '');
  });
}
const labelled = (changes: Record<string, string>) => ({ labels: labels(changes) });

describe('changedLabels()', () => {
  it.each([
    ['nothing where nothing changes', {}, {}, []],
    ['nothing of other programs’ labels', labelled({ team: 'b' }), { team: 'a' }, []],
    [
      'another value',
      labelled({ HAPROXY_0_VHOST: 'b.com' }),
      VHOST,
      ['HAPROXY_0_VHOST changes from "a.com" to "b.com"'],
    ],
    ['a new label', labelled(VHOST), {}, ['HAPROXY_0_VHOST "a.com" is new']],
    ['a label that goes', {}, VHOST, ['HAPROXY_0_VHOST "a.com" is no longer there']],
    [
      'another group',
      labelled({ HAPROXY_GROUP: 'internal' }),
      {},
      ['HAPROXY_GROUP changes from "external" to "internal"'],
    ],
    [
      'a password hash, without showing it',
      labelled({ HAPROXY_0_AUTH: 'r:u:new' }),
      { HAPROXY_0_AUTH: 'r:u:old' },
      ['HAPROXY_0_AUTH changes'],
    ],
    [
      'a template, without its lines',
      labelled({ HAPROXY_0_BACKEND_HEAD: 'x'.repeat(99) }),
      {},
      ['HAPROXY_0_BACKEND_HEAD is new'],
    ],
    [
      'control characters, written out',
      labelled({ HAPROXY_0_PATH: '/\u001b[2J' }),
      {},
      ['HAPROXY_0_PATH "/\\u001b[2J" is new'],
    ],
    [
      'a frontend of its own',
      labelled({ HAPROXY_0_PORT: '80' }),
      {},
      ['The frontend of port 0 moves from 10000 to 80'],
    ],
    [
      'the same frontend, written another way',
      labelled({ HAPROXY_0_PORT: '10000' }),
      { HAPROXY_0_PORT: undefined },
      [],
    ],
    [
      'another service port',
      { container: { portMappings: [{ servicePort: 12000 }] } },
      {},
      ['The frontend of port 0 moves from 10000 to 12000'],
    ],
    [
      'one port more, that Marathon chooses',
      { container: { portMappings: [{ servicePort: 10000 }, { servicePort: 0 }] } },
      {},
      ['Port 1 is new, on a port that Marathon chooses'],
    ],
    [
      'another path of the check',
      { healthChecks: [{ protocol: 'MESOS_HTTP', path: '/live', intervalSeconds: 5 }] },
      {},
      [
        'HAProxy\'s own check changes from MESOS_HTTP "/" (every 3 s, out after 4) to MESOS_HTTP "/live" (every 5 s, out after 4)',
      ],
    ],
    [
      'a check that HAProxy can not make',
      { healthChecks: [{ protocol: 'COMMAND' }] },
      {},
      ['HAProxy\'s own check changes from MESOS_HTTP "/" (every 3 s, out after 4) to none'],
    ],
    [
      'several, sorted by name',
      labelled({ HAPROXY_0_VHOST: 'b.com', HAPROXY_0_STICKY: 'true' }),
      VHOST,
      ['HAPROXY_0_STICKY "true" is new', 'HAPROXY_0_VHOST changes from "a.com" to "b.com"'],
    ],
  ])('tells %s', (_what, changes, old, sentences) => {
    expect(told(changes, old)).toEqual(sentences);
  });

  it('tells of a port that goes', () => {
    const last = greenApp({ container: { portMappings: [{ servicePort: 10000 }, { servicePort: 10002 }] } });
    const { definition } = readDefinition(JSON.stringify(definitionJson()), 'x');

    expect(changedLabels(last, definition)).toEqual([`Port 1, on 10002, is no longer there${LATER}`]);
  });
});
