import { describe, expect, it } from 'vitest';
import { placesAtUrls } from '../../../src/haproxy/places.ts';
import type { Resolve } from '../../../src/haproxy/resolve.ts';

const FOUR: Record<string, string[]> = {
  'marathon-lb': ['10.0.0.6', '10.0.0.5'],
  'lb.example': ['10.0.0.5'],
};
const SIX: Record<string, string[]> = { 'marathon-lb': ['2001:db8::5'] };

/** A DNS that answers from tables; what is not there does not exist. */
function dns(four = FOUR, six = SIX): Resolve {
  const answer = (table: Record<string, string[]>) => async (name: string) => {
    const known = table[name];
    if (known === undefined) throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
    return known;
  };
  return { resolve4: answer(four), resolve6: answer(six), resolveSrv: async () => [] };
}

describe('placesAtUrls()', () => {
  it('finds each address of a name, of both kinds, at the port that is written', async () => {
    const { places, problems } = await placesAtUrls(['http://marathon-lb:9091'], dns());

    expect(problems).toEqual([]);
    expect(places).toEqual(
      ['10.0.0.5', '10.0.0.6', '2001:db8::5'].map((host) => ({
        id: host.includes(':') ? `[${host}]:9091` : `${host}:9091`,
        ...{ host, adminPort: 9091, auth: undefined, tls: undefined },
      })),
    );
  });

  it.each([
    ['http://10.0.0.5', '10.0.0.5:9090'],
    ['http://10.0.0.5/', '10.0.0.5:9090'],
    ['http://10.0.0.5:80', '10.0.0.5:80'],
    ['http://10.0.0.5:80/haproxy', '10.0.0.5:80'],
    ['http://user:1234@10.0.0.5', '10.0.0.5:9090'],
    ['http://[2001:DB8::5]', '[2001:db8::5]:9090'],
    ['http://[2001:db8::5]:80', '[2001:db8::5]:80'],
    ['https://10.0.0.5', '10.0.0.5:9090'],
    ['https://10.0.0.5:443?a:1', '10.0.0.5:443'],
  ])('%s is %s', async (url, id) => {
    expect((await placesAtUrls([url], dns())).places.map((place) => place.id)).toEqual([id]);
  });

  it('keeps https, with the host that the certificate has to be good for', async () => {
    const { places } = await placesAtUrls(['https://lb.example:9443'], dns(), { caPem: 'pem' });

    expect(places).toMatchObject([
      { host: '10.0.0.5', adminPort: 9443, tls: { host: 'lb.example', caPem: 'pem' } },
    ]);
  });

  it.each([
    ['http://ops:p%40ss%3Aword@lb.example', { user: 'ops', password: 'p@ss:word' }],
    ['http://ops:100%@lb.example', { user: 'ops', password: '100%' }],
    ['http://ops@lb.example', { user: 'ops', password: '' }],
    ['http://lb.example', undefined],
  ])('takes the user from %s', async (url, auth) => {
    expect((await placesAtUrls([url], dns())).places[0]?.auth).toEqual(auth);
  });

  it('finds a balancer once, the first of its URLs holds', async () => {
    const { places } = await placesAtUrls(['http://ops:password@lb.example', 'http://marathon-lb'], dns());

    expect(places.map(({ id, auth }) => [id, auth?.user])).toEqual([
      ['10.0.0.5:9090', 'ops'],
      ['10.0.0.6:9090', undefined],
      ['[2001:db8::5]:9090', undefined],
    ]);
  });

  it('looks the names up again at each call', async () => {
    const four = { lb: ['10.0.0.5'] };
    const resolve = dns(four, {});
    await placesAtUrls(['http://lb'], resolve);

    four.lb = ['10.0.0.7', '10.0.0.5'];

    expect((await placesAtUrls(['http://lb'], resolve)).places).toHaveLength(2);
  });

  it('says what it did not find, without passwords, beside what it found', async () => {
    const urls = ['http://ops:password@gone:9090', 'no address', 'ftp://lb.example', 'http://lb.example'];

    const { places, problems } = await placesAtUrls(urls, dns());

    expect(places).toHaveLength(1);
    expect(problems).toEqual([
      'No balancer is found at "http://gone:9090" (ENOTFOUND)',
      '"no address" is no address of balancers',
      '"ftp://lb.example" is no address of balancers',
    ]);
  });

  it('looks at no more than 200', async () => {
    const many = Array.from({ length: 300 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);

    const { places, problems } = await placesAtUrls(['http://many'], dns({ many }, {}));

    expect(places).toHaveLength(200);
    expect(problems).toEqual(['300 balancers are found; only the first 200 are looked at']);
  });
});
