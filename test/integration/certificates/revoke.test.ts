import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAcmeClient } from '../../../src/acme/client.ts';
import { type Responder, startResponder } from '../../../src/acme/responder.ts';
import { openCas, revokeAt } from '../../../src/ca.ts';
import { type AccountTools, openAccount } from '../../../src/certificates/account.ts';
import { obtainCertificate } from '../../../src/certificates/order.ts';
import { runPass } from '../../../src/certificates/pass.ts';
import { openAccountStore } from '../../../src/certificates/store-accounts.ts';
import { openChallengeStore } from '../../../src/certificates/store-challenges.ts';
import { revokedBy } from '../../../src/certificates/store-revocations.ts';
import type { Revocation } from '../../../src/certificates/store-schema.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { type Bundle, bundleKey, keyHash } from '../../../src/delivery/bundle.ts';
import { readVariable } from '../../../src/delivery/variable.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { policy } from '../../support/observations.ts';
import { passWorld } from '../../support/pass-world.ts';
import { startPebble, type TestPebble } from '../../support/pebble.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const directory = temporaryDirectory();
const ID = 'shop.example.com';
/** Waits are cut to a twentieth of a second. */
const QUICK: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 50), signal) };
let answer: (token: string) => Promise<string | undefined> = async () => undefined;
let responder: Responder;
let pebble: TestPebble;

beforeAll(async () => {
  responder = await startResponder({
    host: '127.0.0.1',
    port: 0,
    instance: 'test',
    answer: (token) => answer(token),
    log: silentLog,
  });
  pebble = await startPebble({ challengeHost: '127.0.0.1', challengePort: responder.port });
});
afterAll(async () => {
  await pebble?.stop();
  await responder?.close();
});

/** A store with a certificate of the real CA, whose key is kept when it is renewed; delivered. */
async function issued() {
  const made = await passWorld(directory.path, { changes: { clock: QUICK } });
  const { stores } = made.tools;
  const challenges = await openChallengeStore(directory.path);
  answer = challenges.answer;
  const account = async (name = ''): Promise<AccountTools> => ({
    accounts: await openAccountStore(join(directory.path, name), pebble.directoryUrl),
    openAcme: (accountKeyPem, accountUrl) =>
      createAcmeClient({
        directoryUrl: pebble.directoryUrl,
        caPem: pebble.caPem,
        accountKeyPem,
        ...(accountUrl === undefined ? {} : { accountUrl }),
        log: silentLog,
        clock: QUICK,
      }),
    givenKeyPem: undefined,
    contact: [],
  });
  const tools = {
    ...made.tools,
    obtain: async ({ id }: { id: string }, names: readonly string[]) => {
      const { problems } = await obtainCertificate(names, false, {
        ...(await account()),
        store: stores.of(id),
        challenges,
        directoryUrl: pebble.directoryUrl,
        profile: undefined,
        keyType: 'ec256',
        reuseKey: true,
        isKeyLost: async (keyPem) => revokedBy(await stores.revocations.list()).lostKeys.has(keyHash(keyPem)),
        preferredChain: undefined,
        trust: { kind: 'any' },
        mostBytes: 120 * 1024,
        clock: QUICK,
        log: silentLog,
        signal: made.tools.signal,
        checkRoutes: async () => undefined,
        isDueAt: async () => true,
      });
      return problems;
    },
    revoke: async (revocation: Revocation, bundle: Bundle) => revokeAt(await account(), revocation, bundle),
  };
  const current = async () => (await stores.of(ID).current())?.bundle as Bundle;
  const ask = async (changes: Partial<Revocation> = {}) => {
    const bundle = await current();
    await stores.revocations.save({
      certificate: ID,
      fingerprint: bundle.facts.fingerprint,
      names: bundle.facts.names,
      reason: 'superseded',
      by: 'account',
      directoryUrl: pebble.directoryUrl,
      keyHash: keyHash(bundleKey(bundle)),
      askedAt: new Date(),
      state: 'asked',
      ...changes,
    });
    return bundle;
  };
  const pass = async (more: Partial<typeof tools> = {}) => {
    const result = await runPass({ ...tools, ...more }, policy(), false);
    return { dos: result.done.map(({ do: verb }) => verb), codes: result.problems.map(({ code }) => code) };
  };
  const served = () => {
    const held = readVariable(made.state.env.HAPROXY_SSL_CERT);
    return held.kind === 'certificate' ? held.facts.fingerprint : held.kind;
  };
  expect(await pass()).toEqual({ dos: ['order', 'deliver'], codes: [] });
  return { tools, stores, account, current, ask, pass, served };
}
const states = async ({ stores }: Pick<Awaited<ReturnType<typeof issued>>, 'stores'>) =>
  (await stores.revocations.list()).map(({ state }) => state);

describe('a pass about a revocation', () => {
  it('is finished by the next pass when it is cut off after the CA revoked, with a new key', async () => {
    const made = await issued();
    const before = await made.ask({ reason: 'keyCompromise' });
    const stop = new AbortController();
    const cut = () => {
      stop.abort(new Error('killed'));
      return Promise.reject(stop.signal.reason);
    };

    await expect(made.pass({ signal: stop.signal, obtain: cut })).rejects.toThrow('killed');
    const isStillServed = made.served() === before.facts.fingerprint;
    const next = await made.pass();
    const after = await made.current();

    expect(isStillServed).toBe(true);
    expect(next).toEqual({ dos: ['order', 'deliver'], codes: [] });
    expect(await pebble.statusOf(before.pem)).toMatchObject({ Status: 'Revoked', Reason: 1 });
    expect(await pebble.statusOf(after.pem)).toMatchObject({ Status: 'Valid' });
    expect(bundleKey(after)).not.toBe(bundleKey(before));
    expect(made.served()).toBe(after.facts.fingerprint);
    expect(await made.pass()).toEqual({ dos: [], codes: [] });
  });

  it('does all in one pass, keeps the key where it is not lost, and tells what was revoked before', async () => {
    const made = await issued();
    const before = await made.ask();

    const first = await made.pass();
    const after = await made.current();
    await made.stores.revocations.save({
      ...(await made.stores.revocations.list())[0],
      state: 'asked',
    } as Revocation);
    const again = await made.pass();

    expect([first, again]).toEqual([
      { dos: ['revoke', 'order', 'deliver'], codes: [] },
      { dos: ['revoke'], codes: [] },
    ]);
    expect(await pebble.statusOf(before.pem)).toMatchObject({ Status: 'Revoked', Reason: 4 });
    expect(bundleKey(after)).toBe(bundleKey(before));
    expect(await states(made)).toEqual(['already']);
  });

  it('is made by the key alone where the store has no account, which changes nothing when it is asked', async () => {
    const made = await issued();
    const { account } = made;
    const revoke = async (revocation: Revocation, bundle: Bundle) =>
      revokeAt(await account('elsewhere'), revocation, bundle);
    const before = await made.ask();

    const refused = await made.pass({ revoke });
    const withdrawn = await states(made);
    await made.ask({ by: 'key' });
    const done = await made.pass({ revoke });

    expect([refused, withdrawn]).toEqual([{ dos: [], codes: ['ACME_REFUSED'] }, []]);
    expect(done).toEqual({ dos: ['revoke', 'order', 'deliver'], codes: [] });
    expect(await pebble.statusOf(before.pem)).toMatchObject({ Status: 'Revoked' });
    expect(bundleKey(await made.current())).not.toBe(bundleKey(before));
  });
});

describe('openCas()', () => {
  it('has one account at a CA, however many orders begin at once', async () => {
    const { config } = loadConfig({
      command: 'renew',
      env: {},
      flags: { store: directory.path, acmeDirectory: pebble.directoryUrl },
    });
    const cas = openCas({
      config: { ...config, acmeCa: pebble.caPem },
      clock: QUICK,
      log: silentLog,
      signal: new AbortController().signal,
      readOnly: false,
    });

    const clients = await Promise.all(
      [1, 2, 3].map(async () => openAccount(await cas.of(pebble.directoryUrl))),
    );
    await Promise.all(clients.map((client) => client.close()));

    expect(new Set(clients.map((client) => client.accountUrl())).size).toBe(1);
    expect(new Set(clients.map((client) => client.thumbprint())).size).toBe(1);
  });
});
