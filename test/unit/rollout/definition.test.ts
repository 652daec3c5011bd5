import { describe, expect, it } from 'vitest';
import { CertathonError } from '../../../src/lib/errors.ts';
import { appOf, readDefinition } from '../../../src/rollout/definition.ts';
import { definitionJson, labels, oldDefinitionJson } from '../../support/rollout-apps.ts';

const read = (json: unknown, ...accept: ('no-health-checks' | 'no-target')[]) =>
  readDefinition(JSON.stringify(json), 'shop.json', new Set(accept));

/** The sentences of the error, without the source in front. */
function faults(text: string): unknown {
  try {
    return readDefinition(text, 'shop.json');
  } catch (error) {
    const { code, message, facts } = error as CertathonError;
    expect(error).toBeInstanceOf(CertathonError);
    expect(code).toBe('ROLLOUT_APP_INVALID');
    expect(message).toMatch(/^shop\.json can not be rolled out: /);
    return facts.faults;
  }
}
const faultsOf = (json: unknown) => faults(JSON.stringify(json));
const without = (field: string) => {
  const { [field]: _, ...rest } = definitionJson();
  return rest;
};

describe('readDefinition()', () => {
  it.each([
    ['1.5 and newer', definitionJson()],
    ['1.4 and older', oldDefinitionJson()],
  ])('takes the JSON of Marathon %s as it is', (_version, json) => {
    expect(read(json)).toEqual({ definition: json, notices: [] });
  });

  it('leaves out what is null, everywhere but in lists, and says so of the environment', () => {
    const json = definitionJson({
      cmd: null,
      args: ['a', 'b'],
      env: { A: 'x', B: null },
      labels: labels({ HAPROXY_0_VHOST: null }),
      fetch: [{ uri: 'http://x', executable: null }],
      extra: [null, { deep: { gone: null, kept: 0 } }],
    });

    expect(read(json)).toEqual({
      definition: definitionJson({
        args: ['a', 'b'],
        env: { A: 'x' },
        fetch: [{ uri: 'http://x' }],
        extra: [null, { deep: { kept: 0 } }],
      }),
      notices: ['env.B is null and is left out'],
    });
  });

  it('keeps unknown fields and the order of all', () => {
    const json = { zebra: 1, ...definitionJson(), aardvark: { b: 1, a: 2 } };

    expect(JSON.stringify(read(json).definition)).toBe(JSON.stringify(json));
  });

  it('strips what Marathon adds to an app that it shows, and says what', () => {
    const shown = {
      version: '2026-01-01T00:00:00.000Z',
      versionInfo: {},
      deployments: [],
      tasksRunning: 3,
      tasks: [],
    };

    expect(read(definitionJson(shown))).toEqual({
      definition: definitionJson(),
      notices: [
        'Left out, since Marathon alone writes it: version, versionInfo, tasks, tasksRunning, deployments',
      ],
    });
  });

  it.each([
    ['nothing', '', /^it is no JSON$/],
    ['a word', 'hello', /^it is no JSON$/],
    ['JSON with a comma too many', '{\n"password": "secret",\n}', /^it is no JSON \(line 3 column 1\)$/],
    [
      'a megabyte',
      `{"id": "${'x'.repeat(1024 * 1024)}"}`,
      /^it has 1048586 bytes, and an app has 1048576 at most$/,
    ],
    [
      '500 lists in each other',
      `${'['.repeat(500)}${']'.repeat(500)}`,
      /^it is nested deeper than 100 levels$/,
    ],
    ['a list', '[]', /^it is a list/],
    ['null', 'null', /^it is no app but a single value$/],
    ['a text', '"nginx"', /^it is no app but a single value$/],
    ['a group of groups', '{"id": "/prod", "groups": []}', /^it is a group/],
    ['a group of apps', '{"id": "/prod", "apps": []}', /^it is a group/],
    ['a pod', '{"id": "/pod", "containers": []}', /^it is a pod/],
    [
      'an answer of Marathon',
      '{"app": {"id": "/nginx"}}',
      /^it is an answer of Marathon: what stands below `app` is the app$/,
    ],
  ])('refuses what is no single app: %s', (_what, text, sentence) => {
    expect(faults(text)).toEqual([expect.stringMatching(sentence)]);
  });

  it.each([
    ['no id', without('id'), 'it has no `id`'],
    ['an id that is no text', definitionJson({ id: 7 }), 'its `id` is no text'],
    ['an empty id', definitionJson({ id: '' }), 'its id "" is none'],
    ['an id with a slash at its end', definitionJson({ id: 'nginx/' }), 'its id "nginx/" is none'],
    ['an id in capitals', definitionJson({ id: '/Shop' }), 'its id "/Shop" is none'],
    ['an id with an underscore', definitionJson({ id: 'my_shop' }), 'its id "my_shop" is none'],
    ['an id that climbs', definitionJson({ id: '../shop' }), 'its id "../shop" is none'],
    ['an id that ends in a dash', definitionJson({ id: 'shop-' }), 'its id "shop-" is none'],
    ['0 instances', definitionJson({ instances: 0 }), 'it has 0 `instances`'],
    [
      'less than no instances',
      definitionJson({ instances: -1 }),
      'its `instances` are no whole number: "-1"',
    ],
    ['half an instance', definitionJson({ instances: 1.5 }), 'its `instances` are no whole number: "1.5"'],
    ['instances in words', definitionJson({ instances: '3' }), 'its `instances` are no whole number'],
    ['no labels', without('labels'), 'it has no `labels`, and so no HAPROXY_DEPLOYMENT_GROUP'],
    ['labels that are a list', definitionJson({ labels: [] }), 'it has no `labels`'],
    ['no group', definitionJson({ labels: labels({ HAPROXY_DEPLOYMENT_GROUP: null }) }), 'GROUP is missing'],
    [
      'an empty group',
      definitionJson({ labels: labels({ HAPROXY_DEPLOYMENT_GROUP: '' }) }),
      'GROUP is empty',
    ],
    [
      'a slash for a group',
      definitionJson({ labels: labels({ HAPROXY_DEPLOYMENT_GROUP: '/' }) }),
      'GROUP is no name: "/"',
    ],
    [
      'a group with a space',
      definitionJson({ labels: labels({ HAPROXY_DEPLOYMENT_GROUP: 'a b' }) }),
      'GROUP is no name: "a b"',
    ],
    [
      'a label that is a number',
      definitionJson({ labels: labels({ HAPROXY_0_STICKY: 1 }) }),
      'its label "HAPROXY_0_STICKY" is no text',
    ],
    [
      'no port for an alternative',
      definitionJson({ labels: labels({ HAPROXY_DEPLOYMENT_ALT_PORT: 'any' }) }),
      'ALT_PORT is no port: "any"',
    ],
    [
      'port 0 for an alternative',
      definitionJson({ labels: labels({ HAPROXY_DEPLOYMENT_ALT_PORT: '0' }) }),
      'ALT_PORT is no port: "0"',
    ],
    [
      'a port too large',
      definitionJson({ labels: labels({ HAPROXY_DEPLOYMENT_ALT_PORT: '65536' }) }),
      'ALT_PORT is no port: "65536"',
    ],
    [
      'a list with a gap',
      definitionJson({ labels: labels({ HAPROXY_DEPLOYMENT_ALT_PORT: '10001,' }) }),
      'ALT_PORT is no port: "10001,"',
    ],
    [
      'no port for the frontend',
      definitionJson({ labels: labels({ HAPROXY_0_PORT: '80,81' }) }),
      'HAPROXY_0_PORT is no port: "80,81"',
    ],
    [
      'a single instance',
      definitionJson({ labels: labels({ MARATHON_SINGLE_INSTANCE_APP: 'true' }) }),
      'MARATHON_SINGLE_INSTANCE_APP forbids a second task',
    ],
    ['no health checks', without('healthChecks'), 'it has no health check'],
    ['an empty list of health checks', definitionJson({ healthChecks: [] }), 'it has no health check'],
    [
      'health checks that are no list',
      definitionJson({ healthChecks: {} }),
      'its `healthChecks` are no list',
    ],
    ['no ports', definitionJson({ container: { docker: { image: 'x' } } }), 'it has no service port'],
    ['an empty list of ports', definitionJson({ container: undefined, ports: [] }), 'it has no service port'],
    [
      'a port that is text',
      definitionJson({ container: { portMappings: [{ servicePort: '80' }] } }),
      'its container.portMappings.0.servicePort: ',
    ],
    [
      'constraints that are no lists',
      definitionJson({ constraints: ['hostname:UNIQUE'] }),
      'its constraints.0: ',
    ],
  ])('refuses %s', (_what, json, sentence) => {
    expect(faultsOf(json)).toEqual([expect.stringContaining(sentence)]);
  });

  it('tells all faults at once, and never what a label holds', () => {
    const found = faultsOf({ id: 'A', instances: 0, labels: { TOKEN: ['hush'] }, env: { PASSWORD: 5 } });

    expect(found).toEqual([
      expect.stringContaining('its id "A" is none'),
      'it has 0 `instances`: nothing would serve',
      'its label "TOKEN" is no text',
      'its label HAPROXY_DEPLOYMENT_GROUP is missing',
      expect.stringContaining('it has no health check'),
      'it has no service port: neither `portMappings` nor `portDefinitions`',
      'its env.PASSWORD: expected text or a secret reference',
    ]);
    expect(JSON.stringify(found)).not.toContain('hush');
  });

  it('tells 30 faults in its message, and how many more there are', () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`L${index}`, index]));

    expect(() => read(definitionJson({ labels: labels(many) }))).toThrow(/"L29" is no text; and 10 more$/);
  });

  it('refuses a colour that somebody took from Marathon, and says what is wanted', () => {
    const coloured = labels({
      HAPROXY_APP_ID: 'nginx',
      HAPROXY_DEPLOYMENT_COLOUR: 'green',
      HAPROXY_0_PORT: '10000',
    });

    expect(faultsOf(definitionJson({ id: '/nginx-green', labels: coloured }))).toEqual([
      'its labels HAPROXY_APP_ID, HAPROXY_DEPLOYMENT_COLOUR are written by a rollout: it is a colour as Marathon shows it, and what is wanted is the definition before, with the id "nginx"',
    ]);
  });

  it('takes an app without health checks when that is accepted', () => {
    expect(read(without('healthChecks'), 'no-health-checks').definition).toEqual(without('healthChecks'));
    expect(() => read(without('healthChecks'), 'no-target')).toThrow('it has no health check');
  });

  it.each([
    ['an id with inner dots, dashes and slashes', definitionJson({ id: '/prod/my-shop.v2' })],
    ['a group with slashes', definitionJson({ labels: labels({ HAPROXY_DEPLOYMENT_GROUP: '/prod/web' }) })],
    ['no alternative port', definitionJson({ labels: labels({ HAPROXY_DEPLOYMENT_ALT_PORT: null }) })],
    ['a frontend port of its own', definitionJson({ labels: labels({ HAPROXY_0_PORT: '80' }) })],
    [
      'a service port that Marathon chooses',
      definitionJson({ container: { portMappings: [{ containerPort: 80 }] } }),
    ],
    ['host networking', definitionJson({ container: undefined, portDefinitions: [{ port: 0 }] })],
    ['the ports of old', definitionJson({ container: undefined, networks: undefined, ports: [10000] })],
  ])('takes %s without a word', (_what, json) => {
    expect(read(json).notices).toEqual([]);
  });

  it.each([
    ['The id shop-green ends like a colour', definitionJson({ id: 'shop-green' })],
    ['It has no `instances`: as many as run now, or 1 if none do', without('instances')],
    ['All health checks are commands', definitionJson({ healthChecks: [{ protocol: 'COMMAND' }] })],
    [
      'only the first port counts: 10001',
      definitionJson({ labels: labels({ HAPROXY_DEPLOYMENT_ALT_PORT: '10001, 10003' }) }),
    ],
    [
      'is the service port 10000 itself',
      definitionJson({ labels: labels({ HAPROXY_DEPLOYMENT_ALT_PORT: '10000' }) }),
    ],
  ])('tells of what is no fault: %s', (notice, json) => {
    expect(read(json).notices).toEqual([expect.stringContaining(notice)]);
  });
});

describe('appOf()', () => {
  it.each([
    ['1.5 and newer', definitionJson()],
    ['1.4 and older', oldDefinitionJson()],
  ])('shows the JSON of Marathon %s as Marathon would', (_version, json) => {
    expect(appOf(read(json).definition)).toMatchObject({
      id: 'nginx',
      instances: 3,
      network: 'bridge',
      portMappings: [{ containerPort: 8080, servicePort: 10000 }],
    });
  });

  it('has 0 for a service port that is left to Marathon', () => {
    const { definition } = read(definitionJson({ container: { portMappings: [{ containerPort: 80 }] } }));

    expect(appOf(definition).portMappings).toMatchObject([{ containerPort: 80, servicePort: 0 }]);
  });
});
