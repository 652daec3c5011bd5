import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAccountKey } from '../../../src/acme/account-key.ts';
import { type AcmeClient, type AcmeClientOptions, createAcmeClient } from '../../../src/acme/client.ts';
import { refusalClass } from '../../../src/acme/refusal.ts';
import { CertathonError, describeError } from '../../../src/lib/errors.ts';
import { createLog, silentLog } from '../../../src/lib/log.ts';
import { manualClock } from '../../support/clock.ts';
import { type Asked, inTurn, type LyingCa, says, startLyingCa } from '../../support/lying-ca.ts';

const NOW = Date.parse('2026-08-05T10:00:00Z');
const ACME = 'urn:ietf:params:acme:error:';
const accountKeyPem = createAccountKey();
let ca: LyingCa;
let clients: AcmeClient[] = [];

beforeEach(async () => {
  ca = await startLyingCa();
});
afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
  clients = [];
  await ca.close();
});

function connect(options: Partial<AcmeClientOptions> = {}): AcmeClient {
  const clock = manualClock(NOW);
  const client = createAcmeClient({
    directoryUrl: ca.directoryUrl,
    accountKeyPem,
    clock,
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

const order = () => ({
  status: 'pending',
  identifiers: [{ type: 'dns', value: 'a.example.com' }],
  authorizations: [`${ca.url}/authz/1`],
  finalize: `${ca.url}/finalize/1`,
});
const ordered = () => says(201, order(), { location: `${ca.url}/order/1` });
const wanted = { names: ['a.example.com'] };

async function failure(promise: Promise<unknown>): Promise<CertathonError> {
  const error = await promise.then(
    () => new Error('It did not fail'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof CertathonError) return error;
  throw error;
}

describe('AcmeClient and a directory that is none', () => {
  it.each([
    [
      'HTML',
      says(200, '<html><title>Sign in</title>', { 'content-type': 'text/html' }),
      /text\/html: <html><title>Sign in/,
    ],
    ['JSON under a text type', says(200, '{}', { 'content-type': 'text/plain' }), /it is no JSON object/],
    ['half a document', says(200, '{"newNonce":'), /it is no JSON object .*: \{"newNonce":\)/],
    ['another service', says(200, { apps: [] }), /newNonce: /],
    ['nothing', says(200, ''), /: empty/],
    [
      'a redirect',
      says(302, '', { location: 'https://elsewhere.example/' }),
      /status 302: sends to https:\/\/elsewhere\.example\//,
    ],
    [
      '404 in HTML',
      says(404, '<h1>Not Found</h1>', { 'content-type': 'text/html' }),
      /status 404: text\/html: <h1>Not Found/,
    ],
    ['a body without end', says(200, 'x'.repeat(3_000_000)), /the answer has more than 1048576 bytes/],
  ])('is told by %s', async (_name, lie, words) => {
    ca.lies.set('/dir', lie);

    const error = await failure(connect().directory());

    expect(error.code).toBe('ACME_ANSWER_INVALID');
    expect(error.message).toMatch(words);
    expect(error.message.length).toBeLessThan(500);
  });

  it('is told by a port that speaks no HTTP', async () => {
    ca.lies.set('/dir', (request) => void request.socket.end('220 mail.example.com ESMTP\r\n'));

    expect((await failure(connect().directory())).code).toBe('ACME_ANSWER_INVALID');
  });

  it('is asked again after a failure, and once only for a day after that', async () => {
    const clock = manualClock(NOW);
    const client = connect({ clock });
    ca.lies.set('/dir', says(500, ''));
    await failure(client.directory());
    ca.lies.delete('/dir');

    await Promise.all([client.directory(), client.directory()]);
    await clock.advance(23 * 3_600_000);
    await client.directory();
    const askedWithinADay = ca.seen.length;
    await clock.advance(2 * 3_600_000);
    await client.directory();

    expect([askedWithinADay, ca.seen.length]).toEqual([2, 3]);
  });
});

describe('AcmeClient and a CA that is away', () => {
  it('names the address and keeps what the network said when nothing listens', async () => {
    const client = connect();
    await ca.close();

    const error = await failure(client.directory());

    expect(error.code).toBe('ACME_UNREACHABLE');
    expect(error.message).toBe(`CA at ${ca.url} did not answer GET: connect ECONNREFUSED ${ca.url.slice(7)}`);
    expect(error.cause).toMatchObject({ code: 'ECONNREFUSED' });
    expect(error.facts.outcome).toBe('not-sent');
  });

  it('says so when the name of the CA does not resolve', async () => {
    const error = await failure(connect({ directoryUrl: 'http://ca.invalid/dir' }).directory());

    expect(error.code).toBe('ACME_UNREACHABLE');
    expect(error.message).toContain('ca.invalid');
  });

  it('ends after the time limit when nothing comes', async () => {
    ca.lies.set('/dir', () => undefined);

    const error = await failure(connect({ limits: { totalMs: 100 } }).directory());

    expect([error.code, error.message]).toEqual([
      'ACME_UNREACHABLE',
      `CA at ${ca.url} did not answer GET: no complete answer within 0.1 s`,
    ]);
  });

  it('ends after the time limit when the body stops half way', async () => {
    ca.lies.set(
      '/dir',
      (_request, response) => void response.writeHead(200, { 'content-type': 'application/json' }).write('{'),
    );

    expect((await failure(connect({ limits: { totalMs: 100 } }).directory())).code).toBe('ACME_UNREACHABLE');
  });

  it('ends with the reason of the signal, whether it comes before or during a request', async () => {
    const controller = new AbortController();
    const client = connect({ signal: controller.signal });
    const reason = new CertathonError('STOPPED', 'stopped from outside');
    ca.lies.set('/dir', () => controller.abort(reason));

    await expect(client.directory()).rejects.toBe(reason);
    await expect(client.directory()).rejects.toBe(reason);
    expect(ca.seen).toEqual(['GET /dir']);
  });

  it('repeats no order whose answer got lost', async () => {
    const client = await registered();
    ca.lies.set('/order', (request) => void request.socket.destroy());

    const error = await failure(client.newOrder(wanted));

    expect([error.code, error.facts.outcome]).toEqual(['ACME_UNREACHABLE', 'unknown']);
    expect(ca.seen.filter((line) => line === 'POST /order')).toHaveLength(1);
  });

  it.each([
    ['500 in HTML', says(500, '<h1>oops</h1>', { 'content-type': 'text/html' }), undefined],
    ['503 with a time', says(503, '', { 'retry-after': '120' }), NOW + 120_000],
    [
      'serverInternal with a date',
      says(
        500,
        { type: `${ACME}serverInternal`, detail: 'db is down' },
        { 'retry-after': 'Wed, 05 Aug 2026 10:30:00 GMT' },
      ),
      NOW + 1_800_000,
    ],
  ])('takes %s for trouble of the CA, asks once and never waits by itself', async (_name, lie, retryAtMs) => {
    const client = await registered();
    ca.lies.set('/order', lie);

    const error = await failure(client.newOrder(wanted));

    expect([error.code, error.retryAt?.getTime(), refusalClass(error)]).toEqual([
      'ACME_UNREACHABLE',
      retryAtMs,
      'retry',
    ]);
    expect(ca.seen.filter((line) => line === 'POST /order')).toHaveLength(1);
  });
});

describe('AcmeClient and a rate limit', () => {
  it.each([
    ['seconds', { 'retry-after': '122400' }, 'too many', NOW + 122_400_000],
    ['a date', { 'retry-after': 'Thu, 06 Aug 2026 10:00:00 GMT' }, 'too many', NOW + 86_400_000],
    [
      'its words',
      {},
      'too many, retry after 2026-08-05 11:00:00 UTC: see https://ca.example/',
      NOW + 3_600_000,
    ],
    ['seconds beyond any reason', { 'retry-after': '99999999' }, 'too many', NOW + 7 * 86_400_000],
  ])('gives the time told by %s, in the words of the CA', async (_name, headers, detail, retryAtMs) => {
    const client = await registered();
    ca.lies.set(
      '/order',
      says(429, { type: `${ACME}rateLimited`, detail }, headers as Record<string, string>),
    );

    const error = await failure(client.newOrder(wanted));

    expect([error.code, error.retryAt?.getTime()]).toEqual(['ACME_RATE_LIMITED', retryAtMs]);
    expect(error.message).toBe(
      `CA refused the order for a.example.com with status 429: rateLimited: ${detail}`,
    );
    expect(ca.seen.filter((line) => line === 'POST /order')).toHaveLength(1);
  });

  it('is told by 429 without a problem document too', async () => {
    ca.lies.set('/nonce', says(429, '', { 'retry-after': '60' }));

    const error = await failure(registered());

    expect([error.code, error.retryAt?.getTime()]).toEqual(['ACME_RATE_LIMITED', NOW + 60_000]);
  });
});

describe('AcmeClient and nonces', () => {
  it('signs again at once with the nonce of the refusal, and uses none twice', async () => {
    const client = await registered();
    const refused = says(400, { type: `${ACME}badNonce`, detail: 'no' });
    ca.lies.set('/order', inTurn(refused, refused, ordered()));

    await client.newOrder(wanted);
    ca.lies.set('/order', ordered());
    await client.newOrder(wanted);

    // 1: directory, 2: newNonce → account (3) → order (4, 5, 6) → order (7)
    expect(ca.nonces).toEqual(['nonce-2', 'nonce-3', 'nonce-4', 'nonce-5', 'nonce-6']);
    expect(client.requestCounts()).toMatchObject({ nonce: 1, newOrder: 4, refusedNonces: 2 });
  });

  it('gives up after eight repeats', async () => {
    const client = await registered();
    ca.lies.set('/order', says(400, { type: `${ACME}badNonce`, detail: 'never' }));

    const error = await failure(client.newOrder(wanted));

    expect(error.message).toContain('badNonce: never');
    expect(client.requestCounts()).toMatchObject({ newOrder: 9, refusedNonces: 9 });
  });

  it('says so when newNonce gives none', async () => {
    ca.lies.set('/nonce', (_request, response) => {
      response.removeHeader('replay-nonce');
      response.writeHead(200).end();
    });

    const error = await failure(registered());

    expect([error.code, error.message]).toEqual([
      'ACME_ANSWER_INVALID',
      expect.stringContaining('Replay-Nonce is missing'),
    ]);
  });
});

describe('AcmeClient and orders', () => {
  it('sends profile and replaces, the latter only to a CA that speaks ARI', async () => {
    const payloads: unknown[] = [];
    ca.lies.set('/order', (request, response, asked) => {
      payloads.push(asked?.payload);
      ordered()(request, response, asked);
    });
    const client = await registered();
    const request = { names: ['a.example.com'], profile: 'tlsserver', replaces: 'aki.serial' };
    const identifiers = [{ type: 'dns', value: 'a.example.com' }];

    await client.newOrder(request);
    withAri();
    const speaking = await registered();
    await speaking.newOrder(request);

    expect(payloads).toEqual([
      { identifiers, profile: 'tlsserver' },
      { identifiers, profile: 'tlsserver', replaces: 'aki.serial' },
    ]);
  });

  it.each([
    ['alreadyReplaced', 409],
    ['unauthorized', 403],
    ['malformed', 404],
    ['unauthorized', 401],
    ['serverInternal', 400],
    ['orderNotReady', 403],
    ['nothing that it says', 400],
  ])('orders without replaces when the CA refuses it as %s', async (word, status) => {
    withAri();
    const client = await registered();
    const payloads: unknown[] = [];
    ca.lies.set('/order', (request, response, asked?: Asked) => {
      payloads.push(asked?.payload);
      const refused = word.includes(' ')
        ? says(status, '<html>', { 'content-type': 'text/html' })
        : says(status, { type: ACME + word, detail: 'predecessor' });
      (payloads.length === 1 ? refused : ordered())(request, response, asked);
    });

    const created = await client.newOrder({ ...wanted, replaces: 'aki.serial' });

    expect(created.url).toBe(`${ca.url}/order/1`);
    expect(payloads).toEqual([
      expect.objectContaining({ replaces: 'aki.serial' }),
      expect.not.objectContaining({ replaces: 'aki.serial' }),
    ]);
  });

  it.each([
    ['a rate limit', 429, 'rateLimited', 1],
    ['a rate limit with another status', 403, 'rateLimited', 1],
    ['trouble of the CA', 500, 'serverInternal', 1],
    ['nonces that are refused', 400, 'badNonce', 9],
  ])('does not repeat an order with replaces that met %s', async (_what, status, word, requests) => {
    withAri();
    const client = await registered();
    const payloads: unknown[] = [];
    ca.lies.set('/order', (request, response, asked?: Asked) => {
      payloads.push(asked?.payload);
      says(status, { type: ACME + word, detail: 'no' })(request, response, asked);
    });

    await failure(client.newOrder({ ...wanted, replaces: 'aki.serial' }));

    expect(payloads).toHaveLength(requests);
    expect(payloads.every((payload) => (payload as { replaces?: string }).replaces === 'aki.serial')).toBe(
      true,
    );
  });

  it.each([
    ['without an address', () => says(201, order()), 'Location is missing'],
    ['with an address that is none', () => says(201, order(), { location: 'here' }), 'Location is missing'],
    [
      'in HTML',
      () => says(200, '<html>', { 'content-type': 'text/html', location: `${ca.url}/order/1` }),
      'it is no JSON object',
    ],
    [
      'without a finalize address',
      () => says(201, { ...order(), finalize: null }, { location: `${ca.url}/order/1` }),
      'finalize: ',
    ],
  ])('refuses an order %s', async (_name, lie, words) => {
    const client = await registered();
    ca.lies.set('/order', lie());

    const error = await failure(client.newOrder(wanted));

    expect([error.code, error.message]).toEqual(['ACME_ANSWER_INVALID', expect.stringContaining(words)]);
  });

  it.each([
    ['HTML', '<html>', 'text/html'],
    [
      'a private key',
      '-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----',
      'application/pem-certificate-chain',
    ],
  ])('refuses a certificate that is %s, without showing a key', async (_name, body, type) => {
    const client = await registered();
    ca.lies.set(
      '/order',
      says(
        201,
        { ...order(), status: 'valid', certificate: `${ca.url}/cert/1` },
        { location: `${ca.url}/order/1` },
      ),
    );
    ca.lies.set('/cert/1', says(200, body, { 'content-type': type }));

    const error = await failure(client.download(await client.newOrder(wanted)));

    expect(error.code).toBe('ACME_ANSWER_INVALID');
    expect(error.message).toContain('it is no chain of certificates in PEM');
  });

  it('asks nothing of an order without a certificate', async () => {
    const client = await registered();
    ca.lies.set('/order', ordered());

    const error = await failure(client.download(await client.newOrder(wanted)));

    expect(error.message).toBe(`CA names no certificate in the order ${ca.url}/order/1, status pending`);
  });

  it('hands in the request again when the order turned out ready, and gives up when it is invalid', async () => {
    const client = await registered();
    ca.lies.set('/order', ordered());
    const created = await client.newOrder(wanted);
    const notReady = says(403, { type: `${ACME}orderNotReady`, detail: 'not ready' });
    ca.lies.set('/order/1', says(200, { ...order(), status: 'ready' }));
    ca.lies.set(
      '/finalize/1',
      inTurn(notReady, says(200, { ...order(), status: 'processing' }, { 'retry-after': '3' })),
    );

    const processing = await client.finalize(created, Buffer.from('csr'));
    ca.lies.set('/finalize/1', notReady);
    ca.lies.set(
      '/order/1',
      says(200, { ...order(), status: 'invalid', error: { type: `${ACME}caa`, detail: 'CAA forbids' } }),
    );
    const error = await failure(client.finalize(created, Buffer.from('csr')));

    expect([processing.status, processing.retryAt?.getTime()]).toEqual(['processing', NOW + 3_000]);
    expect([error.code, error.message]).toEqual([
      'ACME_ORDER_INVALID',
      'CA gave up the order for a.example.com: caa: CAA forbids',
    ]);
  });
});

describe('AcmeClient and its account', () => {
  it('says so when the CA has shut the account', async () => {
    ca.lies.set('/account', says(200, { status: 'deactivated' }, { location: `${ca.url}/account/1` }));

    const error = await failure(registered());

    expect([error.code, error.message]).toEqual([
      'ACCOUNT_DEACTIVATED',
      `CA ${ca.directoryUrl} holds the account ${ca.url}/account/1 as deactivated, and takes nothing from it any more`,
    ]);
  });

  it('repeats once and no more when the CA does not know the account it has just registered', async () => {
    const client = await registered();
    ca.lies.set('/order', says(400, { type: `${ACME}accountDoesNotExist`, detail: 'who?' }));

    const error = await failure(client.newOrder(wanted));

    expect(error.message).toContain('accountDoesNotExist: who?');
    expect(client.requestCounts()).toMatchObject({ account: 2, newOrder: 2 });
  });

  it('signs nothing before the account is known', async () => {
    await expect(connect().newOrder(wanted)).rejects.toThrow('before the account was registered');
  });
});

describe('AcmeClient', () => {
  it('lets several CAs stand side by side, each with its own account and nonces', async () => {
    const other = await startLyingCa();
    try {
      const [one, two] = await Promise.all([registered(), registered({ directoryUrl: other.directoryUrl })]);
      ca.lies.set('/order', ordered());
      other.lies.set('/order', says(429, { type: `${ACME}rateLimited`, detail: 'not here' }));

      const [here, there] = await Promise.allSettled([one.newOrder(wanted), two.newOrder(wanted)]);

      expect([here.status, there.status]).toEqual(['fulfilled', 'rejected']);
      expect([one.accountUrl(), two.accountUrl()]).toEqual([`${ca.url}/account/1`, `${other.url}/account/1`]);
    } finally {
      await other.close();
    }
  });

  it('tells how far the clock of the CA is ahead', async () => {
    const client = connect({ clock: manualClock(Date.parse('2026-01-01T00:00:00Z')) });
    ca.lies.set('/dir', says(500, '', { date: 'Thu, 01 Jan 2026 01:00:00 GMT' }));

    const before = client.skewMs();
    await failure(client.directory());

    expect([before, client.skewMs()]).toEqual([undefined, 3_600_500]);
  });

  it('names itself to the CA', async () => {
    let agent: string | undefined;
    ca.lies.set('/dir', (request, response) => {
      agent = request.headers['user-agent'];
      response.writeHead(500).end();
    });

    await failure(connect().directory());

    expect(agent).toMatch(/^certathon\/\d+\.\d+\.\d+ \(acme-client 5\.4; Node\.js \d+/);
  });

  it('shows no key in logs and errors', async () => {
    const lines: string[] = [];
    const log = createLog({
      level: 'debug',
      format: 'json',
      destination: { write: (line) => void lines.push(line) },
    });
    const client = await registered({ log });
    ca.lies.set('/order', says(400, { type: `${ACME}malformed`, detail: 'no\u001b[31m' }));

    const error = await failure(client.newOrder(wanted));

    const shown = lines.join('') + describeError(error) + JSON.stringify(error.facts);
    const secret = accountKeyPem.split('\n')[1] as string;
    expect(shown).toContain('account.registered');
    expect(shown).not.toContain(secret);
    expect(error.message).toContain('malformed: no\\u{1b}[31m');
  });

  it('refuses a CA file without a certificate before anything is sent', () => {
    expect(() => connect({ caPem: 'no certificate' })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});

function withAri(): void {
  const { url } = ca;
  ca.lies.set(
    '/dir',
    says(200, {
      newNonce: `${url}/nonce`,
      newAccount: `${url}/account`,
      newOrder: `${url}/order`,
      renewalInfo: `${url}/ari`,
    }),
  );
}
