import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Bench, type Reply, startBench } from './lab-harness.ts';

const PATH = '/acs/api/v1/auth/login';
const pair = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
const [own, stranger] = [pair(), pair()];
const publicPem = own.publicKey.export({ type: 'spki', format: 'pem' }) as string;

let nowS: number;
let bench: Bench;
beforeEach(async () => {
  nowS = 1_700_000_000;
  bench = await startBench({
    credentials: 'none',
    dcos: { accounts: { certathon: publicPem }, nowMs: () => nowS * 1000 },
  });
});
afterEach(() => bench.close());

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const claimsOf = (jwt: string) => JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString());

/** What a service account says of itself, signed. */
function statement({ uid = 'certathon', exp = nowS + 60, key = own.privateKey } = {}): string {
  const content = `${part({ alg: 'RS256', typ: 'JWT' })}.${part({ uid, exp })}`;
  return `${content}.${sign('RSA-SHA256', Buffer.from(content), key).toString('base64url')}`;
}

const logIn = (body: object, headers: Record<string, string> = {}): Promise<Reply> =>
  bench.call('POST', PATH, body, headers);
const ask = (authorization?: string) =>
  bench.call(
    'GET',
    '/v2/apps',
    undefined,
    authorization === undefined ? {} : { Authorization: authorization },
  );

test('8.40 a signed statement gets a token, as JSON and as cookie, which lets requests pass', async () => {
  const { status, json, headers } = await logIn({ uid: 'certathon', token: statement() });

  expect(status).toBe(200);
  expect(String(headers['set-cookie'])).toContain(`dcos-acs-auth-cookie=${json.token};`);
  expect(claimsOf(json.token)).toEqual({ uid: 'certathon', exp: nowS + 5 * 24 * 3600 });
  expect((await ask(`token=${json.token}`)).status).toBe(200);
});

test('8.40 the token ends when the client asked for, and is answered 401 from then on', async () => {
  const { json } = await logIn({ uid: 'certathon', token: statement(), exp: nowS + 100 });

  nowS += 99;
  const before = await ask(`token=${json.token}`);
  nowS += 1;
  const after = await ask(`token=${json.token}`);

  expect([before.status, after.status]).toEqual([200, 401]);
  expect(after.headers['www-authenticate']).toBeDefined();
});

test('8.40 tokens can be ended all at once', async () => {
  const { json } = await logIn({ uid: 'certathon', token: statement() });

  bench.lab.login?.revokeAll();

  expect((await ask(`token=${json.token}`)).status).toBe(401);
});

test.each<[string, () => object, number]>([
  [
    'the key of somebody else',
    () => ({ uid: 'certathon', token: statement({ key: stranger.privateKey }) }),
    401,
  ],
  ['a statement that has ended', () => ({ uid: 'certathon', token: statement({ exp: nowS }) }), 401],
  ['a statement about another user', () => ({ uid: 'certathon', token: statement({ uid: 'root' }) }), 401],
  ['an unknown user', () => ({ uid: 'root', token: statement({ uid: 'root' }) }), 401],
  ['a name that every object has', () => ({ uid: 'constructor', token: statement() }), 401],
  ['no signature', () => ({ uid: 'certathon', token: statement().replace(/\.[^.]*$/, '.') }), 401],
  [
    'no algorithm',
    () => ({
      uid: 'certathon',
      token: `${part({ alg: 'none' })}.${part({ uid: 'certathon', exp: nowS + 60 })}.`,
    }),
    401,
  ],
  [
    'the public key as a shared secret',
    () => {
      const content = `${part({ alg: 'HS256' })}.${part({ uid: 'certathon', exp: nowS + 60 })}`;
      return {
        uid: 'certathon',
        token: `${content}.${createHmac('sha256', publicPem).update(content).digest('base64url')}`,
      };
    },
    401,
  ],
  ['nothing', () => ({}), 400],
])('8.40 no token is given for %s', async (_what, body, status) => {
  const reply = await logIn(body());

  expect(reply.status).toBe(status);
  expect(reply.json).not.toHaveProperty('token');
  expect(reply.json).toMatchObject({ title: expect.any(String), description: expect.any(String) });
});

test('8.40 without a token, with a wrong one or with a password nobody passes, not even to /ping', async () => {
  const { json } = await logIn({ uid: 'certathon', token: statement() });
  const [head, , signature] = json.token.split('.');
  const forged = `${head}.${part({ uid: 'certathon', exp: nowS + 10 ** 9 })}.${signature}`;

  for (const authorization of [
    undefined,
    'token=',
    'token=a.b.c',
    `token=${forged}`,
    `Bearer ${json.token}`,
    'Basic YTpi',
  ])
    expect([authorization, (await ask(authorization)).status]).toEqual([authorization, 401]);
  expect((await bench.call('GET', '/ping')).status).toBe(401);
});

test('where there are credentials too, either lets pass', async () => {
  const both = await startBench({ dcos: { accounts: { certathon: publicPem }, nowMs: () => nowS * 1000 } });
  try {
    const { json } = await both.call('POST', PATH, { uid: 'certathon', token: statement() });

    expect((await both.call('GET', '/v2/apps')).status).toBe(200);
    expect(
      (await both.call('GET', '/v2/apps', undefined, { Authorization: `token=${json.token}` })).status,
    ).toBe(200);
  } finally {
    await both.close();
  }
});

test('where no login is asked for, there is none', async () => {
  const plain = await startBench();
  try {
    expect(plain.lab.login).toBeUndefined();
    expect(
      (await plain.call('POST', PATH, { uid: 'certathon', token: statement() })).status,
    ).toBeGreaterThanOrEqual(404);
  } finally {
    await plain.close();
  }
});
