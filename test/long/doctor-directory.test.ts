import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Lab, startLab } from '../../src/lab/cluster.ts';
import { type Ended, listing, newDirectory, removeDirectories, run } from '../support/certathon.ts';
import { certsFile, freshBundle, preparedDirectory, reloadsOf } from '../support/directory.ts';
import { mark, writesSince } from '../support/lab.ts';

let lab: Lab;
let settings: Record<string, string>;
beforeAll(async () => {
  lab = await startLab({ sharedDirectory: true });
  settings = {
    ...lab.settings,
    CERTATHON_DELIVERY: 'directory',
    CERTATHON_DIRECTORY: lab.sharedDirectory ?? '',
    CERTATHON_DOMAINS: 'shop.example.com',
    CERTATHON_STORE: join(newDirectory(), 'store'),
  };
});
afterAll(async () => {
  await lab?.stop();
  removeDirectories();
});

const linesOf = ({ stdout }: Ended, code: string) =>
  stdout.split('\n').filter((line) => line.split(/\s+/)[1] === code);
/** Nobody listens there: neither Marathon nor a balancer. */
const nowhere = () => `http://${lab.subnet.address(250)}:9`;
const adminOf = (host = '') => `http://${host}:${lab.ports.admin}`;

describe('certathon doctor --delivery directory', () => {
  it('notes what the next pass will make, and changes nothing, neither files nor balancers', async () => {
    const path = lab.sharedDirectory ?? '';
    const [files, since, reloads] = [listing(path), mark(), await reloadsOf(lab, lab.publicAgents)];

    const ended = await run(['doctor'], settings);

    expect(ended.exit, ended.stdout + ended.stderr).toBe(0);
    expect(linesOf(ended, 'DIRECTORY')).toEqual([expect.stringContaining(`${path} lacks staging/`)]);
    expect(linesOf(ended, 'DIRECTORY')[0]).toMatch(/^note /);
    expect(listing(path)).toEqual(files);
    expect(writesSince(lab, since)).toEqual([]);
    expect(await reloadsOf(lab, lab.publicAgents)).toEqual(reloads);
  });

  it('finds a prepared directory well, and every balancer at the port that takes signals', async () => {
    const path = await preparedDirectory(lab);
    writeFileSync(certsFile(path, 'shop.example.com.pem'), freshBundle('shop.example.com').pem);

    const ended = await run(['doctor'], settings);

    expect(ended.exit, ended.stdout + ended.stderr).toBe(0);
    expect(linesOf(ended, 'MARATHON')[0]).toMatch(/^ok /);
    expect(linesOf(ended, 'DIRECTORY')).toEqual([
      expect.stringMatching(/^ok .* is prepared and holds 1 file$/),
    ]);
    const tasks = lab.marathon.tasks('/marathon-lb');
    expect(linesOf(ended, 'SIGNALS')).toHaveLength(2);
    for (const { id, host } of tasks)
      expect(linesOf(ended, 'SIGNALS')).toContainEqual(
        expect.stringMatching(
          new RegExp(`^ok .*${id} answers at its admin port ${host}:${lab.ports.admin}$`),
        ),
      );
    // Nothing restarts, and the key stands in no definition of an app.
    expect(linesOf(ended, 'RESTART')).toEqual([expect.stringContaining('restarts no balancer')]);
    expect(linesOf(ended, 'KEY_READERS')[0]).toMatch(/^(ok|note) /);
    expect(linesOf(ended, 'KEY_READERS')[0]).not.toContain('who may read the app in Marathon');
  });

  it('warns of a file that HAProxy may not load, by its name', async () => {
    const path = await preparedDirectory(lab);
    writeFileSync(certsFile(path, 'torn.pem'), '-----BEGIN CERTIFICATE-----\nMIIB');

    const ended = await run(['doctor', '--json'], settings);

    expect(ended.exit, ended.stderr).toBe(0);
    const { checks } = JSON.parse(ended.stdout) as { checks: { code: string }[] };
    expect(checks.filter(({ code }) => code === 'DIRECTORY_FILE')).toEqual([
      expect.objectContaining({
        level: 'warn',
        sentence: expect.stringContaining('certs/torn.pem is no bundle'),
      }),
    ]);
  });

  it.each([
    ['is not there', () => join(newDirectory(), 'not-mounted')],
    ['is a file', () => join(lab.sharedDirectory ?? '', 'default.pem')],
  ])('fails with 36 where the directory %s, and still looks at the balancers', async (_what, path) => {
    const CERTATHON_DIRECTORY = path();

    const ended = await run(['doctor'], { ...settings, CERTATHON_DIRECTORY });

    expect(ended.exit, ended.stdout + ended.stderr).toBe(36);
    expect(linesOf(ended, 'DIRECTORY')).toEqual([
      expect.stringMatching(new RegExp(`^fail .*${CERTATHON_DIRECTORY} is no directory`)),
    ]);
    expect(linesOf(ended, 'SIGNALS').map((line) => line.slice(0, 2))).toEqual(['ok', 'ok']);
  });

  it('needs no Marathon for balancers at given addresses, and names the one whose port is closed', async () => {
    const path = await preparedDirectory(lab);
    const [first, second] = lab.publicAgents;
    const env = { ...settings, CERTATHON_MARATHON_URL: nowhere(), CERTATHON_DIRECTORY: path };

    const well = await run(['doctor'], {
      ...env,
      CERTATHON_BALANCER_URLS: [adminOf(first), adminOf(second)].join(),
    });
    const ill = await run(['doctor'], {
      ...env,
      CERTATHON_BALANCER_URLS: [adminOf(first), nowhere()].join(),
    });

    expect(well.exit, well.stdout + well.stderr).toBe(0);
    expect(linesOf(well, 'MARATHON')).toEqual([]);
    expect(linesOf(well, 'SIGNALS').map((line) => line.slice(0, 2))).toEqual(['ok', 'ok']);
    expect(ill.exit, ill.stdout + ill.stderr).toBe(34);
    expect(linesOf(ill, 'SIGNALS').map((line) => line.slice(0, 4).trim())).toEqual(['ok', 'fail']);
    expect(linesOf(ill, 'SIGNALS')[1]).toContain(new URL(nowhere()).host);
    expect(ill.stdout).toContain('--balancer-admin-port');
  });

  it('fails where a name in DNS can not be looked up, and says which', async () => {
    await lab.authority.dns.setServfail('balancers.example.com');

    const ended = await run(['doctor'], { ...settings, CERTATHON_BALANCER_DNS: 'balancers.example.com' });

    expect(ended.exit, ended.stdout + ended.stderr).toBe(38);
    expect(linesOf(ended, 'BALANCERS')).toEqual([expect.stringMatching(/^fail .*balancers\.example\.com/)]);
  });
});
