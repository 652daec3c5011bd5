import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createAccountKey } from '../../../src/acme/account-key.ts';
import type { Authorization, Order } from '../../../src/acme/answers.ts';
import { type AcmeClient, type AcmeClientOptions, createAcmeClient } from '../../../src/acme/client.ts';
import { createCertificateKey, createCsr } from '../../../src/acme/csr.ts';
import { problemOf, refusalClass } from '../../../src/acme/refusal.ts';
import { type Responder, startResponder } from '../../../src/acme/responder.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { CertathonError } from '../../../src/lib/errors.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { type AcmeProxy, startAcmeProxy } from '../../support/acme-proxy.ts';
import { makeBundle } from '../../support/bundles.ts';
import { startPebble, type TestPebble } from '../../support/pebble.ts';

const answers = new Map<string, string>();
const clients: AcmeClient[] = [];
let responder: Responder;
let pebble: TestPebble;

/** Waits are cut to a twentieth of a second, and count in full. */
function quickClock(): Clock {
  let skippedMs = 0;
  return {
    nowMs: () => Date.now() + skippedMs,
    monotonicMs: () => performance.now() + skippedMs,
    sleep: async (ms, signal) => {
      const realMs = Math.min(ms, 50);
      await delay(realMs, undefined, signal === undefined ? {} : { signal });
      skippedMs += ms - realMs;
    },
  };
}

function connect(options: Partial<AcmeClientOptions> = {}): AcmeClient {
  const client = createAcmeClient({
    directoryUrl: pebble.directoryUrl,
    caPem: pebble.caPem,
    accountKeyPem: createAccountKey(),
    clock: quickClock(),
    log: silentLog,
    ...options,
  });
  clients.push(client);
  return client;
}

async function registered(options: Partial<AcmeClientOptions> = {}): Promise<AcmeClient> {
  const client = connect(options);
  await client.ensureAccount({ termsOfServiceAgreed: true });
  return client;
}

const soon = () => ({ deadlineMs: Date.now() + 600_000 });

/** Serves the answer of each authorization and tells the CA. */
async function present(client: AcmeClient, order: Order): Promise<Authorization[]> {
  return Promise.all(
    order.authorizationUrls.map(async (url) => {
      const authorization = await client.authorization(url);
      const { token, url: challengeUrl } = authorization.http01 as NonNullable<Authorization['http01']>;
      answers.set(token, client.keyAuthorization(token));
      await client.triggerChallenge(challengeUrl);
      return authorization;
    }),
  );
}

async function issue(
  client: AcmeClient,
  names: string[],
  givenKeyPem?: string,
): Promise<{ chainPem: string; keyPem: string }> {
  const order = await client.newOrder({ names });
  const authorizations = await present(client, order);
  await Promise.all(authorizations.map(({ url }) => client.waitForAuthorization(url, soon())));
  const keyPem = givenKeyPem ?? (await createCertificateKey());
  const finalized = await client.finalize(order, await createCsr(names, keyPem));
  const valid = await client.waitForOrder(finalized, 'valid', soon());
  return { chainPem: await client.download(valid), keyPem };
}

function certificatesOf(chainPem: string): X509Certificate[] {
  return chainPem
    .split(/(?<=-----END CERTIFICATE-----\n)/)
    .filter((block) => block !== '')
    .map((block) => new X509Certificate(block));
}

async function failure(promise: Promise<unknown>): Promise<CertathonError> {
  const error = await promise.then(
    () => new Error('It did not fail'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof CertathonError) return error;
  throw error;
}

beforeAll(async () => {
  responder = await startResponder({
    host: '127.0.0.1',
    port: 0,
    instance: 'test',
    answer: async (token) => answers.get(token),
    log: silentLog,
  });
  pebble = await startPebble({
    challengeHost: responder.host,
    challengePort: responder.port,
    blockedNames: ['blocked.example.com'],
  });
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});
afterAll(async () => {
  await pebble?.stop();
  await responder?.close();
});

describe('AcmeClient against Pebble', () => {
  it('obtains a certificate with one name by seven requests', async () => {
    const client = await registered({ clock: systemClock });

    const { chainPem, keyPem } = await issue(client, ['shop.example.com']);

    const [leaf, issuer] = certificatesOf(chainPem);
    const root = new X509Certificate(await pebble.rootPem());
    expect(leaf?.subjectAltName).toBe('DNS:shop.example.com');
    expect(leaf?.checkPrivateKey(createPrivateKey(keyPem))).toBe(true);
    expect(leaf?.verify((issuer as X509Certificate).publicKey)).toBe(true);
    expect(issuer?.verify(root.publicKey)).toBe(true);
    expect(client.requestCounts()).toEqual({
      directory: 1,
      nonce: 1,
      account: 1,
      newOrder: 1,
      authorization: 2,
      challenge: 1,
      finalize: 1,
      order: 1,
      certificate: 1,
      refusedNonces: 0,
    });
    expect(Math.abs(client.skewMs() as number)).toBeLessThan(5_000);
  });

  it('finds the account again by its key, and spends nothing on one it knows', async () => {
    const accountKeyPem = createAccountKey();
    const first = await connect({ accountKeyPem }).ensureAccount({
      termsOfServiceAgreed: true,
      contact: ['mailto:ops@example.com'],
    });

    const second = await connect({ accountKeyPem }).ensureAccount({ termsOfServiceAgreed: true });
    const third = connect({ accountKeyPem, accountUrl: first.accountUrl });
    const known = await third.ensureAccount({ termsOfServiceAgreed: true });

    expect([first.created, second, known]).toEqual([
      true,
      { accountUrl: first.accountUrl, created: false },
      { accountUrl: first.accountUrl, created: false },
    ]);
    expect(third.requestCounts()).toEqual({ refusedNonces: 0 });
  });

  it("says the CA's own words about a name it could not validate, and about the order lost with it", async () => {
    const client = await registered();
    const order = await client.newOrder({ names: ['wrong.example.com'] });
    const wrong = await client.authorization(order.authorizationUrls[0] as string);
    answers.set(wrong.http01?.token as string, 'not what was asked for');
    await client.triggerChallenge(wrong.http01?.url as string);

    const error = await failure(client.waitForAuthorization(wrong.url, soon()));
    const lost = await failure(client.waitForOrder(order, 'ready', soon()));

    expect(error.code).toBe('ACME_CHALLENGE_FAILED');
    expect(error.message).toMatch(
      /^CA did not validate wrong\.example\.com: unauthorized: The key authorization file from the server did not match this challenge/,
    );
    expect([refusalClass(error), problemOf(error)?.type]).toEqual([
      'config',
      'urn:ietf:params:acme:error:unauthorized',
    ]);
    expect(lost.code).toBe('ACME_ORDER_INVALID');
    expect(lost.message).toMatch(/^CA gave up the order for wrong\.example\.com: /);
  });

  it("says the CA's own words about a name its policy forbids", async () => {
    const client = await registered();

    const error = await failure(client.newOrder({ names: ['blocked.example.com'] }));

    expect(error.code).toBe('ACME_REFUSED');
    expect(error.message).toMatch(
      /^CA refused the order for blocked\.example\.com with status 400: rejectedIdentifier: .*blocked\.example\.com/,
    );
    expect(refusalClass(error)).toBe('permanent');
  });

  it('waits for the order when the request is handed in too early', async () => {
    const client = await registered();
    const order = await client.newOrder({ names: ['early.example.com'] });
    const early = client.finalize(order, await createCsr(order.names, await createCertificateKey()));

    await present(client, order);

    const valid = await client.waitForOrder(await early, 'valid', soon());
    expect(new X509Certificate(await client.download(valid)).subjectAltName).toBe('DNS:early.example.com');
  });

  it('takes up an order by its address alone', async () => {
    const accountKeyPem = createAccountKey();
    const { url } = await (await registered({ accountKeyPem })).newOrder({ names: ['resumed.example.com'] });

    const client = await registered({ accountKeyPem });
    const order = await client.order(url);
    await present(client, order);
    const ready = await client.waitForOrder(url, 'ready', soon());

    expect([order.names, ready.status]).toEqual([['resumed.example.com'], 'ready']);
  });

  it('ends an authorization that is given up', async () => {
    const client = await registered();
    const order = await client.newOrder({ names: ['given-up.example.com'] });
    const url = order.authorizationUrls[0] as string;

    await client.deactivateAuthorization(url);

    expect((await client.authorization(url)).status).toBe('deactivated');
    expect((await failure(client.waitForAuthorization(url, soon()))).message).toBe(
      'CA did not validate given-up.example.com: authorization is deactivated',
    );
  });

  it('trusts exactly the CA file it was given', async () => {
    const client = createAcmeClient({
      directoryUrl: pebble.directoryUrl,
      accountKeyPem: createAccountKey(),
      clock: systemClock,
      log: silentLog,
    });
    clients.push(client);

    const error = await failure(client.directory());

    expect(error.code).toBe('ACME_UNREACHABLE');
    expect(error.message).toContain('self-signed certificate');
  });
});

describe('AcmeClient.revoke()', () => {
  it('revokes by the account, and tells what was revoked before', async () => {
    const client = await registered();
    const { chainPem } = await issue(client, ['revoked.example.com']);

    const first = await client.revoke({ certificate: chainPem, reason: 'superseded', by: 'account' });
    const second = await client.revoke({ certificate: chainPem, reason: 'superseded', by: 'account' });

    expect([first, second]).toEqual(['revoked', 'already']);
    expect(await pebble.statusOf(chainPem)).toMatchObject({ Status: 'Revoked', Reason: 4 });
    expect(client.requestCounts().revocation).toBe(2);
  });

  it.each(['ec256', 'ec384', 'rsa2048'] as const)(
    'revokes by a key of type %s, and needs no account for it',
    async (type) => {
      const key = await createCertificateKey(type);
      const { chainPem } = await issue(await registered(), [`${type}.example.com`], key);
      const stranger = connect();

      const result = await stranger.revoke({
        certificate: new X509Certificate(chainPem).raw,
        reason: 'keyCompromise',
        by: { keyPem: key },
      });

      expect(result).toBe('revoked');
      expect(await pebble.statusOf(chainPem)).toMatchObject({ Status: 'Revoked', Reason: 1 });
      expect([stranger.accountUrl(), stranger.requestCounts().account]).toEqual([undefined, undefined]);
    },
  );

  it('tells in the words of the CA whom it does not believe', async () => {
    const { chainPem: certificate } = await issue(await registered(), ['mine.example.com']);
    const stranger = await registered();
    const keyPem = await createCertificateKey();

    const errors = [
      await failure(stranger.revoke({ certificate, by: 'account' })),
      await failure(stranger.revoke({ certificate, by: { keyPem } })),
    ];

    for (const error of errors) {
      expect([error.code, refusalClass(error)]).toEqual(['ACME_REFUSED', 'operator']);
      expect(error.message).toMatch(/^CA refused the revocation with status 403: unauthorized: /);
      expect(error.message).not.toContain('PRIVATE');
    }
    expect(await pebble.statusOf(certificate)).toMatchObject({ Status: 'Valid' });
  });

  it('refuses a key that can not be read before the CA is asked', async () => {
    const client = connect();

    const error = await failure(client.revoke({ certificate: makeBundle().leaf, by: { keyPem: 'no key' } }));

    expect([error.code, client.requestCounts()]).toEqual(['CERTIFICATE_UNUSABLE', { refusedNonces: 0 }]);
  });
});

describe('AcmeClient and a CA that refuses three good nonces in ten', () => {
  let strict: TestPebble;
  beforeAll(async () => {
    strict = await startPebble({
      challengeHost: responder.host,
      challengePort: responder.port,
      nonceReject: 30,
    });
  });
  afterAll(() => strict?.stop());

  it('obtains certificates side by side all the same', async () => {
    const client = await registered({ directoryUrl: strict.directoryUrl, caPem: strict.caPem });
    const names = [1, 2, 3, 4].map((number) => [`a${number}.example.com`, `b${number}.example.com`]);

    const issued = await Promise.all(names.map((pair) => issue(client, pair)));

    const [publicKeys, counts] = [
      issued.map(({ chainPem }) => new X509Certificate(chainPem)),
      client.requestCounts(),
    ];
    expect(publicKeys.map(({ subjectAltName }) => subjectAltName?.split(', ').sort())).toEqual(
      names.map((pair) => pair.map((name) => `DNS:${name}`)),
    );
    expect(counts.refusedNonces).toBeGreaterThan(0);
    // One HEAD for each request that was under way at once, not one for each request.
    expect(counts.nonce).toBeLessThanOrEqual(16);
  });
});

describe('AcmeClient and a private CA that was set up anew', () => {
  let forgetful: TestPebble;
  beforeAll(async () => {
    forgetful = await startPebble({ challengeHost: responder.host, challengePort: responder.port });
  });
  afterAll(() => forgetful?.stop());

  it('registers the same key once more and goes on', async () => {
    const client = await registered({ directoryUrl: forgetful.directoryUrl, caPem: forgetful.caPem });
    const before = client.accountUrl();
    await issue(client, ['before.example.com']);

    await forgetful.restart();
    const orders = await Promise.all(
      [1, 2, 3].map((n) => client.newOrder({ names: [`after${n}.example.com`] })),
    );

    expect(orders.map(({ status }) => status)).toEqual(['pending', 'pending', 'pending']);
    expect(client.requestCounts().account).toBe(2);
    expect(client.accountUrl()).not.toBe(before);
  });
});

describe('AcmeClient and a CA that wants external accounts', () => {
  const hmacKey = 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W';
  let bound: TestPebble;
  beforeAll(async () => {
    bound = await startPebble({
      challengeHost: responder.host,
      challengePort: responder.port,
      externalAccounts: { 'kid-1': hmacKey },
    });
  });
  afterAll(() => bound?.stop());

  it('binds the account', async () => {
    const client = connect({
      directoryUrl: bound.directoryUrl,
      caPem: bound.caPem,
      externalAccount: { kid: 'kid-1', hmacKey },
    });

    expect((await client.ensureAccount({ termsOfServiceAgreed: true })).created).toBe(true);
  });

  it('says what is missing when none was given', async () => {
    const error = await failure(
      connect({ directoryUrl: bound.directoryUrl, caPem: bound.caPem }).ensureAccount({
        termsOfServiceAgreed: true,
      }),
    );

    expect([error.code, refusalClass(error)]).toEqual(['EXTERNAL_ACCOUNT_MISSING', 'operator']);
    expect(error.message).toBe(
      `CA ${bound.directoryUrl} registers only accounts that are bound to an external one, and no key id and HMAC key of one were given`,
    );
  });

  it("says the CA's own words about a key it does not know", async () => {
    const externalAccount = { kid: 'kid-unknown', hmacKey };
    const client = connect({ directoryUrl: bound.directoryUrl, caPem: bound.caPem, externalAccount });

    const error = await failure(client.ensureAccount({ termsOfServiceAgreed: true }));

    expect([error.code, problemOf(error)?.type]).toEqual([
      'ACME_REFUSED',
      'urn:ietf:params:acme:error:unauthorized',
    ]);
    expect(error.message).not.toContain(hmacKey);
  });
});

describe('AcmeClient over a bad line', () => {
  let proxy: AcmeProxy;
  beforeAll(async () => {
    proxy = await startAcmeProxy(pebble);
  });
  afterAll(() => proxy?.close());

  /** Gives this fate to the first `times` answers below the path. */
  function spoil(
    path: string,
    fate: Exclude<ReturnType<AcmeProxy['fate']>, 'pass'>,
    times = 1,
  ): () => number {
    let spoilt = 0;
    proxy.fate = (asked) => {
      if (!asked.startsWith(path) || spoilt >= times) return 'pass';
      spoilt += 1;
      return fate;
    };
    return () => spoilt;
  }

  it.each([
    ['the answer to the certificate request', '/finalize-order/'],
    ['the answer to the challenge', '/chalZ/'],
    ['the order', '/my-order/'],
    ['the authorization', '/authZ/'],
    ['the certificate', '/certZ/'],
  ])('obtains the certificate although %s got lost', async (_name, path) => {
    const client = await registered({ directoryUrl: proxy.directoryUrl });
    const spoilt = spoil(path, 'drop');

    const { chainPem, keyPem } = await issue(client, ['lossy.example.com']);

    const leaf = new X509Certificate(chainPem);
    expect(spoilt()).toBe(1);
    expect(leaf.publicKey.equals(createPublicKey(keyPem))).toBe(true);
    expect(client.requestCounts().newOrder).toBe(1);
  });

  it('obtains the certificate although the certificate request was answered with 500 after it was carried out', async () => {
    const client = await registered({ directoryUrl: proxy.directoryUrl });
    const spoilt = spoil('/finalize-order/', { status: 500, body: 'oops' });

    const { chainPem } = await issue(client, ['five-hundred.example.com']);

    expect([spoilt(), new X509Certificate(chainPem).subjectAltName]).toEqual([
      1,
      'DNS:five-hundred.example.com',
    ]);
  });

  it('revokes once although the answer got lost', async () => {
    const client = await registered({ directoryUrl: proxy.directoryUrl });
    const { chainPem } = await issue(client, ['revoked-once.example.com']);
    const spoilt = spoil('/revoke-cert', 'drop');

    expect([await client.revoke({ certificate: chainPem, by: 'account' }), spoilt()]).toEqual(['revoked', 1]);
  });

  it('says so when the CA does not accept the reason', async () => {
    const client = await registered({ directoryUrl: proxy.directoryUrl });
    const { chainPem } = await issue(client, ['reason.example.com']);
    const type = 'urn:ietf:params:acme:error:badRevocationReason';
    // In the words of Let's Encrypt; Pebble takes every reason.
    const detail = 'unsupported revocation reason code provided: affiliationChanged (3)';
    spoil('/revoke-cert', {
      status: 400,
      headers: { 'content-type': 'application/problem+json' },
      body: JSON.stringify({ type, detail }),
    });

    const error = await failure(
      client.revoke({ certificate: chainPem, reason: 'affiliationChanged', by: 'account' }),
    );

    expect([error.code, refusalClass(error), error.message]).toEqual([
      'ACME_REFUSED',
      'operator',
      `CA refused the revocation with status 400: badRevocationReason: ${detail}`,
    ]);
  });

  it('is not led out of TLS by an answer', async () => {
    const urls = {
      newNonce: 'http://127.0.0.1:1/n',
      newAccount: 'http://127.0.0.1:1/a',
      newOrder: 'http://127.0.0.1:1/o',
    };
    spoil('/dir', {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(urls),
    });

    const error = await failure(registered({ directoryUrl: proxy.directoryUrl }));

    expect([error.code, error.message]).toEqual([
      'ACME_ANSWER_INVALID',
      'CA leads out of TLS, to http://127.0.0.1:1/n',
    ]);
  });

  it('passes over two bad answers while it waits, and not over a third', async () => {
    const client = await registered({ directoryUrl: proxy.directoryUrl });
    const order = await client.newOrder({ names: ['patience.example.com'] });
    await present(client, order);
    const url = order.authorizationUrls[0] as string;
    const unavailable = {
      status: 503,
      headers: { 'retry-after': '2', 'content-type': 'text/html' },
      body: '<h1>503</h1>',
    };

    spoil('/authZ/', unavailable, 2);
    const valid = await client.waitForAuthorization(url, soon());
    spoil('/authZ/', unavailable, 3);
    const error = await failure(client.waitForAuthorization(url, soon()));

    expect([valid.status, error.code]).toEqual(['valid', 'ACME_UNREACHABLE']);
    expect(error.message).toContain('with status 503: text/html: <h1>503</h1>');
    expect(error.retryAt).toBeInstanceOf(Date);
  });
});
