import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Lab, startLab } from '../../src/lab/cluster.ts';
import { keyLines, listing, newDirectory, removeDirectories, run } from '../support/certathon.ts';
import { shown } from '../support/directory.ts';

/** The commands as people type them, with real orders, a real revocation and a real HAProxy that reloads. */
const NAME = 'shop.example.com';
const OLD = 'old.example.com';
let lab: Lab;
let env: Record<string, string>;

beforeAll(async () => {
  lab = await startLab({ sharedDirectory: true, balancers: 1 });
  const address = lab.subnet.address(41);
  for (const name of [NAME, OLD]) await lab.authority.dns.setA(name, [address]);
  env = {
    ...lab.settings,
    CERTATHON_DELIVERY: 'directory',
    CERTATHON_DIRECTORY: lab.sharedDirectory ?? '',
    CERTATHON_DOMAINS: `${NAME}, ${OLD}`,
    CERTATHON_PACK: 'name',
    CERTATHON_DISCOVER: 'off',
    CERTATHON_REUSE_KEY: 'true',
    CERTATHON_STORE: join(newDirectory(), 'store'),
    CERTATHON_BIND: address,
    CERTATHON_CHALLENGE_PORT: String(lab.ports.http),
    CERTATHON_RELOAD_INTERVAL: '0s',
  };
});
afterAll(async () => {
  await lab?.stop();
  removeDirectories();
});

/** Runs a command that ends well. */
async function said(line: string, more: Record<string, string> = {}): Promise<string> {
  const ended = await run(line.split(' '), { ...env, ...more });
  expect(ended.exit, ended.stdout + ended.stderr).toBe(0);
  return ended.stdout;
}
const served = async (name: string) => (await shown(lab, lab.publicAgents, name))[0];
const keyOf = (fingerprint: string | undefined) => {
  const path = join(env.CERTATHON_STORE ?? '', `certificates/${NAME}/bundle-${fingerprint}.pem`);
  return /-----BEGIN [A-Z ]*PRIVATE KEY[\s\S]*/.exec(readFileSync(path, 'utf8'))?.[0];
};

it('a certificate is ordered anew, put back, revoked and replaced; another one is forgotten', async () => {
  await said('renew');
  const first = await served(NAME);

  const [reissued, second] = [await said(`certificates reissue ${NAME}`), await served(NAME)];
  const [back, third] = [await said(`certificates rollback ${NAME} --yes`), await served(NAME)];
  const [revoked, fourth] = [await said(`revoke ${NAME} --reason keyCompromise --yes`), await served(NAME)];
  const show = JSON.parse(await said(`certificates show ${NAME} --json`)) as {
    versions: { fingerprint: string; inUse: boolean; note?: string }[];
  };
  const forgotten = await said(`certificates forget ${OLD} --yes`, { CERTATHON_DOMAINS: NAME });

  expect(reissued).toContain(`order (forced): names ${NAME}`);
  expect(reissued).not.toContain(`names ${OLD}`);
  expect(new Set([first, second]).size).toBe(2);
  expect(back).toContain('restore (asked)');
  expect(third).toBe(first);
  expect(revoked).toMatch(
    /revoke \(keyCompromise\)[\s\S]*order \(revoked\)[\s\S]*the certificate is revoked/,
  );
  expect(keyOf(second)).toBe(keyOf(first));
  expect(keyOf(fourth)).not.toBe(keyOf(first));
  expect(show.versions.map(({ fingerprint, inUse, note }) => [fingerprint, inUse, note])).toEqual([
    [fourth, true, undefined],
    [second, false, 'revocation revoked (keyCompromise)'],
    [first, false, 'revocation revoked (keyCompromise)'],
  ]);
  expect(forgotten).toContain('remove (forgotten)');
  expect(Object.keys(listing(env.CERTATHON_STORE ?? '')).filter((file) => file.includes(OLD))).toEqual([]);
  for (const line of keyLines(env.CERTATHON_STORE ?? ''))
    expect(reissued + back + revoked + forgotten + JSON.stringify(show)).not.toContain(line);
});
