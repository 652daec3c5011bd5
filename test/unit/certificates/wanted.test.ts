import { describe, expect, it } from 'vitest';
import { type NameSources, wantedNames } from '../../../src/certificates/wanted.ts';

const sources = (changes: Partial<NameSources> = {}): NameSources => ({
  configured: [],
  label: undefined,
  routingHost: 'acme.internal',
  ...changes,
});
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

      expect(wanted).toEqual({ names: ['shop.example.com'], refused: [] });
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
      refused: [
        { name: '*.example.com', source: 'domains', reason },
        { name: '*.example.com', source: 'label HAPROXY_0_VHOST of /certathon', reason },
      ],
    });
  });

  it('takes 100 names, and refuses 101 together with the number', () => {
    const enough = wantedNames(sources({ configured: many(100) }));
    const tooMany = wantedNames(sources({ configured: [...many(101), '*.example.com'] }));

    expect(enough.names).toHaveLength(100);
    expect(enough.refused).toEqual([]);
    expect(tooMany.names).toEqual([]);
    expect(tooMany.refused).toEqual([
      expect.objectContaining({ name: '*.example.com' }),
      {
        name: 'all 101 names',
        source: 'all sources',
        reason: '101 names are wanted; one certificate holds 100',
      },
    ]);
  });

  it('counts duplicates once towards the limit', () => {
    expect(wantedNames(sources({ configured: [...many(100), ...many(100)] })).names).toHaveLength(100);
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
