import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LabMarathon, startMarathon } from '../../../src/lab/marathon/start.ts';
import { claimSubnet, type Subnet } from '../../../src/lab/subnet.ts';
import { newDirectory, removeDirectories, run } from '../../support/certathon.ts';
import { longTest } from '../../support/whole.ts';

let subnet: Subnet;
let marathon: LabMarathon;
beforeAll(async () => {
  subnet = await claimSubnet();
  const workDirectory = join(newDirectory(), 'tasks');
  await mkdir(workDirectory);
  marathon = await startMarathon({
    address: subnet.address(3),
    agents: [{ host: subnet.address(11) }],
    workDirectory,
  });
});
afterAll(async () => {
  await marathon?.stop();
  await subnet?.release();
  removeDirectories();
});

const settings = (): Record<string, string> => ({
  CERTATHON_STORE: join(newDirectory(), 'store'),
  CERTATHON_DOMAINS: 'shop.example.com',
  CERTATHON_MARATHON_URL: marathon.url,
  CERTATHON_MARATHON_USER: marathon.user,
  CERTATHON_MARATHON_PASSWORD: marathon.password,
  CERTATHON_ACME_DIRECTORY: `https://${subnet.address(4)}:14000/dir`,
});

test('a wrong password ends with 14 and is not printed, a missing marathon-lb app with 16', async () => {
  const [unauthorized, missing] = await Promise.all([
    run(['renew'], { ...settings(), CERTATHON_MARATHON_PASSWORD: 'not-the-password' }),
    run(['renew'], { ...settings(), CERTATHON_MARATHON_LB_APP: '/no-such-lb' }),
  ]);

  expect([unauthorized.exit, missing.exit]).toEqual([14, 16]);
  expect(unauthorized.stdout).toContain('MARATHON_UNAUTHORIZED');
  expect(unauthorized.stdout + unauthorized.stderr).not.toContain('not-the-password');
  expect(missing.stdout).toContain('/no-such-lb');
});

longTest('Marathon away, and Marathon without a leader for long, end with 13', async () => {
  marathon.faults.set({ noLeader: 503, noLeaderHoldMs: 50 });
  const nobody = `http://${subnet.address(39)}:8080`;
  const [away, leaderless] = await Promise.all([
    run(['renew'], { ...settings(), CERTATHON_MARATHON_URL: nobody }),
    run(['renew'], settings()),
  ]);

  expect([away.exit, leaderless.exit]).toEqual([13, 13]);
  expect(away.stdout).toContain(nobody);
  expect(leaderless.stdout).toContain('MARATHON_UNREACHABLE');
  expect(leaderless.stdout).toContain('503');
});
