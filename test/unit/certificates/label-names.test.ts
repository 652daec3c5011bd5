import { describe, expect, it } from 'vitest';
import { type LabelSources, namesFromLabels } from '../../../src/certificates/label-names.ts';

const app = (id: string, labels: Record<string, string>, portCount = 1) => ({ id, labels, portCount });
const grouped = (labels: Record<string, string>) => ({ HAPROXY_GROUP: 'external', ...labels });
const sources = (changes: Partial<LabelSources> = {}): LabelSources => ({
  apps: [],
  groups: ['external'],
  vhosts: false,
  ownAppId: '/certathon',
  allowed: { keyTypes: ['rsa-2048'], profiles: [], cas: [], defaults: {} },
  ...changes,
});
/** `label: names` of all that one app asks for. */
const asked = (labels: Record<string, string>, changes: Partial<LabelSources> = {}) =>
  namesFromLabels(sources({ apps: [app('/shop', labels)], ...changes })).asks.map(
    ({ label, names }) => `${label}: ${names.join(' ')}`,
  );

describe('namesFromLabels()', () => {
  it.each<[string, Record<string, string>, string[]]>([
    ['our own label', { CERTATHON_0_DOMAIN: 'a.example' }, ['CERTATHON_0_DOMAIN: a.example']],
    ["marathon-acme's label", { MARATHON_ACME_0_DOMAIN: 'a.example' }, ['MARATHON_ACME_0_DOMAIN: a.example']],
    [
      'commas and white space between names',
      { CERTATHON_0_DOMAIN: ' a.example,b.example\n c.example ,, d.example ' },
      ['CERTATHON_0_DOMAIN: a.example b.example c.example d.example'],
    ],
    [
      'ports in the order of their numbers, also beyond those that Marathon tells of',
      {
        CERTATHON_10_DOMAIN: 'c.example',
        MARATHON_ACME_2_DOMAIN: 'b.example',
        CERTATHON_2_DOMAIN: 'a.example',
      },
      [
        'CERTATHON_2_DOMAIN: a.example',
        'MARATHON_ACME_2_DOMAIN: b.example',
        'CERTATHON_10_DOMAIN: c.example',
      ],
    ],
    ['no vhosts unless that is wanted', { HAPROXY_0_VHOST: 'a.example' }, []],
    [
      'no labels that look alike',
      {
        CERTATHON_DOMAIN: 'a.example',
        CERTATHON_00_DOMAIN: 'b.example',
        CERTATHON_1000_DOMAIN: 'c.example',
        XCERTATHON_0_DOMAIN: 'd.example',
        certathon_0_domain: 'e.example',
      },
      [],
    ],
  ])('reads %s', (_what, labels, expected) => {
    expect(asked(grouped(labels))).toEqual(expected);
  });

  it('takes the first name of marathon-acme’s labels alone where a definition of it says so', () => {
    const labels = grouped({
      MARATHON_ACME_0_DOMAIN: 'a.example, b.example',
      CERTATHON_0_DOMAIN: 'c.example d.example',
    });

    expect(asked(labels, { firstNameOnly: true })).toEqual([
      'CERTATHON_0_DOMAIN: c.example d.example',
      'MARATHON_ACME_0_DOMAIN: a.example',
    ]);
    expect(asked(labels)).toContain('MARATHON_ACME_0_DOMAIN: a.example b.example');
  });

  it.each<[string, Record<string, string>, string[] | 'all', boolean]>([
    ['the group of the app', { HAPROXY_GROUP: 'external' }, ['external'], true],
    ['one group of several', { HAPROXY_GROUP: 'internal, external' }, ['x', 'external'], true],
    ['another group', { HAPROXY_GROUP: 'internal' }, ['external'], false],
    ['no group', {}, ['external'], false],
    ['no group, and all are taken', {}, 'all', true],
    ['a group of the port alone', { HAPROXY_0_GROUP: 'external' }, ['external'], true],
    [
      'a group of the port before that of the app',
      { HAPROXY_GROUP: 'external', HAPROXY_0_GROUP: 'internal' },
      ['external'],
      false,
    ],
    ['the group of another port', { HAPROXY_1_GROUP: 'external' }, ['external'], false],
  ])('takes a port by its groups: %s', (_what, labels, groups, isTaken) => {
    const found = asked({ ...labels, CERTATHON_0_DOMAIN: 'a.example' }, { groups });

    expect(found).toEqual(isTaken ? ['CERTATHON_0_DOMAIN: a.example'] : []);
  });

  it('takes every vhost where that is wanted, but not of a port that is switched off', () => {
    const labels = grouped({
      HAPROXY_0_VHOST: 'A.example,b.example',
      HAPROXY_1_VHOST: 'c.example',
      HAPROXY_1_ENABLED: 'false',
      CERTATHON_1_DOMAIN: 'd.example',
    });

    expect(asked(labels, { vhosts: true })).toEqual([
      'HAPROXY_0_VHOST: A.example b.example',
      'CERTATHON_1_DOMAIN: d.example',
    ]);
  });

  it('does not take the vhosts of our own app, and takes what else it asks for as our own', () => {
    const labels = grouped({ HAPROXY_0_VHOST: 'a.example', CERTATHON_0_DOMAIN: 'b.example' });
    const { asks } = namesFromLabels(sources({ apps: [app('/certathon', labels)], vhosts: true }));

    expect(asks).toEqual([
      { app: '/certathon', owner: 'own', label: 'CERTATHON_0_DOMAIN', names: ['b.example'], choice: {} },
    ]);
  });

  it.each<[string, Record<string, string>, string]>([
    ['its id', {}, '/shop-blue'],
    ['its deployment group', { HAPROXY_DEPLOYMENT_GROUP: 'shop', HAPROXY_APP_ID: 'x' }, '/shop'],
    ['a group that begins with a slash', { HAPROXY_DEPLOYMENT_GROUP: '/prod/shop' }, '/prod/shop'],
    ['the id that its colours share', { HAPROXY_APP_ID: 'shop' }, '/shop'],
    ['nothing that calls itself us', { HAPROXY_DEPLOYMENT_GROUP: 'own' }, '/own'],
    ['its id when the group is empty', { HAPROXY_DEPLOYMENT_GROUP: '' }, '/shop-blue'],
    ['its id when the group is no word', { HAPROXY_DEPLOYMENT_GROUP: 'a\nb' }, '/shop-blue'],
    ['its id when the group has no end', { HAPROXY_DEPLOYMENT_GROUP: 'a'.repeat(251) }, '/shop-blue'],
  ])('knows the owner of an app by %s', (_what, labels, owner) => {
    const one = app('/shop-blue', grouped({ ...labels, CERTATHON_0_DOMAIN: 'a.example' }));

    expect(namesFromLabels(sources({ apps: [one] })).asks[0]?.owner).toBe(owner);
  });

  it('takes the options of each port, and asks for nothing where they say so', () => {
    const labels = grouped({
      CERTATHON_0_DOMAIN: 'a.example',
      CERTATHON_0_KEY_TYPE: 'rsa-2048',
      CERTATHON_1_DOMAIN: 'b.example',
      CERTATHON_2_DOMAIN: 'c.example',
      MARATHON_ACME_2_DOMAIN: 'd.example',
      CERTATHON_2_ENABLED: 'off',
      CERTATHON_3_DOMAIN: 'e.example',
      CERTATHON_3_KEY_TYPE: 'rsa-1024',
    });

    const { asks, refused } = namesFromLabels(sources({ apps: [app('/shop', labels)] }));

    expect(asks.map(({ names, choice }) => [...names, choice])).toEqual([
      ['a.example', { keyType: 'rsa-2048' }],
      ['b.example', {}],
      ['e.example', {}],
    ]);
    expect(refused).toEqual([
      expect.objectContaining({ name: 'rsa-1024', source: 'label CERTATHON_3_KEY_TYPE of /shop' }),
    ]);
  });

  it('reads no more than 200 labels and 1,000 names of a label, and says so', () => {
    const names = (count: number) => Array.from({ length: count }, (_, index) => `n${index}.example`).join();
    const labels = Object.fromEntries(
      Array.from({ length: 203 }, (_, index) => [`CERTATHON_${index}_DOMAIN`, 'a.example']),
    );
    const apps = [app('/many', grouped(labels)), app('/long', grouped({ CERTATHON_0_DOMAIN: names(1_002) }))];

    const { asks, refused } = namesFromLabels(sources({ apps }));

    expect(asks.map((ask) => ask.names.length)).toEqual([...Array(200).fill(1), 1_000]);
    expect(refused).toEqual([
      { name: '3 further labels', source: 'labels of /many', reason: 'no more than 200 are read there' },
      {
        name: '2 further names',
        source: 'label CERTATHON_0_DOMAIN of /long',
        reason: 'no more than 1000 are read there',
      },
    ]);
  });
});
