import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAcmeClient } from '../../../src/acme/client.ts';
import { type Responder, startResponder } from '../../../src/acme/responder.ts';
import { limitNow } from '../../../src/ca-limits.ts';
import { openLimits } from '../../../src/certificates/limits/budgets.ts';
import { type Published, publishedBy } from '../../../src/certificates/limits/published.ts';
import { setKey } from '../../../src/certificates/limits/state.ts';
import { obtainCertificate } from '../../../src/certificates/order.ts';
import { runPass } from '../../../src/certificates/pass.ts';
import { accountHome, openAccountStore } from '../../../src/certificates/store-accounts.ts';
import { openChallengeStore } from '../../../src/certificates/store-challenges.ts';
import { openLimitsStore } from '../../../src/certificates/store-limits.ts';
import { KNOWN_CAS } from '../../../src/config/known-cas.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { type Log, silentLog } from '../../../src/lib/log.ts';
import { type AcmeProxy, startAcmeProxy } from '../../support/acme-proxy.ts';
import { policy } from '../../support/observations.ts';
import { startPebble, type TestPebble } from '../../support/pebble.ts';
import { severalWorld } from '../../support/several-world.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const directory = temporaryDirectory();
const home = () => join(directory.path, 'store');
const NAMES = ['a.example.com', 'b.example.com', 'c.example.com'];
const [A = '', B = ''] = NAMES;
const PUBLISHED = publishedBy(KNOWN_CAS.letsencrypt);
const NOTHING: Published = { limits: {}, isIssuer: () => false };
/** Waits are cut to a twentieth of a second. */
const QUICK: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 50), signal) };
let answer: (token: string) => Promise<string | undefined> = async () => undefined;
let responder: Responder;
let pebble: TestPebble;
let proxy: AcmeProxy;

beforeAll(async () => {
  responder = await startResponder({
    ...{ host: '127.0.0.1', port: 0, instance: 'test', log: silentLog },
    answer: (token) => answer(token),
  });
  pebble = await startPebble({ challengeHost: '127.0.0.1', challengePort: responder.port });
  proxy = await startAcmeProxy(pebble);
});
afterAll(async () => {
  await proxy?.close();
  await pebble?.stop();
  await responder?.close();
});

/** A program on the store of this test, which orders each of these names from the CA behind the proxy. */
async function program(names: readonly string[], published = NOTHING) {
  const { directoryUrl } = proxy;
  const made = await severalWorld(home(), names);
  const warned: string[] = [];
  const log: Log = { ...silentLog, warn: (_event, fields) => void warned.push(String(fields?.problem)) };
  const challenges = await openChallengeStore(home());
  answer = challenges.answer;
  const limits = openLimits({
    storeOf: (url) => openLimitsStore(home(), url, log),
    domainOf: async () => (name) => name.split('.').slice(-2).join('.'),
    publishedBy: () => published,
    ...{ clock: systemClock, log },
  });
  const accounts = await openAccountStore(home(), directoryUrl);
  const account = {
    accounts,
    openAcme: (accountKeyPem: string, accountUrl: string | undefined) =>
      createAcmeClient({
        ...{ directoryUrl, caPem: pebble.caPem, accountKeyPem, log: silentLog, clock: QUICK },
        ...(accountUrl === undefined ? {} : { accountUrl }),
      }),
    ...{ givenKeyPem: undefined, contact: [], sharing: { now: undefined } },
  };
  const tools: typeof made.tools = {
    ...made.tools,
    clock: QUICK,
    rules: { ...made.tools.rules, directoryUrl },
    limits,
    obtain: async (certificate, wanted) => {
      const budget = limits.of(certificate, wanted);
      const { problems } = await obtainCertificate(wanted, false, {
        ...account,
        ...{ store: made.stores.of(certificate.id), challenges, directoryUrl, budget, log: silentLog },
        ...{ profile: undefined, keyType: 'ec256', reuseKey: false, preferredChain: undefined },
        ...{ trust: { kind: 'any' }, mostBytes: 120 * 1024, clock: QUICK, signal: made.tools.signal },
        isKeyLost: async () => false,
        checkRoutes: async () => undefined,
        isDueAt: async () => true,
      }).catch(budget.failed);
      return problems;
    },
  };
  const pass = async () => {
    proxy.seen.length = 0;
    const { done, problems, budgets } = await runPass(tools, policy(), false);
    const orders = proxy.seen.filter((line) => line === 'POST /order-plz').length;
    const told = problems.map(({ code, message }) => `${code} ${message}`);
    return { done: done.map(({ do: verb }) => verb), told, orders, budgets };
  };
  return { pass, warned };
}
const file = () => join(accountHome(home(), proxy.directoryUrl), 'limits.json');
const kept = () => JSON.parse(readFileSync(file(), 'utf8')) as unknown;
const refuse = (detail: string) => (path: string) =>
  path === '/order-plz'
    ? {
        status: 429,
        headers: { 'content-type': 'application/problem+json', 'retry-after': '3600' },
        body: JSON.stringify({ type: 'urn:ietf:params:acme:error:rateLimited', status: 429, detail }),
      }
    : ('pass' as const);

describe('a pass at a CA that has had enough', () => {
  it('asks once, tells the others to wait, and goes on waiting after a restart', async () => {
    proxy.fate = refuse('too many new orders (300) from this account in the last 3h0m0s, retry after …');

    const first = await (await program(NAMES)).pass();
    proxy.fate = () => 'pass';
    const restarted = await (await program([...NAMES, 'd.example.com'])).pass();

    expect([first.orders, first.done]).toEqual([1, []]);
    expect(first.told[0]).toMatch(/^ACME_RATE_LIMITED .*too many new orders/);
    expect(first.told[1]).toMatch(/^ACME_BUDGET_SPENT [abc].* wait to be ordered: the CA said: too many new/);
    expect([restarted.orders, restarted.done]).toEqual([0, []]);
    expect(restarted.told.join('\n')).toMatch(/d\.example\.com wait to be ordered/);
    expect(kept()).toMatchObject({ spent: {}, held: { orders: { words: expect.any(String) } } });
  });

  it('holds only the domain that the CA names', async () => {
    proxy.fate = refuse('too many certificates (50) already issued for "example.com" in the last 168h0m0s');
    await (await program([A])).pass();
    proxy.fate = () => 'pass';

    const next = await (await program([B, 'shop.other.example'])).pass();

    // Nobody wants the first one any more, and it was never issued.
    expect([next.orders, next.done]).toEqual([1, ['order', 'deliver', 'remove']]);
    expect(next.told.filter((each) => each.startsWith('ACME_BUDGET_SPENT'))).toEqual([
      expect.stringMatching(/^ACME_BUDGET_SPENT b\.example\.com waits .* already issued for "example\.com"/),
    ]);
  });
});

describe('a pass at a CA of known limits', () => {
  it('counts what it orders, and refuses the sixth of a set before the CA is asked', async () => {
    const first = await (await program([A], PUBLISHED)).pass();
    const week = PUBLISHED.limits.set?.inMs ?? 0;
    const spent = { [setKey([B])]: Date.now() + week };
    const after = kept();
    writeFileSync(file(), JSON.stringify({ spent, held: {} }));

    const next = await (await program([A, B], PUBLISHED)).pass();

    expect([first.orders, first.told]).toEqual([1, []]);
    expect(Object.keys((after as { spent: object }).spent).sort()).toEqual(
      ['domain:example.com', 'orders', setKey([A])].sort(),
    );
    expect([next.orders, next.done]).toEqual([0, ['deliver']]);
    expect(next.told).toEqual([
      expect.stringMatching(
        /^ACME_BUDGET_SPENT b\.example\.com waits to be ordered: 5th of 5 certificates for exactly these names in 7 days; next slot \d{4}-\d\d-\d\d \d\d:\d\d UTC$/,
      ),
    ]);
    expect(next.budgets).toMatchObject([{ limits: [{ used: 0 }, { used: 0 }, { used: 5, of: 5 }, {}, {}] }]);
  });

  it.each([
    ['published', 'orders', /^300th of 300 orders of this account in 3 hours; next slot/],
    ['learned', 'none', /^none$/],
  ])(
    'tells of one certificate why its order would wait, with --ca-limits %s',
    async (caLimits, key, words) => {
      const { config } = loadConfig({ command: 'renew', env: {}, flags: { store: home(), caLimits } });
      const store = openLimitsStore(home(), KNOWN_CAS.letsencrypt, silentLog);
      await store.write({ spent: { orders: Date.now() + 3 * 3_600_000 }, held: {} });
      const entry = { id: A, record: undefined, stored: undefined, issued: [], hold: undefined };
      const order = { names: [A], url: undefined, directoryUrl: KNOWN_CAS.letsencrypt };

      const limit = await limitNow({ config, clock: QUICK, log: silentLog }, { ...entry, order });

      const told = limit.fits ? { key: 'none', words: 'none' } : limit;
      expect(told).toMatchObject({ key, words: expect.stringMatching(words) });
    },
  );

  it('goes on without a file that is damaged, and says so', async () => {
    await (await program([A], PUBLISHED)).pass();
    writeFileSync(file(), '{"spent":');

    const { pass, warned } = await program([A, B], PUBLISHED);
    const next = await pass();

    expect([next.orders, next.told]).toEqual([1, []]);
    expect(warned).toEqual([expect.stringContaining('limits.json is damaged')]);
  });
});
