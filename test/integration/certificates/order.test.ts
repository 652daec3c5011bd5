import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AcmeClient, createAcmeClient } from '../../../src/acme/client.ts';
import { type Responder, startResponder } from '../../../src/acme/responder.ts';
import { createRoots, type IssuerTrust } from '../../../src/certificates/issuer-roots.ts';
import { type OrderTools, obtainCertificate } from '../../../src/certificates/order.ts';
import { renewalVerdict } from '../../../src/certificates/renewal.ts';
import { openStore } from '../../../src/certificates/store.ts';
import { openAccountStore } from '../../../src/certificates/store-accounts.ts';
import { openChallengeStore } from '../../../src/certificates/store-challenges.ts';
import { type Bundle, bundleChain, bundleKey } from '../../../src/delivery/bundle.ts';
import type { Clock } from '../../../src/lib/clock.ts';
import { CertathonError } from '../../../src/lib/errors.ts';
import { keyTypeOf } from '../../../src/lib/key-types.ts';
import { type EventName, type Fields, silentLog } from '../../../src/lib/log.ts';
import { type AcmeProxy, startAcmeProxy } from '../../support/acme-proxy.ts';
import { makeBundle } from '../../support/bundles.ts';
import { startPebble, type TestPebble } from '../../support/pebble.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const directory = temporaryDirectory();
let answer: (token: string) => Promise<string | undefined> = async () => undefined;
let responder: Responder;
let pebble: TestPebble;
/** Before the CA; it counts what was asked for. */
let proxy: AcmeProxy;

beforeAll(async () => {
  responder = await startResponder({
    host: '127.0.0.1',
    port: 0,
    instance: 'test',
    answer: (token) => answer(token),
    log: silentLog,
  });
  pebble = await startPebble({
    challengeHost: '127.0.0.1',
    challengePort: responder.port,
    blockedNames: ['blocked.example.com'],
    alternateRoots: 1,
    chainLength: 2,
  });
  proxy = await startAcmeProxy(pebble);
});
afterAll(async () => {
  await proxy?.close();
  await pebble?.stop();
  await responder?.close();
});

/** Waits are cut to a twentieth of a second; `aheadMs` is how wrong the clock is. */
function quickClock(aheadMs = 0): Clock {
  return {
    nowMs: () => Date.now() + aheadMs,
    monotonicMs: () => performance.now() + aheadMs,
    sleep: (ms, signal) => delay(Math.min(ms, 50), undefined, signal === undefined ? {} : { signal }),
  };
}

class Killed extends Error {}

/** Counts everything that is written; from the n-th on nothing is written any more, as after a kill. */
function mortal(lives: number) {
  let writes = 0;
  const wrap = <T extends object>(store: T): T =>
    new Proxy(store, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown;
        if (typeof value !== 'function' || !/^(save|remove|present)/.test(String(name))) return value;
        return async (...args: unknown[]) => {
          writes += 1;
          if (writes >= lives) throw new Killed(`killed before write ${writes}, ${String(name)}`);
          return (value as (...all: unknown[]) => Promise<unknown>).apply(target, args);
        };
      },
    });
  return { wrap, writes: () => writes };
}

interface Setup {
  lives?: number;
  aheadMs?: number;
  changes?: Partial<OrderTools>;
  /** Changes the client after it was made. */
  client?: (acme: AcmeClient) => Partial<AcmeClient>;
}

/** The tools of one program on the store of this test. */
async function program({
  lives = Number.POSITIVE_INFINITY,
  aheadMs = 0,
  changes = {},
  client = () => ({}),
}: Setup = {}) {
  const home = join(directory.path, 'store');
  const life = mortal(lives);
  const events: [EventName, Fields][] = [];
  const note = (event: EventName, fields: Fields = {}) => void events.push([event, fields]);
  const log = { debug: note, info: note, warn: note, error: note, flush: () => undefined };
  const clock = quickClock(aheadMs);
  const signal = new AbortController().signal;
  const challenges = await openChallengeStore(home);
  answer = challenges.answer;
  const store = openStore(home, 'main', 3, silentLog);
  const tools: OrderTools = {
    store: life.wrap(store),
    challenges: life.wrap(challenges),
    accounts: life.wrap(await openAccountStore(home, proxy.directoryUrl)),
    directoryUrl: proxy.directoryUrl,
    openAcme: (accountKeyPem, accountUrl) => {
      const acme = createAcmeClient({
        directoryUrl: proxy.directoryUrl,
        caPem: pebble.caPem,
        accountKeyPem,
        ...(accountUrl === undefined ? {} : { accountUrl }),
        signal,
        log,
        clock,
      });
      return { ...acme, ...client(acme) };
    },
    givenKeyPem: undefined,
    contact: ['mailto:ops@example.com'],
    profile: undefined,
    keyType: 'ec256',
    isKeyLost: async () => false,
    reuseKey: false,
    preferredChain: undefined,
    trust: { kind: 'any' },
    mostBytes: 120 * 1024,
    clock,
    log,
    signal,
    checkRoutes: async () => undefined,
    isDueAt: async (time, names) =>
      renewalVerdict((await store.current())?.stored, names, { renewAt: 1 / 3, forced: false }, time).due,
    ...changes,
  };
  const obtain = (names: string[], dueByClock = false) => obtainCertificate(names, dueByClock, tools);
  return { tools, store, obtain, events, writes: life.writes };
}

let count = 0;
/** Names that no other test has proven, so that nothing is valid before. */
const fresh = () => {
  count += 1;
  return [`n${count}.example.com`];
};
const asked = (what: RegExp) => proxy.seen.filter((line) => what.test(line)).length;
const filesOf = (folder: string) => readdirSync(join(directory.path, 'store', folder));

describe('obtainCertificate()', () => {
  it('brings a certificate with a new key into the store and leaves nothing else there', async () => {
    const names = ['b.example.com', 'a.example.com'];
    const { obtain, store, events } = await program();
    proxy.seen.length = 0;

    const { bundle, problems } = await obtain(names);

    expect(problems).toEqual([]);
    expect(bundle.facts.names).toEqual(['a.example.com', 'b.example.com']);
    expect(await store.current()).toEqual({
      stored: {
        ...bundle.facts,
        ...{ origin: 'issued', storedAt: expect.any(Date) },
        issuedBy: { directoryUrl: proxy.directoryUrl, accountUrl: expect.stringContaining('/my-account/') },
      },
      bundle,
    });
    expect(new X509Certificate(bundle.pem).publicKey.asymmetricKeyDetails).toMatchObject({
      namedCurve: 'prime256v1',
    });
    expect(await store.order()).toBeUndefined();
    expect(filesOf('challenges')).toEqual([]);
    expect(events.map(([event]) => event).filter((event) => !event.startsWith('http.'))).toEqual([
      'account.registered',
      'order.created',
      'challenge.presented',
      'challenge.presented',
      'challenge.validated',
      'challenge.validated',
      'challenge.removed',
      'challenge.removed',
      'order.ready',
      'order.finalized',
      'certificate.issued',
    ]);
    expect(JSON.stringify(events)).not.toContain('PRIVATE KEY');
  });

  it('asks the CA eight times or less for one name, not counting directory, nonce and account', async () => {
    await (await program()).obtain(fresh());
    const { obtain } = await program();
    proxy.seen.length = 0;

    await obtain(fresh());

    const counted = proxy.seen.filter((line) => !/GET \/dir|HEAD|sign-me-up/.test(line));
    expect(asked(/sign-me-up/)).toBe(0);
    expect(counted.length).toBeLessThanOrEqual(8);
  });

  it('uses the account key that is given, and finds its account again', async () => {
    const first = await program();
    await first.obtain(fresh());
    const before = await first.tools.accounts.read();

    const given = `${(await import('../../../src/acme/account-key.ts')).createAccountKey()}`;
    const second = await program({ changes: { givenKeyPem: given } });
    await second.obtain(fresh());
    const after = await second.tools.accounts.read();

    expect(after?.keyPem).toBe(given);
    expect(after?.url).not.toBe(before?.url);
    expect(await second.tools.accounts.thumbprint()).toBeDefined();
  });

  it('keeps the address of an account that the CA had lost and that was registered again', async () => {
    const first = await program();
    await first.obtain(fresh());
    const known = await first.tools.accounts.read();
    await first.tools.accounts.saveUrl(`${known?.url}-lost`);
    proxy.fate = (path) =>
      path.endsWith('/order-plz') && asked(/sign-me-up/) === 0
        ? {
            status: 400,
            headers: { 'content-type': 'application/problem+json' },
            body: JSON.stringify({ type: 'urn:ietf:params:acme:error:accountDoesNotExist', detail: 'gone' }),
          }
        : 'pass';
    proxy.seen.length = 0;

    const second = await program();
    await second.obtain(fresh()).finally(() => {
      proxy.fate = () => 'pass';
    });

    expect(await second.tools.accounts.read()).toEqual(known);
  });
});

describe('obtainCertificate() after a failure', () => {
  it('asks the CA for nothing while the test CA refuses the same', async () => {
    const { obtain, store } = await program({
      changes: {
        tryAtStaging: async () => {
          throw new CertathonError('ACME_CHALLENGE_FAILED', 'At the test CA: no');
        },
      },
    });
    proxy.seen.length = 0;

    await expect(obtain(fresh())).rejects.toThrow('At the test CA: no');

    expect([asked(/order-plz/), await store.order()]).toEqual([0, undefined]);
  });
});

describe('obtainCertificate() after a kill', () => {
  it('before each of its writes finishes with one certificate in all', async () => {
    const whole = await program();
    await whole.obtain(fresh());
    const writes = whole.writes();
    expect(writes).toBeGreaterThan(6);

    for (let lives = 1; lives <= writes; lives += 1) {
      const names = fresh();
      rmSync(join(directory.path, 'store'), { recursive: true });
      proxy.seen.length = 0;
      const killed = await program({ lives });
      await expect(killed.obtain(names), `write ${lives}`).rejects.toThrow(Killed);
      const keyBefore = (await killed.store.order())?.keyPem;
      const hadUrl = (await killed.store.order())?.url !== undefined;

      const next = await program();
      // What the planner asks first: is the certificate there already?
      const stored = await next.store.current();
      const isThere = stored?.stored.names.join() === names.join();
      const bundle = isThere ? stored.bundle : (await next.obtain(names)).bundle;

      expect(asked(/POST \/finalize-order/), `finalized, killed before write ${lives}`).toBe(1);
      expect(bundle.facts.names).toEqual(names);
      expect((await next.store.current())?.stored.fingerprint).toBe(bundle.facts.fingerprint);
      if (hadUrl && !isThere) expect(bundle.pem).toContain(keyBefore?.trim());
    }
  });

  it('between the certificate and the removal of its order renews by a new order when it is due next', async () => {
    const names = fresh();
    const whole = await program();
    await whole.obtain(fresh());
    const killed = await program({ lives: 9999 });
    killed.tools.store = new Proxy(killed.tools.store, {
      get: (target, name) =>
        name === 'removeOrder'
          ? () => Promise.reject(new Killed('killed'))
          : (Reflect.get(target, name) as unknown),
    });
    await expect(killed.obtain(names)).rejects.toThrow(Killed);
    const before = await killed.store.current();

    const { bundle } = await (await program()).obtain(names);

    expect(before?.stored.names).toEqual(names);
    expect(bundle.facts.fingerprint).not.toBe(before?.stored.fingerprint);
  });

  it('takes up no order of other names', async () => {
    const killed = await program({
      client: () => ({ finalize: () => Promise.reject(new Killed('killed')) }),
    });
    const [first, second] = [fresh(), fresh()];
    await expect(killed.obtain(first)).rejects.toThrow(Killed);

    const { bundle } = await (await program()).obtain([...first, ...second].sort());

    expect(bundle.facts.names).toEqual([...first, ...second].sort());
  });

  it('goes on with a new order when the CA does not know the one that was begun', async () => {
    const names = fresh();
    const killed = await program({
      client: () => ({ finalize: () => Promise.reject(new Killed('killed')) }),
    });
    await expect(killed.obtain(names)).rejects.toThrow(Killed);
    const begun = await killed.store.order();
    for (const url of [
      `${proxy.directoryUrl.replace('/dir', '')}/my-order/none`,
      `${proxy.directoryUrl}/none`,
    ]) {
      await killed.store.saveOrder({ ...begun, url } as NonNullable<typeof begun>);

      const { bundle } = await (await program()).obtain(names);

      expect(bundle.facts.names).toEqual(names);
    }
  });

  it('finishes an order whose certificate was asked for, with the key of that time', async () => {
    const names = fresh();
    const killed = await program({
      client: () => ({ download: () => Promise.reject(new Killed('killed')) }),
    });
    await expect(killed.obtain(names)).rejects.toThrow(Killed);
    const begun = await killed.store.order();
    proxy.seen.length = 0;

    const next = await program();
    const { bundle } = await next.obtain(names);

    expect(bundle.pem).toContain(begun?.keyPem.trim());
    expect([asked(/order-plz/), asked(/finalize-order/)]).toEqual([0, 0]);
    expect(next.events.map(([event]) => event)).toContain('order.resumed');
  });
});

describe('obtainCertificate() and keys', () => {
  const keyOf = ({ bundle }: { bundle: Bundle }) => bundleKey(bundle);

  it.each(['ec384', 'rsa2048'] as const)('makes one of type %s where that is chosen', async (keyType) => {
    const { obtain } = await program({ changes: { keyType } });

    expect(keyTypeOf(keyOf(await obtain(fresh())))).toBe(keyType);
  });

  it('keeps the key on request, as long as it is of the wanted type', async () => {
    const names = fresh();
    const first = await (await program()).obtain(names);

    const second = await (await program({ changes: { reuseKey: true } })).obtain(names);
    const third = await (await program({ changes: { reuseKey: true, keyType: 'ec384' } })).obtain(names);

    expect(second.bundle.facts.fingerprint).not.toBe(first.bundle.facts.fingerprint);
    expect(keyOf(second)).toBe(keyOf(first));
    expect(keyTypeOf(keyOf(third))).toBe('ec384');
  });

  it('goes on with a new key when the CA takes the kept one no more, and writes it down first', async () => {
    const names = fresh();
    const first = await (await program()).obtain(names);
    let refusals = 0;
    const written: (string | undefined)[] = [];
    const { obtain, store, events } = await program({
      changes: { reuseKey: true },
      client: (acme) => ({
        finalize: async (order, csr) => {
          written.push((await store.order())?.keyPem);
          if (refusals > 0) return acme.finalize(order, csr);
          refusals += 1;
          throw new CertathonError('ACME_REFUSED', 'badPublicKey: forbidden', {
            facts: { class: 'new-key' },
          });
        },
      }),
    });

    const second = await obtain(names);

    expect(written).toEqual([keyOf(first), keyOf(second)]);
    expect(keyOf(second)).not.toBe(keyOf(first));
    expect(events.map(([event]) => event)).toContain('order.key-refused');
  });
});

describe('obtainCertificate() and chains', () => {
  const rootName = async (number: number) =>
    new X509Certificate(await pebble.rootPem(number)).subject.replace('CN=', '');
  const endOf = ({ bundle }: { bundle: Bundle }) => bundleChain(bundle).at(-1)?.issuer.replace('CN=', '');
  const trusting = async (number: number): Promise<IssuerTrust> => {
    const pem = await pebble.rootPem(number);
    return { kind: 'roots', roots: createRoots(() => [pem]), words: 'the roots of this test' };
  };
  const warnings = (events: [EventName, Fields][]) =>
    events.flatMap(([event, fields]) => (event === 'order.chain-missing' ? [fields] : []));

  it.each([
    ['usual', 0, 1],
    ['alternative', 1, 2],
  ])('takes the %s one where that is preferred', async (_which, number, downloads) => {
    const preferredChain = await rootName(number);
    const { obtain, events } = await program({
      changes: { preferredChain, trust: await trusting(number) },
    });
    proxy.seen.length = 0;

    const result = await obtain(fresh());

    expect(bundleChain(result.bundle)).toHaveLength(3);
    expect([endOf(result), asked(/certZ/), warnings(events)]).toEqual([preferredChain, downloads, []]);
  });

  it('takes the usual one with a warning when none is as preferred', async () => {
    const { obtain, events } = await program({ changes: { preferredChain: 'ISRG Root X2' } });

    expect(endOf(await obtain(fresh()))).toBe(await rootName(0));
    expect(warnings(events)).toMatchObject([
      {
        preferredChain: 'ISRG Root X2',
        issuer: `CN=${await rootName(0)}`,
        reason: 'the CA offers no such chain',
      },
    ]);
  });

  it('takes the usual one with a warning when the preferred one ends at no trusted root', async () => {
    const preferredChain = await rootName(1);
    const { obtain, events } = await program({ changes: { preferredChain, trust: await trusting(0) } });

    expect(endOf(await obtain(fresh()))).toBe(await rootName(0));
    expect(warnings(events)).toMatchObject([
      { reason: `its chain leads to CN=${preferredChain}, and to none of the roots of this test` },
    ]);
  });

  it('takes the usual one with a warning when the alternative can not be fetched', async () => {
    const preferredChain = await rootName(1);
    proxy.fate = (path) => (/certZ\/.+\/alternate/.test(path) ? { status: 404 } : 'pass');
    const { obtain, events } = await program({ changes: { preferredChain } });

    const result = await obtain(fresh()).finally(() => {
      proxy.fate = () => 'pass';
    });

    expect([endOf(result), warnings(events).length]).toEqual([await rootName(0), 1]);
  });

  it('lets none through that leads to another root, and takes it without a new order when the roots are right', async () => {
    const names = fresh();
    const wrong = await program({ changes: { trust: await trusting(1) } });

    await expect(wrong.obtain(names)).rejects.toMatchObject({
      code: 'CERTIFICATE_UNUSABLE',
      message: `The certificate from the CA is unusable: its chain leads to CN=${await rootName(0)}, and to none of the roots of this test`,
    });
    expect(await wrong.store.current()).toBeUndefined();
    proxy.seen.length = 0;
    const { bundle } = await (await program({ changes: { trust: await trusting(0) } })).obtain(names);

    expect([bundle.facts.names, asked(/order-plz|finalize-order/)]).toEqual([names, 0]);
  });

  it('orders nothing of the test CA while a real one is there', async () => {
    const names = fresh();
    await (await program()).obtain(names);
    const { obtain } = await program({ changes: { trust: { kind: 'test' } } });
    proxy.seen.length = 0;

    await expect(obtain(names)).rejects.toMatchObject({
      code: 'CERTIFICATE_UNUSABLE',
      message: expect.stringMatching(
        /^A certificate of the test CA would take the place of a certificate that is none/,
      ),
    });
    expect(asked(/order-plz/)).toBe(0);
  });
});

describe('obtainCertificate() that fails', () => {
  it('gives up an order with a name that was not proven, in the words of the CA', async () => {
    const [good, bad] = [fresh()[0] as string, fresh()[0] as string];
    const { obtain, store, tools } = await program();
    const wrong = new Proxy(tools.challenges, {
      get: (target, name) =>
        name === 'present' ? async () => undefined : (Reflect.get(target, name) as unknown),
    });
    tools.challenges = wrong;

    const failure = await obtain([bad, good].sort()).catch((error: unknown) => error);

    expect(failure).toMatchObject({ code: 'ACME_CHALLENGE_FAILED' });
    for (const name of [good, bad])
      expect((failure as Error).message).toContain(`CA did not validate ${name}`);
    expect((failure as Error).message).toContain('unauthorized');
    expect(await store.order()).toBeUndefined();
    expect(filesOf('challenges')).toEqual([]);
    expect(await store.current()).toBeUndefined();
  });

  it('tells why the CA refuses a name, and leaves the way free for the next try', async () => {
    const { obtain } = await program();

    await expect(obtain(['blocked.example.com'])).rejects.toMatchObject({
      code: 'ACME_REFUSED',
      message: expect.stringContaining('rejectedIdentifier'),
    });
    await expect((await program()).obtain(fresh())).resolves.toBeDefined();
  });

  it('asks nothing of the CA but its account when the route is required and wrong', async () => {
    const { obtain, store } = await program({
      changes: {
        checkRoutes: () => Promise.reject(new CertathonError('ROUTE_CHECK_FAILED', 'It leads elsewhere')),
      },
    });
    proxy.seen.length = 0;

    await expect(obtain(fresh())).rejects.toMatchObject({ code: 'ROUTE_CHECK_FAILED' });

    expect(asked(/order-plz/)).toBe(0);
    expect(await store.order()).toBeUndefined();
  });

  it.each([
    [
      'for another name',
      () => makeBundle({ names: ['other.example.com'] }),
      'the private key does not belong',
    ],
    ['that is none', () => ({ leaf: 'no certificate', ca: '' }), 'it holds no certificate'],
  ])('lets no certificate through %s', async (_what, make, words) => {
    const made = make();
    const { obtain, store } = await program({
      client: () => ({ download: async () => `${made.leaf}${made.ca}` }),
    });

    await expect(obtain(fresh())).rejects.toMatchObject({
      code: 'CERTIFICATE_UNUSABLE',
      message: expect.stringContaining(`The certificate from the CA is unusable: ${words}`),
    });

    expect(await store.current()).toBeUndefined();
    expect(await store.order()).toBeUndefined();
  });

  it('removes its answers and keeps its order when it is stopped', async () => {
    const { obtain, store } = await program({
      client: () => ({ waitForAuthorization: () => Promise.reject(new Killed('stopped')) }),
    });

    await expect(obtain(fresh())).rejects.toThrow(Killed);

    expect(filesOf('challenges')).toEqual([]);
    expect((await store.order())?.url).toBeDefined();
  });

  it('writes the private key before the CA is asked, and to nobody else', async () => {
    const home = join(directory.path, 'store');
    const { obtain } = await program({
      client: () => ({
        newOrder: async () => {
          const order = JSON.parse(
            readFileSync(join(home, 'certificates', 'main', 'order.json'), 'utf8'),
          ) as { keyPem: string };
          throw new Killed(order.keyPem.includes('PRIVATE KEY') ? 'the key is there' : 'no key');
        },
      }),
    });

    await expect(obtain(fresh())).rejects.toThrow('the key is there');
  });
});

describe('obtainCertificate() with a clock that is wrong', () => {
  const YEARS_MS = 20 * 365 * 86_400_000;

  it('orders nothing that only this clock calls due', async () => {
    const names = fresh();
    await (await program()).obtain(names);
    const { obtain, events } = await program({ aheadMs: YEARS_MS });
    proxy.seen.length = 0;

    await expect(obtain(names, true)).rejects.toMatchObject({
      code: 'CLOCK_WRONG',
      message: expect.stringMatching(
        /^The clock of this machine is \d+ s ahead of the CA's, by whose time nothing is due$/,
      ),
    });

    expect(asked(/order-plz/)).toBe(0);
    expect(events.map(([event]) => event)).toContain('clock.skewed');
  });

  it.each([
    ['ahead of', 3_600_000],
    ['behind', -3_600_000],
  ])('obtains what is missing all the same, and says that it is %s the CA', async (side, aheadMs) => {
    const names = fresh();
    const { obtain, store } = await program({ aheadMs });

    const { problems } = await obtain(names);

    expect((await store.current())?.stored.names).toEqual(names);
    expect(problems).toEqual([
      {
        code: 'CLOCK_WRONG',
        message: expect.stringMatching(
          new RegExp(
            `^The clock of this machine is 3\\d\\d\\d s ${side} the CA's; the certificate was obtained all the same$`,
          ),
        ),
      },
    ]);
  });
});
