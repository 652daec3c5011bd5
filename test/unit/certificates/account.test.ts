import { expect, it } from 'vitest';
import { createAccountKey } from '../../../src/acme/account-key.ts';
import type { AcmeClient } from '../../../src/acme/client.ts';
import { type AccountTools, openAccount } from '../../../src/certificates/account.ts';
import type { AccountStore } from '../../../src/certificates/store-accounts.ts';

const KEY = createAccountKey();

/** Tools that count clients. @param failures how many openings fail first */
function counting(failures = 0) {
  const counts = { opened: 0, closed: 0, asked: 0 };
  const tools: AccountTools = {
    accounts: {
      nextKey: async () => undefined,
      read: async () => ({ keyPem: KEY, url: 'https://ca.example/account/1' }),
      saveKey: async () => undefined,
      saveUrl: async () => undefined,
      saveThumbprint: async () => undefined,
      thumbprint: async () => undefined,
    } as Partial<AccountStore> as AccountStore,
    openAcme: () => {
      counts.opened += 1;
      return {
        thumbprint: () => 'thumbprint',
        accountUrl: () => 'https://ca.example/account/1',
        ensureAccount: async () => {
          counts.asked += 1;
          if (counts.asked <= failures) throw new Error('the CA is away');
          return { accountUrl: 'https://ca.example/account/1', created: false };
        },
        close: async () => {
          counts.closed += 1;
        },
      } as Partial<AcmeClient> as AcmeClient;
    },
    givenKeyPem: undefined,
    contact: [],
  };
  return { tools: { ...tools, sharing: { now: undefined } }, alone: tools, counts };
}

it('openAccount() gives those that ask side by side one client, and the last of them ends it', async () => {
  const { tools, counts } = counting();

  const [first, second] = await Promise.all([openAccount(tools), openAccount(tools)]);
  const third = await openAccount(tools);
  await first?.close();
  await second?.close();
  const before = { ...counts };
  await third.close();

  expect(before).toEqual({ opened: 1, closed: 0, asked: 1 });
  expect(counts).toEqual({ opened: 1, closed: 1, asked: 1 });
});

it('openAccount() opens anew for those that come after the last one', async () => {
  const { tools, counts } = counting();

  await (await openAccount(tools)).close();
  await (await openAccount(tools)).close();

  expect(counts).toEqual({ opened: 2, closed: 2, asked: 2 });
});

it('openAccount() fails for all that wait for one client, and for nobody after them', async () => {
  const { tools, counts } = counting(1);

  const ends = await Promise.allSettled([openAccount(tools), openAccount(tools)]);
  const acme = await openAccount(tools);
  await acme.close();

  expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(counts).toEqual({ opened: 2, closed: 2, asked: 2 });
});

it('openAccount() gives each a client of its own where nothing is shared', async () => {
  const { alone, counts } = counting();

  const both = await Promise.all([openAccount(alone), openAccount(alone)]);
  for (const each of both) await each.close();

  expect(counts).toEqual({ opened: 2, closed: 2, asked: 2 });
});
