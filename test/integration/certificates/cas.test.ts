import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runPass } from '../../../src/certificates/pass.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { createLog, type EventName } from '../../../src/lib/log.ts';
import { policyOf } from '../../../src/policy.ts';
import { wire } from '../../../src/wiring.ts';
import { type AcmeProxy, startAcmeProxy, withMeta } from '../../support/acme-proxy.ts';
import { passWorld } from '../../support/pass-world.ts';
import { startPebble, type TestPebble } from '../../support/pebble.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const directory = temporaryDirectory();
const NAME = 'shop.example.com';
const HMAC = 'c2VjcmV0LW9mLWFuLWV4dGVybmFsLWFjY291bnQ';
let port = 0;
let pebbles: TestPebble[] = [];
/** Before the first CA. */
let first: AcmeProxy;
/** The second CA, which makes only accounts that are bound. */
let second: TestPebble;
const closers: (() => Promise<void>)[] = [];

beforeAll(async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
  server.close();
  const responder = { challengeHost: '127.0.0.1', challengePort: port };
  pebbles = await Promise.all([
    startPebble(responder),
    startPebble({ ...responder, externalAccounts: { 'kid-1': HMAC } }),
  ]);
  second = pebbles[1] as TestPebble;
  first = await startAcmeProxy(pebbles[0] as TestPebble);
});
afterAll(async () => {
  await first?.close();
  await Promise.all(pebbles.map((pebble) => pebble.stop()));
});
beforeEach(() => {
  first.fate = () => 'pass';
  first.seen.length = 0;
  first.asked.length = 0;
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** The program with its real wiring, on a store of this test, and a Marathon that deploys everything at once. */
async function program(env: Record<string, string> = {}) {
  const caFile = (index: number): string => {
    const path = join(directory.path, `ca${index}.pem`);
    writeFileSync(path, (pebbles[index] as TestPebble).caPem);
    return path;
  };
  const own = { eabKid: 'kid-1', eabHmacKey: HMAC, caFile: caFile(1) };
  const options: Record<string, string> = {
    ...{
      STORE: join(directory.path, 'store'),
      DOMAINS: NAME,
      BIND: '127.0.0.1',
      CHALLENGE_PORT: String(port),
    },
    ...{ ACME_DIRECTORY: first.directoryUrl, ACME_CA_FILE: caFile(0), FURTHER_CAS: second.directoryUrl },
    ...{ CA_SETTINGS: JSON.stringify({ [second.directoryUrl]: own }), ROUTE_CHECK: 'off' },
    ...{
      DELIVERY: 'directory',
      DIRECTORY: join(directory.path, 'shared'),
      BALANCER_URLS: 'http://127.0.0.1:9',
    },
    ...{ HTTP_PORT: String(port), DNS_SERVERS: `${pebbles[0]?.host}:8053`, ROUTE_WAIT: '0s' },
    ...{ COALESCE: '0s', DELIVERY_INTERVAL: '0s' },
    ...env,
  };
  const given = Object.entries(options).filter(([, value]) => value !== '');
  const { config } = loadConfig({
    command: 'renew',
    env: Object.fromEntries(given.map(([name, value]) => [`CERTATHON_${name}`, value])),
  });
  const events: EventName[] = [];
  const destination = { write: (line: string) => void events.push(JSON.parse(line).event) };
  const log = createLog({ level: 'info', format: 'json', destination });
  const world = await passWorld(config.store);
  world.clock.set(Date.now() - world.clock.nowMs());
  const { signal } = new AbortController();
  const clock = { ...world.clock, sleep: (ms: number) => delay(Math.min(ms, 20)) };
  const wiring = await wire({ config, clock, log, signal, answersAlways: false, readOnly: false });
  closers.push(() => wiring.close());
  const { stores, rules, obtain, faultOf, answering } = wiring.tools;
  const tools = { ...world.tools, stores, rules, obtain, faultOf, answering, clock, log };
  /** A pass that somebody asks for, so that earlier failures hold nothing back. */
  const pass = async (forced = false) => {
    await world.clock.advance(1_000);
    const asked = { forced, askedAt: new Date(world.clock.nowMs()) };
    const { problems, done, plan } = await runPass(tools, { ...policyOf(config), ...asked }, false);
    return { problems: problems.map(({ code }) => code), done: done.map((step) => step.do), plan };
  };
  const store = stores.of(NAME);
  const issuer = async () => (await store.current())?.stored.issuedBy?.directoryUrl;
  const { openRenewalInfo } = wiring.tools;
  return { pass, store, issuer, events, stores, openRenewalInfo, signal };
}

describe('two CAs in order', () => {
  it('are each trusted by their own file, also when only asked about renewals', async () => {
    const { openRenewalInfo, signal } = await program();

    const offers = [];
    for (const { directoryUrl } of [first, second]) {
      const client = openRenewalInfo(directoryUrl, signal);
      offers.push(typeof (await client.directory()).newOrder);
      await client.close();
    }

    expect(offers).toEqual(['string', 'string']);
  });

  it('order from the second after the third failure of the first, and from the first at the next renewal', async () => {
    first.fate = () => ({ status: 503, body: 'away' });
    const { pass, store, issuer, events } = await program();

    const problems = [(await pass()).problems, (await pass()).problems];
    const before = await issuer();
    const third = await pass();
    const at = await issuer();
    first.fate = () => 'pass';
    const renewed = await pass(true);

    expect(problems).toEqual([['ACME_UNREACHABLE'], ['ACME_UNREACHABLE']]);
    expect([before, at, third.done]).toEqual([undefined, second.directoryUrl, ['order', 'deliver']]);
    expect(events.filter((event) => event === 'ca.passed-over')).toHaveLength(1);
    expect([renewed.problems, await issuer()]).toEqual([[], first.directoryUrl]);
    expect(await store.holds()).toEqual([]);
  });

  it('plan says from where, and why', async () => {
    const { pass, stores } = await program();
    const now = new Date();
    const until = new Date(now.getTime() + 60_000);
    const reason = 'the first is away';
    await stores.of(NAME).saveRecord({ key: 'own', choice: {}, names: [NAME] });
    await stores.of(NAME).saveHold({
      ...{ since: now, until, code: 'ACME_UNREACHABLE', reason, failures: 0, byCa: false },
      ...{ directoryUrl: first.directoryUrl, troubles: 3 },
    });

    const { plan } = await pass();

    expect(plan?.steps[0]).toMatchObject({ do: 'order', ca: second.directoryUrl, passedOver: reason });
  });

  it('keep an order that was begun at the first while the second is asked, and finish it there', async () => {
    const { pass, store, issuer } = await program();
    const isLast = (path: string) => /^\/(finalize-order|certZ)\//.test(path);
    first.fate = (path) => (isLast(path) ? { status: 503, body: 'away' } : 'pass');
    await pass();
    await pass();
    const begun = await store.order(first.directoryUrl);
    await pass();
    const [between, beside] = [await issuer(), await store.order(first.directoryUrl)];
    first.fate = () => 'pass';
    first.asked.length = 0;

    await pass(true);

    expect(begun?.url).toBeDefined();
    expect([between, beside?.url]).toEqual([second.directoryUrl, begun?.url]);
    expect([await issuer(), await store.currentOrderUrl()]).toEqual([first.directoryUrl, begun?.url]);
    expect(first.asked.filter(({ path }) => path === '/order-plz')).toEqual([]);
    expect(await store.order()).toBeUndefined();
  });

  it('say which options are missing when a CA wants an external account', async () => {
    const { pass } = await program({
      ACME_DIRECTORY: second.directoryUrl,
      ACME_CA_FILE: '',
      CA_SETTINGS: '',
      FURTHER_CAS: '',
    });

    expect((await pass()).problems).toEqual(['ACME_UNREACHABLE']);

    const path = join(directory.path, 'ca1.pem');
    const trusting = await program({
      ACME_DIRECTORY: second.directoryUrl,
      ACME_CA_FILE: path,
      CA_SETTINGS: '',
      FURTHER_CAS: '',
    });

    expect((await trusting.pass()).problems).toEqual(['EXTERNAL_ACCOUNT_MISSING']);
  });
});

describe('CAA records', () => {
  const caa = async (...policies: { tag: string; value: string }[]): Promise<void> => {
    await (pebbles[0] as TestPebble).setCaa('example.com', policies);
  };
  const issue = (value: string) => ({ tag: 'issue', value });
  beforeEach(async () => {
    await withMeta(first, pebbles[0] as TestPebble, { caaIdentities: ['first.example'] });
  });
  afterEach(() => caa());

  it('that forbid the first CA lead to the second, which is no failure', async () => {
    await caa(issue('second.example'));
    const { pass, issuer, events } = await program({ ROUTE_CHECK: 'warn' });

    const { problems } = await pass();

    expect([problems, await issuer()]).toEqual([[], second.directoryUrl]);
    expect(events).toContain('ca.passed-over');
    expect(first.asked.filter(({ path }) => path === '/order-plz')).toEqual([]);
  });

  it.each([
    ['that allow the CA change nothing', 'require', 'first.example', []],
    ['that forbid the only CA fail where they must hold', 'require', 'second.example', ['CAA_FORBIDS']],
    ['that forbid the only CA cost a warning where they need not', 'warn', 'second.example', []],
    ['are not looked up where nothing is checked', 'off', 'second.example', []],
  ])('%s', async (_what, mode, value, problems) => {
    await caa(issue(value));
    const { pass, store, events } = await program({ ROUTE_CHECK: mode, FURTHER_CAS: '', CA_SETTINGS: '' });

    expect((await pass()).problems).toEqual(problems);
    expect(events.filter((event) => event === 'caa.checked')).toHaveLength(
      mode === 'warn' && value === 'second.example' ? 1 : 0,
    );
    if (problems.length > 0)
      expect((await store.hold())?.reason).toContain(
        'shop.example.com: the CAA records of example.com forbid it',
      );
  });
});

describe('profiles', () => {
  const profiles = { tlsserver: 'short', classic: 'long' };
  const sent = () => first.asked.filter(({ path }) => path === '/order-plz').map(({ payload }) => payload);
  const identifiers = [{ type: 'dns', value: NAME }];
  const one = { FURTHER_CAS: '', CA_SETTINGS: '' };

  it.each([
    ['sent where it is offered', 'wanted', profiles, [], [{ identifiers, profile: 'tlsserver' }]],
    ['left out where it is not', 'wanted', { classic: 'long' }, [], [{ identifiers }]],
    ['left out where there are none', 'wanted', {}, [], [{ identifiers }]],
    ['missed before anything is ordered where it is required', 'required', {}, ['PROFILE_UNAVAILABLE'], []],
  ])('are %s', async (_what, mode, offered, problems, requests) => {
    await withMeta(first, pebbles[0] as TestPebble, { profiles: offered });
    const { pass } = await program({ ...one, ACME_PROFILE: 'tlsserver', ACME_PROFILE_MODE: mode });

    expect((await pass()).problems).toEqual(problems);
    expect(sent()).toEqual(requests);
  });
});

describe('a test CA and a real one in one store', () => {
  const test = () => ({
    ACME_DIRECTORY: first.directoryUrl,
    ACME_STAGING: first.directoryUrl,
    FURTHER_CAS: '',
    CA_SETTINGS: '',
  });
  const real = () => ({
    ...{
      ACME_DIRECTORY: second.directoryUrl,
      ACME_STAGING: first.directoryUrl,
      FURTHER_CAS: '',
      CA_SETTINGS: '',
    },
    ...{ ACME_EAB_KID: 'kid-1', ACME_EAB_HMAC_KEY: HMAC, ACME_CA_FILE: join(directory.path, 'ca1.pem') },
  });

  it('go from one to the other without wiping, and never put a test certificate over a real one', async () => {
    const testing = await program(test());
    await testing.pass();
    const before = await testing.issuer();
    const production = await program(real());
    const switched = await production.pass();
    const after = await production.issuer();
    const back = await program(test());
    const calm = await back.pass();
    const refused = await back.pass(true);

    expect([before, after]).toEqual([first.directoryUrl, second.directoryUrl]);
    expect(switched.plan?.steps[0]).toMatchObject({ do: 'order', reason: 'test-certificate' });
    expect([calm.problems, calm.done]).toEqual([[], ['deliver']]);
    expect([refused.problems, await back.issuer()]).toEqual([['CERTIFICATE_UNUSABLE'], second.directoryUrl]);
  });

  it('do put one over a real one when they are told to', async () => {
    await (await program(real())).pass();
    const told = await program({ ...test(), STAGING_OVER_REAL: 'true' });

    const { problems } = await told.pass(true);

    expect([problems, await told.issuer()]).toEqual([[], first.directoryUrl]);
  });
});
