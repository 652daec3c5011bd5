import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createAccountKey } from '../../../src/acme/account-key.ts';
import { createAcmeClient } from '../../../src/acme/client.ts';
import { renewalId } from '../../../src/acme/renewal-id.ts';
import { type Responder, startResponder } from '../../../src/acme/responder.ts';
import { type OrderTools, obtainCertificate } from '../../../src/certificates/order.ts';
import { runPass } from '../../../src/certificates/pass.ts';
import { replacedBy } from '../../../src/certificates/replaced.ts';
import { openAccountStore } from '../../../src/certificates/store-accounts.ts';
import { type ChallengeStore, openChallengeStore } from '../../../src/certificates/store-challenges.ts';
import { type EventName, type Fields, silentLog } from '../../../src/lib/log.ts';
import { type AcmeProxy, startAcmeProxy } from '../../support/acme-proxy.ts';
import { AT_ONCE } from '../../support/observations.ts';
import { passWorld } from '../../support/pass-world.ts';
import { startPebble, type TestPebble } from '../../support/pebble.ts';
import { problem, type RenewalStandIn, speakOfRenewals } from '../../support/renewal-stand-in.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const HOUR_MS = 3_600_000;
const POLICY = {
  ...{ renewAt: 'auto' as const, asksRenewal: true },
  ...{ forced: false, replaceForeign: false, pace: AT_ONCE },
};
const directory = temporaryDirectory();
let challenges: ChallengeStore;
let responder: Responder;
let pebble: TestPebble;
let proxy: AcmeProxy;
let ca: RenewalStandIn;
beforeAll(async () => {
  responder = await startResponder({
    ...{ host: '127.0.0.1', port: 0, instance: 'test', log: silentLog },
    answer: (token) => challenges.answer(token),
  });
  pebble = await startPebble({ challengeHost: '127.0.0.1', challengePort: responder.port });
});
afterAll(async () => {
  await pebble?.stop();
  await responder?.close();
});
beforeEach(async () => {
  proxy = await startAcmeProxy(pebble);
  ca = speakOfRenewals(proxy);
  return () => proxy.close();
});

/** A program on the store of this test, its CA behind the proxy, its balancer made up. */
async function program() {
  const events: [EventName, Fields][] = [];
  const note = (event: EventName, fields: Fields = {}) => void events.push([event, fields]);
  const log = { ...silentLog, info: note, warn: note, error: note };
  const { directoryUrl } = proxy;
  const clock = {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    sleep: async () => undefined,
  };
  const signal = new AbortController().signal;
  const open = (accountKeyPem: string, accountUrl?: string) =>
    createAcmeClient({
      ...{ directoryUrl, caPem: pebble.caPem, accountKeyPem, signal, log: silentLog, clock },
      ...(accountUrl === undefined ? {} : { accountUrl }),
    });
  challenges = await openChallengeStore(directory.path);
  const world = await passWorld(directory.path, {
    changes: {
      clock,
      log,
      openRenewalInfo: () => open(createAccountKey()),
      obtain: async (_certificate, names, dueByClock, _stagingFirst, stop) => {
        const tools = {
          ...{ store: world.store, challenges, directoryUrl, openAcme: open, clock, log, signal: stop },
          accounts: await openAccountStore(directory.path, directoryUrl),
          ...{ givenKeyPem: undefined, contact: [], profile: undefined, keyType: 'ec256', reuseKey: false },
          ...{ preferredChain: undefined, trust: { kind: 'any' }, mostBytes: 120 * 1024 },
          isKeyLost: async () => false,
          checkRoutes: async () => undefined,
          isDueAt: async () => true,
          replaces: await replacedBy(world.store, directoryUrl),
        } satisfies OrderTools;
        return (await obtainCertificate(names, dueByClock, tools)).problems;
      },
    },
  });
  world.tools.rules.directoryUrl = directoryUrl;
  const pass = (asksRenewal = true) => runPass(world.tools, { ...POLICY, asksRenewal }, false);
  const doneIn = async (asksRenewal = true) => (await pass(asksRenewal)).done.map((step) => step.do);
  /** The time of the next look comes. */
  const lookDue = async () => {
    const renewal = await world.store.renewal();
    if (renewal !== undefined) await world.store.saveRenewal({ ...renewal, askAt: new Date() });
  };
  return { ...world, events, pass, doneIn, lookDue };
}

const told = (events: [EventName, Fields][]) =>
  events.flatMap(([event]) => (event.startsWith('renewal.') ? [event] : []));

it('asks right after a certificate was issued, and renews it at once when the CA moves its window into the past', async () => {
  const { store, pass, doneIn, events, lookDue, tools } = await program();
  const first = await pass();
  const before = await store.current();
  const { window, ...renewal } = (await store.renewal()) ?? {};
  const certId = renewalId(before?.bundle.pem ?? '') ?? '';

  expect(first.done.map((step) => step.do)).toEqual(['order', 'deliver']);
  expect(ca.looks).toEqual([certId]);
  expect(renewal).toMatchObject({
    fingerprint: before?.stored.fingerprint,
    directoryUrl: proxy.directoryUrl,
    failures: 0,
  });
  const lifetimeMs = (before?.stored.notAfter.getTime() ?? 0) - (before?.stored.notBefore.getTime() ?? 0);
  const lengthMs = (window?.end.getTime() ?? 0) - (window?.start.getTime() ?? 0);
  expect(lengthMs / lifetimeMs).toBeCloseTo(0.02, 4);
  expect(await doneIn()).toEqual([]);
  expect(ca.looks).toHaveLength(1);

  await lookDue();
  ca.window = { start: new Date(Date.now() - HOUR_MS), end: new Date(Date.now() - HOUR_MS / 2) };
  ca.explanationUrl = 'https://ca.example/incident/7';
  const dry = await runPass(tools, POLICY, true);
  expect(dry.plan?.steps).toEqual([
    { do: 'ask-renewal', certificates: ['shop.example.com'], reason: 'look-due' },
  ]);
  expect(ca.looks).toHaveLength(1);
  const second = await pass();
  const after = await store.current();

  expect(second.done).toMatchObject([{ do: 'order', reason: 'renewal-info' }, { do: 'deliver' }]);
  expect(after?.stored.fingerprint).not.toBe(before?.stored.fingerprint);
  expect(ca.orders).toMatchObject([{}, { replaces: certId }]);
  expect(ca.orders[0]).not.toHaveProperty('replaces');
  expect(told(events)).toEqual(['renewal.moved', 'renewal.explained', 'renewal.explained']);
  expect((await store.renewal())?.fingerprint).toBe(after?.stored.fingerprint);
});

it('renews once, and not again before a day has passed, when the CA says now of every certificate', async () => {
  ca.window = { start: new Date(Date.now() - HOUR_MS), end: new Date(Date.now() - 1) };
  const { doneIn, lookDue, store } = await program();
  const done = await doneIn();
  await lookDue();
  const again = await doneIn();

  expect([done, again]).toEqual([['order', 'deliver', 'order', 'deliver'], []]);
  const waitMs = ((await store.renewal())?.restUntil?.getTime() ?? 0) - Date.now();
  expect(waitMs / HOUR_MS).toBeCloseTo(24, 1);
});

it('orders without the link when the CA refuses it, in the same pass', async () => {
  const { doneIn, lookDue, store } = await program();
  await doneIn();
  const certId = renewalId((await store.current())?.bundle.pem ?? '');
  await lookDue();
  ca.window = { start: new Date(Date.now() - HOUR_MS), end: new Date(Date.now() - 1) };
  ca.refusal = problem(401, 'unauthorized', 'certificate is not known to this account');
  // The next one is as any other.
  proxy.fate = (path) => {
    if (path === '/order-plz') ca.window = undefined;
    return 'pass';
  };

  expect(await doneIn()).toEqual(['order', 'deliver']);

  expect(ca.orders.map(({ replaces }) => replaces)).toEqual([undefined, certId, undefined]);
});

it.each([
  ['account', (directoryUrl: string) => ({ directoryUrl, accountUrl: `${directoryUrl}/another` })],
  ['CA', () => ({ directoryUrl: 'https://other.example/dir', accountUrl: 'https://other.example/1' })],
])('never links an order to a certificate that another %s issued', async (_what, issuedBy) => {
  const { doneIn, store } = await program();
  await doneIn();
  const { bundle } = (await store.current()) ?? fail();
  await store.save(bundle, 'issued', undefined, new Date(), issuedBy(proxy.directoryUrl));
  ca.window = { start: new Date(Date.now() - HOUR_MS), end: new Date(Date.now() - 1) };
  proxy.fate = (path) => {
    if (path === '/order-plz') ca.window = undefined;
    return 'pass';
  };
  await store.saveRenewal({
    ...((await store.renewal()) ?? fail()),
    ...{ directoryUrl: issuedBy(proxy.directoryUrl).directoryUrl, askAt: new Date() },
  });

  expect(await doneIn()).toEqual(['order', 'deliver']);

  expect(ca.orders).toHaveLength(2);
  expect(ca.orders.every(({ replaces }) => replaces === undefined)).toBe(true);
});

it('renews by share of the lifetime where looks fail, and tries them again later', async () => {
  ca.trouble = { status: 503, headers: { 'retry-after': '120' }, body: 'away' };
  const { doneIn, store, tools, events } = await program();
  const names = await doneIn();
  const holds = await tools.stores.looks.holds();
  const again = await doneIn();

  expect([names, again]).toEqual([['order', 'deliver'], []]);
  expect(ca.looks).toHaveLength(1);
  expect(await store.renewal()).toMatchObject({ failures: 1 });
  expect(holds.get(proxy.directoryUrl)).toMatchObject({ failures: 1 });
  const waitMs = (holds.get(proxy.directoryUrl)?.until.getTime() ?? 0) - Date.now();
  expect(Math.abs(waitMs - 120_000)).toBeLessThan(30_000);
  expect(events).toContainEqual([
    'renewal.failed',
    expect.objectContaining({ code: 'ACME_UNREACHABLE', certificates: 1 }),
  ]);

  ca.trouble = undefined;
  await tools.stores.looks.saveHold(proxy.directoryUrl, {
    since: new Date(),
    until: new Date(),
    failures: 1,
  });
  await store.saveRenewal({ ...((await store.renewal()) ?? fail()), askAt: new Date() });
  await doneIn();

  expect(await store.renewal()).toMatchObject({ failures: 0, window: expect.anything() });
  expect((await tools.stores.looks.holds()).size).toBe(0);
});

it('remembers for a day that a CA does not speak of renewals, and never asks one when that is switched off', async () => {
  proxy.rewrite = (_path, body) => body;
  const { doneIn, tools, store } = await program();
  await doneIn(false);
  const directories = () => proxy.seen.filter((line) => line === 'GET /dir').length;
  const off = directories();
  await doneIn();
  const once = directories();
  await doneIn();

  expect([off, once, directories()]).toEqual([1, 2, 2]);
  const hold = (await tools.stores.looks.holds()).get(proxy.directoryUrl);
  expect([hold?.failures, (hold?.until.getTime() ?? 0) - (hold?.since.getTime() ?? 0)]).toEqual([
    0,
    24 * HOUR_MS,
  ]);
  expect(await store.renewal()).toBeUndefined();
});

function fail(): never {
  throw new Error('Nothing is stored');
}
