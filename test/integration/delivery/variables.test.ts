import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAccountKey } from '../../../src/acme/account-key.ts';
import { events, newDirectory, removeDirectories, run } from '../../support/certathon.ts';
import { installed } from '../../support/installed.ts';
import {
  appOf,
  mark,
  ordersAtCa,
  requestsAtCa,
  settled,
  shownAt,
  shownByAll,
  writesSince,
} from '../../support/lab.ts';
import { type PlacedLab, startPlacedLab } from '../../support/place.ts';
import { longTest } from '../../support/whole.ts';

const SECRET = { HAPROXY_SSL_CERT: { secret: 'tls' } };
let placed: PlacedLab;
beforeAll(async () => {
  placed = await startPlacedLab(3);
});
afterAll(async () => {
  await placed?.lab.stop();
  removeDirectories();
});

const filesOf = (store: string): string[] => readdirSync(join(store, 'certificates'));

describe('what must not be overwritten is refused by name, before anything is asked of the CA', () => {
  const foreign = installed(
    ...[1, 2, 3, 4, 5].map((count) => `shop${count}.example.com`),
    'other.example.org',
  );
  const cases: { holds: string; env: Record<string, unknown>; code: string; exit: number; says: string[] }[] =
    [
      {
        holds: 'a reference to a secret',
        env: SECRET,
        code: 'DELIVERY_SECRET',
        exit: 31,
        says: ['HAPROXY_SSL_CERT', '"tls"'],
      },
      {
        holds: 'no PEM at all',
        env: { HAPROXY_SSL_CERT: 'see /etc/ssl' },
        code: 'DELIVERY_UNREADABLE',
        exit: 31,
        says: ['HAPROXY_SSL_CERT', 'no certificate'],
      },
      {
        holds: 'a bundle that was cut off',
        env: { HAPROXY_SSL_CERT: foreign.variable.slice(0, -200) },
        code: 'DELIVERY_UNREADABLE',
        exit: 31,
        says: ['HAPROXY_SSL_CERT', 'private key'],
      },
      {
        holds: 'a certificate of somebody else that covers another name too',
        env: { HAPROXY_SSL_CERT: foreign.variable },
        code: 'DELIVERY_FOREIGN',
        exit: 30,
        says: ['HAPROXY_SSL_CERT', 'other.example.org'],
      },
    ];
  test.each(cases)('$holds: $code', async ({ env, code, exit, says }) => {
    const { lab } = placed;
    const secrets = env === SECRET ? { secrets: { tls: { source: 'tls' } } } : {};
    const place = await placed.placeWithoutTasks({ env, ...secrets });
    const [since, asked] = [mark(), requestsAtCa(lab)];

    const ended = await run(['renew', '--now'], place.env);

    expect(ended.exit, ended.stderr).toBe(exit);
    for (const word of [code, place.app, ...says]) expect(ended.stdout).toContain(word);
    expect(requestsAtCa(lab)).toBe(asked);
    expect(writesSince(lab, since)).toEqual([]);
    expect(filesOf(place.store)).toEqual([]);
    expect((await appOf(lab, place.app)).env.HAPROXY_SSL_CERT).toEqual(env.HAPROXY_SSL_CERT);
    expect(ended.stdout + ended.stderr).not.toContain(foreign.pem.split('\n').at(-4));
  });
});

test('--replace-foreign replaces it', async () => {
  const { lab } = placed;
  const foreign = installed('other.example.org');
  const place = await placed.place({ env: { HAPROXY_SSL_CERT: foreign.variable, KEPT: 'yes' } });

  const ended = await run(['renew', '--replace-foreign'], place.env);

  expect(ended.exit, ended.stderr).toBe(0);
  expect(await shownByAll(lab, place.app, place.name)).toMatchObject([{ isValid: true }]);
  expect((await appOf(lab, place.app)).env).toMatchObject({ KEPT: 'yes' });
});

longTest(
  'a numbered variable gets the certificate, the empty base a placeholder, and both are served by SNI',
  async () => {
    const { lab } = placed;
    const place = await placed.place();
    const env = { ...place.env, CERTATHON_CERT_ENV: 'HAPROXY_SSL_CERT3' };

    const ended = await run(['renew'], env);

    expect(ended.exit, ended.stderr).toBe(0);
    const app = await settled(lab, place.app);
    expect(Object.keys(app.env).filter((name) => name.startsWith('HAPROXY'))).toEqual(
      expect.arrayContaining(['HAPROXY_SSL_CERT', 'HAPROXY_SSL_CERT3']),
    );
    const root = await lab.authority.root();
    const at = (name: string) => shownAt(place.host, lab.ports.https, name, root);
    expect(await at(place.name)).toMatchObject({ isValid: true });
    expect((await at('nobody.example.org')).issuer).toBe('not yet issued');

    const since = mark();
    expect((await run(['renew'], env)).exit).toBe(0);
    expect(writesSince(lab, since)).toEqual([]);
  },
);

test('with an empty store the certificate is read back from the app, and nothing is ordered', async () => {
  const { lab } = placed;
  const place = await placed.place();
  const first = await run(['renew'], place.env);
  const [since, asked] = [mark(), requestsAtCa(lab)];

  const again = await run(['renew'], {
    ...place.env,
    CERTATHON_STORE: join(newDirectory(), 'store'),
    // Questions about the time of a renewal are no orders.
    CERTATHON_IGNORE_RENEWAL_INFO: 'true',
  });

  expect([first.exit, again.exit], again.stderr).toEqual([0, 0]);
  const fingerprint = events(first, 'certificate.issued')[0]?.fingerprint;
  expect(events(again, 'certificate.adopted')).toMatchObject([{ fingerprint }]);
  expect(requestsAtCa(lab)).toBe(asked);
  expect(writesSince(lab, since)).toEqual([]);
});

longTest('an account key that is given as an option is used and found again at the CA', async () => {
  const { lab } = placed;
  const place = await placed.placeWithoutTasks();
  const env = { CERTATHON_ACME_ACCOUNT_KEY: createAccountKey(), CERTATHON_DELIVERY_TIMEOUT: '1s' };
  const before = ordersAtCa(lab);

  const first = await run(['renew'], { ...place.env, ...env });
  const elsewhere = { ...place.env, ...env, CERTATHON_STORE: join(newDirectory(), 'store') };
  const second = await run(['renew', '--now'], elsewhere);

  expect([first, second].flatMap((ended) => events(ended, 'certificate.issued'))).toHaveLength(2);
  const [one] = events(first, 'account.registered');
  const [two] = events(second, 'account.registered');
  expect(one).toMatchObject({ created: true });
  expect(two).toMatchObject({ created: false, accountUrl: one?.accountUrl });
  expect(ordersAtCa(lab)).toBe(before + 2);
});

test('a bundle that no task could be started with is not written: DELIVERY_TOO_LARGE with the numbers', async () => {
  const { lab } = placed;
  const filler = Object.fromEntries(
    [1, 2, 3, 4].map((slot) => [`HAPROXY_SSL_CERT${slot}`, 'x'.repeat(102_300)]),
  );
  const place = await placed.placeWithoutTasks({ env: filler });
  const since = mark();

  const ended = await run(['renew'], place.env);

  expect(ended.exit, ended.stderr).toBe(32);
  expect(ended.stdout).toMatch(/would need [\d,]+ bytes with shop\d+\.example\.com; 409,600 are allowed/);
  expect(writesSince(lab, since)).toEqual([]);
});
