import { afterEach, expect, it } from 'vitest';
import { checkCaa } from '../../../src/certificates/caa-check.ts';
import { lookUpAll, openCaaLookup } from '../../../src/certificates/caa-lookup.ts';
import { type EventName, silentLog } from '../../../src/lib/log.ts';
import { startDns, type TestDns } from '../../support/dns.ts';

let dns: TestDns | undefined;
afterEach(async () => {
  await dns?.close();
  dns = undefined;
});
const { signal } = new AbortController();
const who = { identities: ['ca.example'], accountUrl: undefined, method: 'http-01' };

it('a name without records up to the top is free, whether or not it exists', async () => {
  dns = await startDns();
  dns.names.set('shop.example.test', ['127.0.0.1']);
  const lookUp = openCaaLookup([dns.server], () => 0, signal);

  const found = await lookUpAll(['shop.example.test', 'none.example.test'], lookUp);

  expect(found).toEqual([
    { name: 'shop.example.test', found: { at: 'shop.example.test', records: [] } },
    { name: 'none.example.test', found: { at: 'none.example.test', records: [] } },
  ]);
});

it('a lookup that fails is no verdict', async () => {
  const told: EventName[] = [];
  const log = { ...silentLog, debug: (event: EventName) => void told.push(event) };
  dns = await startDns();
  const { server } = dns;
  await dns.close();
  dns = undefined;
  const lookUp = openCaaLookup([server], () => 0, signal);

  await checkCaa(['shop.example.test'], 'https://ca.example/dir', who, { mode: 'require', lookUp, log });

  expect(told).toEqual(['caa.checked']);
});

it('a CA that does not say by which names records mean it is not looked for', async () => {
  const lookUp = () => Promise.reject(new Error('looked up'));

  await expect(
    checkCaa(
      ['a.test'],
      'https://ca.example/dir',
      { ...who, identities: [] },
      { mode: 'require', lookUp, log: silentLog },
    ),
  ).resolves.toBeUndefined();
});
