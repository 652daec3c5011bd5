import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { placesIn } from '../../src/delivery/directory-layout.ts';
import { type Lab, startLab } from '../../src/lab/cluster.ts';
import { newDirectory, removeDirectories } from '../support/certathon.ts';
import { reloadsOf, shown } from '../support/directory.ts';
import { installed } from '../support/installed.ts';
import { until } from '../support/until.ts';
import { shows, signalled, startWatcher, tasksOf, type Watcher } from '../support/watcher.ts';

/** `serve` beside two balancers that share a directory: what somebody does by hand is found and put right without any
 * event of Marathon. */
const [SHOP, SHARED] = ['shop.example.com', '/marathon-lb'];
let lab: Lab;
let watcher: Watcher;
let ours: string;
let certs: string;
const file = () => join(certs, `${SHOP}.pem`);
const hosts = () => lab.publicAgents;
const [first, second] = [() => hosts()[0] ?? '', () => hosts()[1] ?? ''];
const allServeOurs = () =>
  until('all serve ours', async () => (await shown(lab, hosts(), SHOP)).every((each) => each === ours));
/** What was done to the balancers by hand and by the program, as reloads of each. */
const reloadsDuring = async (work: () => Promise<void>): Promise<number[]> => {
  const before = await reloadsOf(lab, hosts());
  await work();
  const after = await reloadsOf(lab, hosts());
  return after.map((count, index) => count - (before[index] ?? 0));
};

beforeAll(async () => {
  lab = await startLab({ sharedDirectory: true });
  certs = placesIn(lab.sharedDirectory ?? '').certs;
  watcher = await startWatcher(lab, SHOP, 41, join(newDirectory(), 'store'), {
    CERTATHON_DELIVERY: 'directory',
    CERTATHON_DIRECTORY: lab.sharedDirectory ?? '',
    CERTATHON_MARATHON_LB_APP: SHARED,
    CERTATHON_RELOAD_INTERVAL: '0s',
    // Longer than any reload here takes: no second signal comes before the first has had its effect.
    CERTATHON_RELOAD_WAIT: '20s',
  });
  ours = (await watcher.status()).certificates[0]?.fingerprint ?? '';
  expect(await shown(lab, hosts(), SHOP)).toEqual([ours, ours]);
});
afterAll(async () => {
  await watcher?.stop();
  await lab?.stop();
  removeDirectories();
});

test('puts back the file that somebody replaced, and reloads only the balancer that had read it', async () => {
  const theirs = installed(SHOP);
  const from = watcher.program.lines.length;

  const reloads = await reloadsDuring(async () => {
    await watcher.behindItsBack(async () => {
      writeFileSync(file(), theirs.pem);
      await signalled(lab, first());
      await shows(lab, first(), SHOP, theirs.fingerprint);
    });
    await watcher.program.logged('delivery.verified', from);
  });

  // One by hand and one of ours; the other balancer never knew of it.
  expect(reloads).toEqual([2, 0]);
  expect(await shown(lab, hosts(), SHOP)).toEqual([ours, ours]);
  expect(readFileSync(file(), 'utf8')).not.toBe(theirs.pem);
  expect(watcher.logged('pass.step', from)).toMatchObject([
    {
      do: 'deliver',
      reason: 'not-delivered',
      puts: [{ at: `${SHOP}.pem`, replaces: theirs.fingerprint, fingerprint: ours }],
    },
  ]);
});

test('reloads a balancer that runs with an old file, although the right one is there', async () => {
  const theirs = installed(SHOP);
  const right = readFileSync(file());
  const from = watcher.program.lines.length;

  const reloads = await reloadsDuring(async () => {
    await watcher.behindItsBack(async () => {
      writeFileSync(file(), theirs.pem);
      await signalled(lab, second());
      await shows(lab, second(), SHOP, theirs.fingerprint);
      writeFileSync(file(), right);
    });
    await watcher.program.logged('delivery.verified', from);
  });

  const behind = tasksOf(lab, SHARED)[1]?.id;
  expect(reloads).toEqual([0, 2]);
  expect(await shown(lab, hosts(), SHOP)).toEqual([ours, ours]);
  expect(watcher.logged('pass.step', from)).toMatchObject([
    { do: 'repair', reason: 'serves-another', balancers: [behind] },
  ]);
  expect(watcher.logged('balancer.reload-requested', from)).toMatchObject([{ balancer: behind }]);
});

test('writes a file anew that was removed, and reloads nobody for it', async () => {
  const from = watcher.program.lines.length;

  const reloads = await reloadsDuring(async () => {
    rmSync(file());
    await watcher.program.logged('delivery.verified', from);
  });

  expect(reloads).toEqual([0, 0]);
  expect(readFileSync(file(), 'utf8')).toContain('BEGIN CERTIFICATE');
  expect(watcher.logged('pass.step', from)).toMatchObject([{ do: 'deliver', reason: 'empty' }]);
});

test('takes out a file with our name alone that comes before ours, and says which', async () => {
  const theirs = ofTheSameKind(SHOP);
  const from = watcher.program.lines.length;

  const reloads = await reloadsDuring(async () => {
    await watcher.behindItsBack(async () => {
      writeFileSync(join(certs, 'aaa.pem'), theirs.pem);
      await signalled(lab, first());
      await shows(lab, first(), SHOP, theirs.fingerprint);
    });
    await watcher.program.logged('delivery.verified', from);
  });

  expect(reloads).toEqual([2, 0]);
  expect(await shown(lab, hosts(), SHOP)).toEqual([ours, ours]);
  expect(readdirSync(certs)).toEqual([`${SHOP}.pem`]);
  expect(watcher.logged('pass.step', from)).toMatchObject([{ do: 'repair', removes: ['aaa.pem'] }]);
});

test('leaves a file that carries other names too, and says which it is and who shows it', async () => {
  const theirs = ofTheSameKind(SHOP, 'other.example.com');
  const foreign = join(certs, 'aaa.pem');
  const from = watcher.program.lines.length;

  const reloads = await reloadsDuring(async () => {
    await watcher.behindItsBack(async () => {
      writeFileSync(foreign, theirs.pem);
      await signalled(lab, first());
      await shows(lab, first(), SHOP, theirs.fingerprint);
    });
    await watcher.program.logged('pass.failed', from);
  });
  const { state, problems, balancers } = await watcher.status();

  expect(reloads).toEqual([1, 0]);
  expect([state, problems]).toMatchObject([
    'failing',
    [
      {
        code: 'DELIVERY_FOREIGN',
        message: expect.stringMatching(/aaa\.pem .* covers other\.example\.com/),
      },
    ],
  ]);
  expect(balancers).toMatchObject([
    {
      current: false,
      serves: [{ name: SHOP, fingerprint: theirs.fingerprint, issuer: expect.stringContaining('Somebody') }],
    },
    { current: true, serves: [{ name: SHOP, fingerprint: ours }] },
  ]);
  expect(readFileSync(foreign, 'utf8')).toBe(theirs.pem);

  rmSync(foreign);
  await allServeOurs();
  await until('it is well again', async () => (await watcher.status()).state === 'ok');
});

/** A bundle of somebody else with a key of the same kind as ours: HAProxy keeps one certificate for each kind of key. */
function ofTheSameKind(...names: string[]): { pem: string; fingerprint: string } {
  const pem = execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30']
      .concat(['-subj', '/CN=Somebody', '-keyout', '-'])
      .concat(['-addext', `subjectAltName=${names.map((name) => `DNS:${name}`).join()}`]),
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  );
  return { pem, fingerprint: new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase() };
}
