import { describe, expect, it } from 'vitest';
import { type LabelAsk, namesFromLabels } from '../../../src/certificates/label-names.ts';
import { type NameSources, wantedNames } from '../../../src/certificates/wanted.ts';

const sources = (changes: Partial<NameSources> = {}): NameSources => ({
  configured: [],
  label: undefined,
  routingHost: 'acme.internal',
  labels: { asks: [], refused: [] },
  allowedDomains: [],
  mostPerApp: 100,
  ...changes,
});
/** What the labels of an app ask for; port and owner follow from its id. */
const ask = (app: string, names: string, changes: Partial<LabelAsk> = {}): LabelAsk => ({
  app,
  owner: app,
  label: 'CERTATHON_0_DOMAIN',
  names: names.split(' '),
  choice: {},
  ...changes,
});
const asking = (...asks: LabelAsk[]) => ({ labels: { asks, refused: [] } });
/** Processor time of this thread, which others on the machine do not lengthen. */
const spentMs = () => process.threadCpuUsage().user / 1_000;
const own = (name: string) => ({ name, keys: ['own'], choice: {} });
const label = (text: string) => ({ text, app: '/certathon' });
const many = (count: number) => Array.from({ length: count }, (_, index) => `n${index}.example.com`);

describe('wantedNames()', () => {
  it('unites the option and the label, sorted, each once however it is spelt', () => {
    const wanted = wantedNames(
      sources({
        configured: ['www.example.com', 'Shop.Example.com.'],
        label: label('shop.example.com, acme.internal\nbücher.example,,www.example.com'),
      }),
    );

    expect(wanted).toEqual({
      names: ['shop.example.com', 'www.example.com', 'xn--bcher-kva.example'],
      wants: [own('shop.example.com'), own('www.example.com'), own('xn--bcher-kva.example')],
      refused: [],
    });
  });

  it.each(['acme.internal', 'ACME.Internal.', 'acme.example.com'])(
    'never wants the routing host %s',
    (host) => {
      const wanted = wantedNames(
        sources({
          configured: [host, 'shop.example.com'],
          label: label(host),
          routingHost: host.toLowerCase().replace(/\.$/, ''),
        }),
      );

      expect(wanted).toEqual({ names: ['shop.example.com'], wants: [own('shop.example.com')], refused: [] });
    },
  );

  it('refuses a bad name once for each source, and goes on with the others', () => {
    const wanted = wantedNames(
      sources({
        configured: ['*.example.com', 'a.example.com', '*.example.com'],
        label: label('*.example.com'),
      }),
    );

    const reason = 'a wildcard can not be proven by HTTP-01, only by DNS-01';
    expect(wanted).toEqual({
      names: ['a.example.com'],
      wants: [own('a.example.com')],
      refused: [
        { name: '*.example.com', source: 'domains', reason },
        { name: '*.example.com', source: 'label HAPROXY_0_VHOST of /certathon', reason },
      ],
    });
  });

  it('takes any number of names of our own, each once', () => {
    const { names, refused } = wantedNames(sources({ configured: [...many(250), ...many(250)] }));

    expect(names).toHaveLength(250);
    expect(refused).toEqual([]);
  });

  it('shows refused names cut and without what a terminal would obey', () => {
    const { refused } = wantedNames(sources({ label: label(`${'x'.repeat(2000)} a\u001b[31m.example`) }));

    expect(refused.map(({ name }) => name)).toEqual([`${'x'.repeat(99)}…`, 'a\\u{1b}[31m.example']);
  });

  it('shows no more than 100 refused names, and how many there are', () => {
    const { refused, names } = wantedNames(
      sources({ label: label(`${many(30_000).map((name) => `_${name}`)} good.example.com`) }),
    );

    expect(names).toEqual(['good.example.com']);
    expect(refused).toHaveLength(101);
    expect(refused.at(-1)?.name).toBe('29900 further names');
  });
});

describe('wantedNames() by labels of apps', () => {
  it('tells all owners of a name, each once, sorted', () => {
    const pair = { owner: '/shop' };
    const { wants } = wantedNames(
      sources({
        configured: ['shop.example.com'],
        ...asking(
          ask('/shop-green', 'shop.example.com', pair),
          ask('/shop-blue', 'shop.example.com WWW.example.com.', pair),
          ask('/certathon', 'own.example.com', { owner: 'own' }),
        ),
      }),
    );

    expect(wants).toEqual([
      own('own.example.com'),
      { name: 'shop.example.com', keys: ['/shop', 'own'], choice: {} },
      { name: 'www.example.com', keys: ['/shop'], choice: {} },
    ]);
  });

  it('binds labels of other apps, and nothing else, to the allowed domains', () => {
    const { names, refused } = wantedNames(
      sources({
        configured: ['by-option.test.org'],
        label: label('by-own-label.test.org'),
        ...asking(
          ask('/certathon', 'by-another-own-label.test.org', { owner: 'own' }),
          ask('/a', 'example.com deep.in.example.com notexample.com example.com.evil.org acme.internal'),
        ),
        allowedDomains: ['Example.com'],
      }),
    );

    const reason = 'it is under none of the domains that labels may ask for';
    const source = 'label CERTATHON_0_DOMAIN of /a';
    expect(names).toEqual([
      'by-another-own-label.test.org',
      'by-option.test.org',
      'by-own-label.test.org',
      'deep.in.example.com',
      'example.com',
    ]);
    expect(refused).toEqual([
      { name: 'notexample.com', source, reason },
      { name: 'example.com.evil.org', source, reason },
    ]);
  });

  it('gives each app its number of names, the first ones by name, and tells of the others', () => {
    const { names, refused } = wantedNames(
      sources({
        ...asking(
          ask('/greedy', 'e.example d.example c.example b.example'),
          ask('/one-more', 'x.example y.example z.example'),
          ask('/modest', 'm.example'),
          ask('/certathon', 'o1.example o2.example o3.example', { owner: 'own' }),
        ),
        mostPerApp: 2,
      }),
    );

    const reason = 'labels of one app may ask for 2 names';
    const all = ['b.example', 'c.example', 'm.example', 'o1.example', 'o2.example', 'o3.example'];
    expect(names).toEqual([...all, 'x.example', 'y.example']);
    expect(refused).toEqual([
      { name: 'd.example and 1 further names', source: 'labels of /greedy', reason },
      { name: 'z.example', source: 'labels of /one-more', reason },
    ]);
  });

  it('follows the first of two owners that choose differently, and tells of the other', () => {
    const apps = [
      ask('/b', 'x.example y.example', { choice: { keyType: 'rsa-2048' } }),
      ask('/a', 'x.example', { choice: {} }),
    ];
    const ours = { ...label('y.example'), choice: { keyType: 'ec-p384' } };
    const { wants, refused } = wantedNames(
      sources({ configured: ['x.example'], label: ours, ...asking(...apps) }),
    );

    const source = 'label CERTATHON_0_DOMAIN of /b';
    expect(wants).toEqual([
      { name: 'x.example', keys: ['/a', '/b', 'own'], choice: {} },
      { name: 'y.example', keys: ['/b', 'own'], choice: { keyType: 'ec-p384' } },
    ]);
    expect(refused).toEqual([
      {
        name: 'x.example',
        source,
        reason: 'it is wanted otherwise by label CERTATHON_0_DOMAIN of /a, which comes first',
        option: true,
      },
      {
        name: 'y.example',
        source,
        reason: 'it is wanted otherwise by label HAPROXY_0_VHOST of /certathon, which comes first',
        option: true,
      },
    ]);
  });

  it('lets what an app chooses hold for a name that --domains has, too', () => {
    const rsa = { keyType: 'rsa-2048' };
    const { wants } = wantedNames(
      sources({ configured: ['x.example'], ...asking(ask('/a', 'x.example', { choice: rsa })) }),
    );

    expect(wants).toEqual([{ name: 'x.example', keys: ['/a', 'own'], choice: rsa }]);
  });

  it('gives one answer for apps in any order, and passes on what labels were refused', () => {
    const asks = [
      ask('/c', 'x.example _ y.example', { choice: { own: true } }),
      ask('/a', 'x.example _'),
      ask('/b', 'y.example z.example *.example', { choice: { profile: 'shortlived' } }),
    ];
    const refused = [
      { name: 'rsa1', source: 'label CERTATHON_KEY_TYPE of /a', reason: 'no', option: true as const },
    ];
    const answer = (...order: LabelAsk[]) => wantedNames(sources({ labels: { asks: order, refused } }));

    const [a, b, c] = [asks[1], asks[2], asks[0]] as [LabelAsk, LabelAsk, LabelAsk];
    expect(answer(a, b, c)).toEqual(answer(c, b, a));
    expect(answer(b, a, c)).toEqual(answer(c, a, b));
    expect(answer(a, b, c).refused).toContainEqual(refused[0]);
  });

  it('reads 5,000 apps with 20 labels each in well under a second', () => {
    const apps = Array.from({ length: 5_000 }, (_, index) => ({
      id: `/app-${index}`,
      portCount: 1,
      labels: {
        HAPROXY_GROUP: 'external',
        HAPROXY_0_VHOST: `a${index}.example.com,b${index}.example.com`,
        ...Object.fromEntries(Array.from({ length: 18 }, (_, label) => [`HAPROXY_0_LABEL_${label}`, 'x'])),
      },
    }));
    const allowed = { keyTypes: [], profiles: [], cas: [], defaults: {} };
    const startMs = spentMs();

    const labels = namesFromLabels({
      apps,
      groups: ['external'],
      vhosts: true,
      ownAppId: undefined,
      allowed,
    });
    const wanted = wantedNames(sources({ labels }));
    const tookMs = spentMs() - startMs;

    expect(wanted.names).toHaveLength(10_000);
    expect(tookMs).toBeLessThan(1_000);
  });
});
