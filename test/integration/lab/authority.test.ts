import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import acme from 'acme-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Authority, startAuthority } from '../../../src/lab/authority.ts';
import { claimSubnet, freePort, type Subnet } from '../../../src/lab/subnet.ts';

let subnet: Subnet;
let directory: string;
let authority: Authority;
let httpPort: number;
const answers = new Map<string, string>();
const hosts: (string | undefined)[] = [];
const server = createServer((request, response) => {
  hosts.push(request.headers.host);
  const answer = answers.get(request.url ?? '');
  response.writeHead(answer === undefined ? 404 : 200).end(answer);
});

beforeAll(async () => {
  subnet = await claimSubnet();
  directory = mkdtempSync(join(tmpdir(), 'lab-'));
  httpPort = await freePort(subnet.address(100));
  await new Promise<void>((resolve) => server.listen(httpPort, subnet.address(100), resolve));
  authority = await startAuthority({
    address: subnet.address(200),
    httpPort,
    frontAddress: subnet.address(100),
    directory,
    nonceRejectPercent: 0,
  });
});
afterAll(async () => {
  await authority.stop();
  await new Promise((resolve) => server.close(resolve));
  await subnet.release();
  rmSync(directory, { recursive: true, force: true });
});

/** Orders a certificate for a name over HTTP-01. */
async function order(name: string): Promise<string> {
  acme.axios.defaults.httpsAgent = new Agent({ ca: readFileSync(authority.caFile), keepAlive: false });
  const client = new acme.Client({
    directoryUrl: authority.directoryUrl,
    accountKey: await acme.crypto.createPrivateEcdsaKey(),
    backoffAttempts: 10,
    backoffMin: 100,
    backoffMax: 300,
  });
  const [, csr] = await acme.crypto.createCsr(
    { altNames: [name] },
    await acme.crypto.createPrivateEcdsaKey(),
  );
  return await client.auto({
    csr,
    termsOfServiceAgreed: true,
    challengePriority: ['http-01'],
    skipChallengeVerification: true,
    challengeCreateFn: async (_, { token }, keyAuthorization) => {
      answers.set(`/.well-known/acme-challenge/${token}`, keyAuthorization);
    },
    challengeRemoveFn: async () => undefined,
  });
}

test('it issues a certificate for a made-up name after a validation at the front address', async () => {
  const chain = await order('shop.example');

  expect(acme.crypto.readCertificateInfo(chain).domains.altNames).toEqual(['shop.example']);
  expect(hosts).toContain(`shop.example:${httpPort}`);
  expect(await authority.root()).toContain('BEGIN CERTIFICATE');
  const questions = await authority.dns.history('shop.example');
  expect(questions.map(({ type }) => type)).toContain(1);
});

test('a name that was given another address or SERVFAIL is not validated there, until that is taken back', async () => {
  await authority.dns.setA('moved.example', [subnet.address(101)]);
  await expect(order('moved.example')).rejects.toThrow();
  await authority.dns.clearA('moved.example');
  await order('moved.example');

  await authority.dns.setServfail('broken.example');
  await expect(order('broken.example')).rejects.toThrow();
  await authority.dns.clearServfail('broken.example');
  await order('broken.example');
});
