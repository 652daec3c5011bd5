import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { openConnections } from '../../../src/connections.ts';
import type { LabMarathon } from '../../../src/lab/marathon/start.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { describeError } from '../../../src/lib/errors.ts';
import { createLog, silentLog } from '../../../src/lib/log.ts';
import { maskSecrets } from '../../../src/lib/mask.ts';
import { createMarathonAuth, type MarathonCredentials } from '../../../src/marathon/auth.ts';
import { createMarathonHttp } from '../../../src/marathon/calls.ts';
import { createMarathonClient } from '../../../src/marathon/client.ts';
import { followEvents } from '../../../src/marathon/events.ts';
import { type BundleOptions, makeBundle } from '../../support/bundles.ts';
import { manualClock } from '../../support/clock.ts';
import { closedPort, sendHtml, sendJson, startServer, until } from '../lib/loopback.ts';
import { letRetriesPass } from './against-server.ts';
import { addCleanup, startLab } from './with-lab.ts';

const LOGIN = '/acs/api/v1/auth/login';
const pair = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
const [own, stranger] = [pair(), pair()];
const publicPem = own.publicKey.export({ type: 'spki', format: 'pem' }) as string;
const pemOf = (key = own.privateKey) => key.export({ type: 'pkcs8', format: 'pem' }) as string;

/** A client of the lab with these credentials, whose log lines are kept. */
function clientOf(url: string, credentials: MarathonCredentials, clock: Clock) {
  const lines: string[] = [];
  const log = createLog({
    level: 'debug',
    format: 'json',
    destination: { write: (line) => lines.push(line) },
  });
  const shared = { timeoutMs: 20_000, connectTimeoutMs: 5_000, userAgent: 'certathon/test', clock, log };
  const { auth, close } = createMarathonAuth(credentials, shared);
  const http = createMarathonHttp({ ...shared, baseUrls: [url], auth });
  addCleanup(close);
  addCleanup(() => http.close());
  return { marathon: createMarathonClient({ http, clock, log }), http, lines };
}

/** A lab that takes tokens, on the clock of the test, and a client of it with a service account. */
async function start({ privateKey = pemOf(), uid = 'certathon', loginEndpoint = '' } = {}) {
  const clock = manualClock();
  const dcos = { accounts: { certathon: publicPem }, nowMs: () => clock.nowMs() };
  const { lab } = await startLab({ dcos });
  const endpoint = loginEndpoint === '' ? (lab.login?.endpoint ?? '') : loginEndpoint;
  const client = clientOf(lab.url, { serviceAccount: { uid, privateKey, loginEndpoint: endpoint } }, clock);
  const before = lab.requests().length;
  /** What was asked since the beginning of the test: `GET 200`, `login 200`. */
  const asked = () =>
    lab
      .requests()
      .slice(before)
      .map(({ method, path, status }) => `${path === LOGIN ? 'login' : method} ${status}`);
  return { ...client, lab, clock, asked };
}

/** A token that a person got from DC/OS. */
async function tokenByHand(lab: LabMarathon, clock: Clock): Promise<string> {
  const got: string[] = [];
  const relay = await startServer((request, response) => {
    got.push(String(request.headers.authorization));
    sendJson(response, 200, { version: '1.8.0' });
  });
  addCleanup(() => relay.close());
  const loginEndpoint = lab.login?.endpoint ?? '';
  const serviceAccount = { uid: 'certathon', privateKey: pemOf(), loginEndpoint };
  await clientOf(relay.url, { serviceAccount }, clock).marathon.info();
  return (got[0] ?? '').slice('token='.length);
}

describe('a service account of DC/OS', () => {
  it('logs in once, before the first of several calls, and its token goes with all', async () => {
    const { marathon, asked } = await start();

    await Promise.all([marathon.info(), marathon.app('/app'), marathon.apps()]);
    await marathon.deployments();

    expect(asked()).toEqual(['login 200', 'GET 200', 'GET 200', 'GET 200', 'GET 200']);
  });

  it('logs in anew half a minute before the token ends, and not sooner', async () => {
    const { marathon, clock, asked } = await start();
    await marathon.info();

    await clock.advance(3_569_000);
    await marathon.info();
    await clock.advance(2_000);
    await Promise.all([marathon.info(), marathon.info()]);

    // No call was refused on the way: the token was never used past its end.
    expect(asked()).toEqual(['login 200', 'GET 200', 'GET 200', 'login 200', 'GET 200', 'GET 200']);
  });

  it('logs in anew when the token was taken back, and repeats the read', async () => {
    const { marathon, lab, asked } = await start();
    await marathon.info();
    lab.login?.revokeAll();

    expect(await marathon.app('/app')).toMatchObject({ id: '/app' });

    expect(asked().slice(2)).toEqual(['GET 401', 'login 200', 'GET 200']);
  });

  it('repeats a write too, which is made once', async () => {
    const { marathon, lab, asked } = await start();
    const app = await marathon.app('/app');
    lab.login?.revokeAll();

    expect(await marathon.scaleApp(app, 1)).toMatchObject({ kind: 'accepted' });

    expect(asked().slice(2)).toEqual(['PUT 401', 'login 200', 'PUT 200']);
    expect((await marathon.versions('/app')).length).toBe(2);
  });

  it('logs in once for several calls that are refused together', async () => {
    const { marathon, lab, asked } = await start();
    await marathon.info();
    lab.login?.revokeAll();

    await Promise.all([marathon.info(), marathon.apps(), marathon.queue()]);

    expect(asked().filter((each) => each.startsWith('login'))).toEqual(['login 200', 'login 200']);
    expect(asked().filter((each) => each === 'GET 200')).toHaveLength(4);
  });

  it('says clearly that the key is not the one that DC/OS knows, and asks Marathon nothing', async () => {
    const { marathon, asked } = await start({ privateKey: pemOf(stranger.privateKey) });

    const error = await marathon.info().catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({ code: 'MARATHON_UNAUTHORIZED' });
    expect(describeError(error)).toMatch(
      /^The login of DC\/OS at http:\S+ does not accept the service account certathon: 401 Login failed; Signature verification failed/,
    );
    expect(asked()).toEqual(['login 401']);
  });

  it('says clearly that DC/OS does not know the account', async () => {
    const { marathon } = await start({ uid: 'nobody' });

    await expect(marathon.info()).rejects.toThrow('does not accept the service account nobody: 401');
  });

  it('keeps token, statement and key out of everything that is shown', async () => {
    const { marathon, lines, http, lab } = await start();
    await marathon.info();
    lab.login?.revokeAll();
    await marathon.info();
    const statements = lab.requests().filter(({ path }) => path === LOGIN);

    const shown = [...lines, inspect(http, { depth: 9 }), inspect(marathon, { depth: 9 })].join('\n');

    expect(lines.length).toBeGreaterThan(2);
    // JSON web tokens begin like this.
    expect(shown).not.toMatch(/eyJ[\w-]{10}/);
    expect(shown).not.toContain(pemOf().split('\n')[1]);
    // The lab masks what it remembers, too, and in this process knows what we do.
    expect(JSON.stringify(statements)).not.toMatch(/eyJ[\w-]{10}/);
  });
});

describe('a login that fails in another way', () => {
  it('is waited for by reads while it is away', async () => {
    let asked = 0;
    const login = await startServer((request, response) => {
      if (++asked < 3) return sendHtml(response, 503, 'no leader');
      expect(JSON.parse(request.body)).toMatchObject({ uid: 'certathon' });
      sendJson(response, 200, { token: 'opaque-token-1' });
    });
    addCleanup(() => login.close());
    const seen: unknown[] = [];
    const marathonServer = await startServer((request, response) => {
      seen.push(request.headers.authorization);
      sendJson(response, 200, { version: '1.8.222' });
    });
    addCleanup(() => marathonServer.close());
    const clock = manualClock();
    const serviceAccount = { uid: 'certathon', privateKey: pemOf(), loginEndpoint: `${login.url}/login?x=1` };
    const { marathon } = clientOf(marathonServer.url, { serviceAccount }, clock);

    expect(await letRetriesPass(clock, marathon.info())).toMatchObject({ version: '1.8.222' });

    expect(login.seen.map(({ url }) => url)).toEqual(Array(3).fill('/login?x=1'));
    expect(seen).toEqual(['token=opaque-token-1']);

    // It does not say when it ends, so it counts for as long as was asked.
    await clock.advance(3_569_000);
    await marathon.info();
    expect(login.seen).toHaveLength(3);
    await clock.advance(2_000);
    await marathon.info();
    expect(login.seen).toHaveLength(4);
  });

  it('is waited for by writes too, since nothing of them was sent, and named in the end', async () => {
    const { marathon, lab } = await startLab();
    const app = await marathon.app('/app');
    const clock = manualClock();
    const loginEndpoint = `http://127.0.0.1:${await closedPort()}${LOGIN}`;
    const serviceAccount = { uid: 'certathon', privateKey: pemOf(), loginEndpoint };
    const before = lab.requests().length;
    const away = clientOf(lab.url, { serviceAccount }, clock).marathon;

    const error = await letRetriesPass(clock, away.scaleApp(app, 1));

    expect(error).toMatchObject({ code: 'MARATHON_UNREACHABLE', facts: { outcome: 'not-sent', tries: 3 } });
    expect(describeError(error)).toMatch(
      /Without a token Marathon can not be asked: The login of DC\/OS at http:\S+ did not answer POST .*ECONNREFUSED/,
    );
    expect(lab.requests()).toHaveLength(before);
  });

  it('gives up a login without an answer before the request that waits for it', async () => {
    const silent = await startServer(() => undefined);
    addCleanup(() => silent.close());
    const shared = {
      timeoutMs: 400,
      connectTimeoutMs: 5_000,
      userAgent: 'certathon/test',
      clock: systemClock,
      log: silentLog,
    };
    const { auth, close } = createMarathonAuth(
      { serviceAccount: { uid: 'certathon', privateKey: pemOf(), loginEndpoint: silent.url } },
      shared,
    );
    const http = createMarathonHttp({ ...shared, baseUrls: [silent.url], auth });
    addCleanup(close);
    addCleanup(() => http.close());

    const error = await http
      .request({ method: 'PUT', path: '/v2/apps/a', body: '{}' })
      .catch((thrown) => thrown);

    expect(error).toMatchObject({ code: 'MARATHON_UNREACHABLE', facts: { outcome: 'not-sent' } });
    expect(describeError(error)).toContain('The login of DC/OS at');
    expect(silent.seen.map(({ method }) => method)).toEqual(['POST']);
  });

  it('leaves the others waiting when one of them is stopped', async () => {
    let answer: (() => void) | undefined;
    const login = await startServer((_request, response) => {
      answer = () => sendJson(response, 200, { token: 'opaque-token-2' });
    });
    addCleanup(() => login.close());
    const marathonServer = await startServer((_request, response) =>
      sendJson(response, 200, { version: '1.8.0' }),
    );
    addCleanup(() => marathonServer.close());
    const serviceAccount = { uid: 'certathon', privateKey: pemOf(), loginEndpoint: login.url };
    const { marathon } = clientOf(marathonServer.url, { serviceAccount }, manualClock());
    const stop = new AbortController();
    const stopped = expect(marathon.info(stop.signal)).rejects.toThrow('stopping');
    const other = marathon.info();
    await until(() => answer !== undefined, 'the login is asked');

    stop.abort(new Error('stopping'));
    await stopped;
    answer?.();

    expect(await other).toMatchObject({ version: '1.8.0' });
    expect(login.seen).toHaveLength(1);
  });
});

describe('a login in strict mode', () => {
  it('is trusted by the same CA as Marathon, and by no other', async () => {
    const [notBefore, notAfter] = [-1, 1].map((days) => new Date(Date.now() + days * 86_400_000));
    const names = ['localhost'];
    const { leaf: cert, key } = makeBundle({ names, notBefore, notAfter, selfSigned: true } as BundleOptions);
    const secure = await startServer(
      (request, response) =>
        request.method === 'POST'
          ? sendJson(response, 200, { token: 'opaque-token-3' })
          : sendJson(response, request.headers.authorization === 'token=opaque-token-3' ? 200 : 401, {}),
      { cert, key },
    );
    addCleanup(() => secure.close());
    const ask = async (caPem: string | undefined) => {
      const url = `https://localhost:${secure.port}`;
      const shared = {
        caPem,
        timeoutMs: 20_000,
        connectTimeoutMs: 5_000,
        userAgent: 'certathon/test',
        clock: systemClock,
        log: silentLog,
      };
      const serviceAccount = { uid: 'certathon', privateKey: pemOf(), loginEndpoint: `${url}${LOGIN}` };
      const { auth, close } = createMarathonAuth({ serviceAccount }, shared);
      const http = createMarathonHttp({ ...shared, baseUrls: [url], auth });
      addCleanup(close);
      addCleanup(() => http.close());
      return http.request({ method: 'GET', path: '/v2/info' });
    };

    expect((await ask(cert)).status).toBe(200);
    await expect(ask(undefined)).rejects.toMatchObject({ code: 'MARATHON_UNREACHABLE' });
    expect(secure.seen.map(({ method }) => method)).toEqual(['POST', 'GET']);
  });
});

describe('the event stream with a token', () => {
  it('is opened with it, and opened again with another one when that was taken back', async () => {
    const { lab, http, asked } = await start();
    const stop = new AbortController();
    let attached = 0;
    const following = followEvents({
      http,
      clock: systemClock,
      log: silentLog,
      signal: stop.signal,
      onEvent: () => undefined,
      onAttached: () => attached++,
    });
    addCleanup(async () => {
      stop.abort(new Error('the test is over'));
      await following;
    });
    await until(() => attached === 1 && lab.streams() === 1, 'the stream is open');

    lab.login?.revokeAll();
    lab.faults.closeStreams();
    await until(() => attached === 2 && lab.streams() === 1, 'the second stream is open');

    expect(asked()).toEqual(['login 200', 'GET 200', 'GET 401', 'login 200', 'GET 200']);
  });
});

describe('a token that is not renewed', () => {
  it('goes with every call, until Marathon takes it no more', async () => {
    const { lab, clock, asked } = await start();
    const token = await tokenByHand(lab, clock);
    const { marathon, lines } = clientOf(lab.url, { token }, clock);

    await marathon.info();
    await marathon.app('/app');
    lab.login?.revokeAll();
    const error = await marathon.info().catch((thrown: unknown) => thrown);

    expect(asked()).toEqual(['login 200', 'GET 200', 'GET 200', 'GET 401']);
    expect(error).toMatchObject({ code: 'MARATHON_UNAUTHORIZED' });
    expect(describeError(error)).toContain('does not accept the credentials');
    expect(`${describeError(error)}${lines.join('')}`).not.toContain(token);
    expect(maskSecrets(`token=${token}`)).toBe('token=[masked]');
  });
});

describe('openConnections()', () => {
  it.each<[string, (account: string, token: string) => Record<string, string>]>([
    [
      'the service account in the variable of DC/OS',
      (account) => ({ DCOS_SERVICE_ACCOUNT_CREDENTIAL: account }),
    ],
    ['a token', (_account, token) => ({ CERTATHON_MARATHON_TOKEN: token })],
  ])('reaches Marathon by what is configured: %s', async (_what, env) => {
    const { lab } = await startLab({ dcos: { accounts: { certathon: publicPem } } });
    const account = { uid: 'certathon', private_key: pemOf(), login_endpoint: lab.login?.endpoint };
    const token = await tokenByHand(lab, systemClock);
    const { config } = loadConfig({
      env: { CERTATHON_MARATHON_URL: lab.url, ...env(JSON.stringify(account), token) },
      terminal: false,
    });
    const { signal } = new AbortController();
    const connections = openConnections({ config, clock: systemClock, log: silentLog, signal });
    addCleanup(() => connections.close());

    expect((await connections.marathon.apps()).apps.map(({ id }) => id)).toEqual(['/app']);
  });
});
