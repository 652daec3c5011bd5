import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAccountKey } from '../../../src/acme/account-key.ts';
import { createAcmeClient } from '../../../src/acme/client.ts';
import { type AccountTools, openAccount } from '../../../src/certificates/account.ts';
import { changeAccountKey, settleKey } from '../../../src/certificates/account-key-change.ts';
import { deactivateAccount, lookAtAccount } from '../../../src/certificates/account-look.ts';
import {
  type AccountStore,
  openAccountStore,
  storedAccounts,
} from '../../../src/certificates/store-accounts.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import type { CertathonError } from '../../../src/lib/errors.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { type AcmeProxy, startAcmeProxy } from '../../support/acme-proxy.ts';
import { startPebble, type TestPebble } from '../../support/pebble.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const directory = temporaryDirectory();
const { signal } = new AbortController();
let pebble: TestPebble;
let proxy: AcmeProxy;

beforeAll(async () => {
  pebble = await startPebble({ challengeHost: '127.0.0.1', challengePort: 1 });
  proxy = await startAcmeProxy(pebble);
});
afterAll(async () => {
  await proxy?.close();
  await pebble?.stop();
});
beforeEach(() => {
  proxy.fate = () => 'pass';
});

/** Where Pebble has keys changed. */
const KEY_CHANGE = '/rollover-account-key';
const home = () => join(directory.path, 'store');

/** The account of the store of this test, as a program has it that was just started.
 * @param change what becomes of the store's methods */
async function program(change: (accounts: AccountStore) => Partial<AccountStore> = () => ({})) {
  const accounts = await openAccountStore(home(), proxy.directoryUrl);
  const tools: AccountTools = {
    accounts: { ...accounts, ...change(accounts) },
    openAcme: (accountKeyPem, accountUrl) =>
      createAcmeClient({
        ...{ directoryUrl: proxy.directoryUrl, caPem: pebble.caPem, accountKeyPem, signal },
        ...(accountUrl === undefined ? {} : { accountUrl }),
        ...{ log: silentLog, clock: systemClock },
      }),
    givenKeyPem: undefined,
    contact: ['mailto:ops@example.com'],
  };
  return { tools, accounts };
}

/** Opens, works and closes; the address of the account. */
async function used(tools: AccountTools): Promise<string | undefined> {
  const acme = await openAccount(tools);
  const order = await acme.newOrder({ names: ['shop.example.com'] });
  await acme.close();
  return order.status === 'pending' ? acme.accountUrl() : undefined;
}

async function rollOver(tools: AccountTools): Promise<string> {
  const acme = await openAccount(tools);
  try {
    return await changeAccountKey(acme, tools);
  } finally {
    await acme.close();
  }
}

const failure = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error as CertathonError,
  );

describe('lookAtAccount()', () => {
  it('tells what the CA says, and makes nothing', async () => {
    const { tools, accounts } = await program();

    const before = await lookAtAccount(tools, signal);
    const url = await used(tools);
    const after = await lookAtAccount((await program()).tools, signal);

    expect(before).toEqual({ directoryUrl: proxy.directoryUrl, key: undefined });
    expect(after).toMatchObject({
      ...{ directoryUrl: proxy.directoryUrl, key: 'stored', url, status: 'valid' },
      ...{ thumbprint: await accounts.thumbprint(), contact: ['mailto:ops@example.com'] },
      termsOfService: expect.stringMatching(/^data:/),
    });
    expect(JSON.stringify(after)).not.toContain('PRIVATE KEY');
    expect(await storedAccounts(home())).toEqual([proxy.directoryUrl]);
  });

  it('says so when the CA knows none by the key, and when it is away', async () => {
    const { tools, accounts } = await program();
    await accounts.saveKey(createAccountKey());

    const unknown = await lookAtAccount(tools, signal);
    proxy.fate = () => ({ status: 503, body: 'away' });
    const away = await lookAtAccount(tools, signal);

    expect([unknown.status, unknown.problem]).toEqual(['unknown', undefined]);
    expect([away.status, away.problem?.code]).toEqual([undefined, 'ACME_UNREACHABLE']);
  });
});

describe('changeAccountKey()', () => {
  it('gives the account a new key at the CA and in the store; its address stays', async () => {
    const { tools, accounts } = await program();
    const url = await used(tools);
    const before = await accounts.read();

    const thumbprint = await rollOver(tools);

    const after = await accounts.read();
    expect(after?.keyPem).not.toBe(before?.keyPem);
    expect([after?.url, await accounts.thumbprint(), await accounts.nextKey()]).toEqual([
      url,
      thumbprint,
      undefined,
    ]);
    expect(await used((await program()).tools)).toBe(url);
    const old = tools.openAcme(before?.keyPem ?? '', undefined);
    expect(await old.lookUpAccount()).toBeUndefined();
    await old.close();
  });

  it.each<[string, (accounts: AccountStore) => Partial<AccountStore>, boolean]>([
    [
      'before the CA was asked',
      ({ saveNextKey }) => ({ saveNextKey: (pem) => saveNextKey(pem).then(killed) }),
      false,
    ],
    ['after the CA has said yes', () => ({ takeNextKey: killed }), true],
    [
      'while the store is written',
      ({ takeNextKey }) => ({ takeNextKey: (print) => takeNextKey(print).then(killed) }),
      true,
    ],
  ])('is settled by the CA after a kill %s', async (_when, kill, isChanged) => {
    const { tools } = await program();
    const url = await used(tools);
    const before = (await tools.accounts.read())?.keyPem;
    await failure(rollOver((await program(kill)).tools));

    const next = await program();

    expect(await used(next.tools)).toBe(url);
    expect((await next.accounts.read())?.keyPem !== before).toBe(isChanged);
    expect(await next.accounts.nextKey()).toBeUndefined();
  });

  it.each([
    ['the reply was lost', 'drop' as const],
    ['the CA said that it broke, and had done it', { status: 500, headers: {}, body: 'broken' }],
  ])('is found out when %s', async (_what, fate) => {
    const { tools, accounts } = await program();
    const url = await used(tools);
    const before = (await accounts.read())?.keyPem;
    proxy.fate = (path) => (path === KEY_CHANGE ? fate : 'pass');

    await rollOver(tools);

    expect((await accounts.read())?.keyPem).not.toBe(before);
    expect(await used((await program()).tools)).toBe(url);
  });

  it('keeps the old key when the new one has an account of its own (409)', async () => {
    const { tools, accounts } = await program();
    const url = await used(tools);
    const before = (await accounts.read())?.keyPem;
    const taken = createAccountKey();
    const other = tools.openAcme(taken, undefined);
    await other.ensureAccount({ termsOfServiceAgreed: true });
    await other.close();
    const acme = await openAccount(tools);
    // Pebble 2.4 says 500 for it.
    const body = JSON.stringify({ type: 'urn:ietf:params:acme:error:conflict', detail: 'key in use' });
    const headers = { 'content-type': 'application/problem+json', location: `${proxy.directoryUrl}/other` };
    proxy.fate = (path) => (path === KEY_CHANGE ? { status: 409, headers, body } : 'pass');

    const refused = await failure(acme.changeKey(taken));
    await accounts.saveNextKey(taken);
    const settled = await settleKey(tools);
    await acme.close();

    expect([refused?.code, refused?.facts.status]).toEqual(['ACME_REFUSED', 409]);
    expect([settled, (await accounts.read())?.keyPem === before]).toEqual(['old', true]);
    expect(await used((await program()).tools)).toBe(url);
  });
});

describe('deactivateAccount()', () => {
  it('ends the account for good, and the next order refuses until another one is made', async () => {
    const { tools, accounts } = await program();
    const url = await used(tools);

    const states = [await deactivateAccount(tools, new Date(0)), await deactivateAccount(tools, new Date(0))];
    const refused = await failure(used((await program()).tools));
    const look = await lookAtAccount(tools, signal);
    await accounts.retire();
    const anew = await used((await program()).tools);

    expect(states).toEqual(['deactivated', 'already']);
    expect([refused?.code, refused?.message]).toEqual([
      'ACCOUNT_DEACTIVATED',
      expect.stringMatching(/^The account at .* was deactivated at 1970-01-01T00:00:00.000Z$/),
    ]);
    expect(look).toMatchObject({ status: 'deactivated', deactivatedAt: new Date(0) });
    expect([anew === undefined, anew === url]).toEqual([false, false]);
  });

  it('has clear words in mid-life for what was ended elsewhere', async () => {
    const { tools, accounts } = await program();
    const url = await used(tools);
    const elsewhere = tools.openAcme((await accounts.read())?.keyPem ?? '', url);
    await elsewhere.deactivateAccount();
    await elsewhere.close();

    const refused = await failure(used((await program()).tools));

    expect(refused?.code).toBe('ACCOUNT_DEACTIVATED');
    expect(refused?.message).toContain('deactivated, and takes nothing from it any more');
  });
});

async function killed(): Promise<never> {
  throw new Error('killed');
}
