import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Bundle, parseBundle } from '../../../src/delivery/bundle.ts';
import { unprovenChanges } from '../../../src/delivery/directory-record.ts';
import { servedCertificate } from '../../../src/haproxy/handshake.ts';
import { type Lab, startLab } from '../../../src/lab/cluster.ts';
import { newDirectory, removeDirectories } from '../../support/certathon.ts';
import {
  balancersIn,
  certsFile,
  deliver,
  deliveryOf,
  failureAfter,
  freshBundle,
  preparedDirectory,
  reloadsOf,
  setSwitches,
  shown,
  stateOf,
} from '../../support/directory.ts';
import type { KilledDelivery } from '../../support/killed-delivery.ts';
import { longDescribe } from '../../support/whole.ts';

const CHILD = resolve(import.meta.dirname, '../../support/killed-delivery.ts');

let lab: Lab;
let path: string;
let hosts: string[];
beforeAll(async () => {
  lab = await startLab({ balancers: 2, sharedDirectory: true });
  hosts = lab.publicAgents;
});
beforeEach(async () => {
  path = await preparedDirectory(lab);
});
afterEach(async () => {
  for (const host of hosts) await setSwitches(lab, host, { failValidations: 0 });
  await reloadsOf(lab, hosts);
  rmSync(join(path, 'certs'), { recursive: true });
  rmSync(join(path, 'staging'), { recursive: true });
});
afterAll(async () => {
  await lab?.stop();
  removeDirectories();
});

let count = 0;
function place(): { name: string; file: string } {
  count += 1;
  const name = `fault${count}.example.com`;
  return { name, file: `${name}.pem` };
}

/** @returns a question: has each of these refused a configuration since, and come to rest? */
async function refusing(): Promise<(asked: readonly string[]) => Promise<boolean>> {
  const before = new Map<string, number>();
  for (const host of hosts) before.set(host, (await stateOf(lab, host)).counters.failedValidations ?? 0);
  return async (asked) => {
    const states = await Promise.all(asked.map((host) => stateOf(lab, host)));
    return states.every(
      ({ isResting, counters }, index) =>
        isResting && (counters.failedValidations ?? 0) > (before.get(asked[index] ?? '') ?? 0),
    );
  };
}

const all = (bundle: Bundle): string[] => hosts.map(() => bundle.facts.fingerprint);

/** Whole by every rule of ours, but no OpenSSL of today takes a signature with SHA-1. */
function bundleThatHaproxyRefuses(name: string): Bundle {
  const folder = newDirectory();
  const openssl = (...words: string[]) => execFileSync('openssl', words, { cwd: folder, stdio: 'ignore' });
  openssl(...'req -x509 -newkey rsa:2048 -nodes -days 9 -keyout ca.key -out ca.crt -subj /CN=ca'.split(' '));
  openssl(...`req -new -newkey rsa:2048 -nodes -keyout key -out csr -subj /CN=${name}`.split(' '));
  writeFileSync(join(folder, 'ext'), `subjectAltName=DNS:${name}\n`);
  openssl(...'x509 -req -in csr -CA ca.crt -CAkey ca.key -sha1 -days 9 -extfile ext -out crt'.split(' '));
  const parsed = parseBundle(['crt', 'key'].map((file) => readFileSync(join(folder, file), 'utf8')).join(''));
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.bundle;
}

describe('a bundle that HAProxy refuses', () => {
  it('is taken away again, so that balancers follow Marathon on, and the old one is served', async () => {
    const [{ name, file }, other] = [place(), place()];
    const old = freshBundle(name);
    await deliver(lab, deliveryOf(path, [{ file, bundle: old }]));
    const before = await reloadsOf(lab, hosts);
    const refused = [
      { file, bundle: bundleThatHaproxyRefuses(name) },
      { file: other.file, bundle: freshBundle(other.name) },
    ];

    const isRefused = await refusing();
    const { error, lines } = await failureAfter(lab, deliveryOf(path, refused), 'both refuse', () =>
      isRefused(hosts),
    );

    expect(error.code).toBe('DELIVERY_NOT_SERVED');
    expect(error.message).toContain('HAProxy refuses its configuration');
    expect(error.message).toContain(
      `the files were put back (${file} put back; ${other.file} taken out again); 2 of 2 balancers serve the old certificate`,
    );
    expect(lines.find(({ event }) => event === 'delivery.undone')).toMatchObject({
      level: 'warn',
      restored: [file],
    });
    expect(readFileSync(certsFile(path, file), 'utf8')).toBe(old.pem);
    expect(existsSync(certsFile(path, other.file))).toBe(false);
    expect(await shown(lab, hosts, name)).toEqual(all(old));
    // The files that are back made one reload possible, and nothing bars the next one.
    expect((await reloadsOf(lab, hosts)).map((each, index) => each - (before[index] ?? 0))).toEqual([1, 1]);
    await deliver(lab, deliveryOf(path, [{ file: other.file, bundle: freshBundle(other.name) }]));
  });

  it('is taken away by the next run when this one was killed before it could see', async () => {
    const { name, file } = place();
    const [old, bundle] = [freshBundle(name), freshBundle(name)];
    await deliver(lab, deliveryOf(path, [{ file, bundle: old }]));
    const delivery = deliveryOf(path, [{ file, bundle }]);
    kill({ delivery, balancers: balancersIn(lab), at: { point: 'look', times: 1 } });
    for (const host of hosts) await setSwitches(lab, host, { failValidations: 1_000 });

    const isRefused = await refusing();
    const { error } = await failureAfter(lab, delivery, 'both refuse', () => isRefused(hosts));

    expect(error.facts).toMatchObject({ isPutBack: true });
    expect(readFileSync(certsFile(path, file), 'utf8')).toBe(old.pem);
    expect(await shown(lab, hosts, name)).toEqual(all(old));
  });

  it('stays when one of the balancers has loaded it: then the other one is the trouble', async () => {
    const { name, file } = place();
    const [old, bundle] = [freshBundle(name), freshBundle(name)];
    await deliver(lab, deliveryOf(path, [{ file, bundle: old }]));
    await setSwitches(lab, hosts[1] ?? '', { failValidations: 1_000 });

    const isRefused = await refusing();
    const { error } = await failureAfter(
      lab,
      deliveryOf(path, [{ file, bundle }]),
      'one has reloaded and the other refuses',
      async (lines) =>
        lines.some(({ event }) => event === 'balancer.reloaded') && (await isRefused(hosts.slice(1))),
    );

    expect(error.message).toContain(hosts[1]);
    expect(error.message).not.toContain(`${hosts[0]}:`);
    expect(error.facts).toMatchObject({ isPutBack: false });
    expect(readFileSync(certsFile(path, file), 'utf8')).toBe(bundle.pem);
  });
});

describe('a file of somebody else that HAProxy can not load', () => {
  it('is named, and the delivery goes through when it is gone', async () => {
    const { name, file } = place();
    const [old, bundle] = [freshBundle(name), freshBundle(name)];
    await deliver(lab, deliveryOf(path, [{ file, bundle: old }]));
    writeFileSync(certsFile(path, 'zzz-notes.pem'), 'no certificate at all\n');
    const delivery = deliveryOf(path, [{ file, bundle }]);

    const isRefused = await refusing();
    const { error } = await failureAfter(lab, delivery, 'both refuse', () => isRefused(hosts));

    expect(error.message).toMatch(/since it can not load zzz-notes\.pem \([^)]+\) in certs\//);
    expect(await shown(lab, hosts, name)).toEqual(all(old));
    expect(existsSync(certsFile(path, 'zzz-notes.pem'))).toBe(true);

    rmSync(certsFile(path, 'zzz-notes.pem'));
    await deliver(lab, delivery);
    expect(await shown(lab, hosts, name)).toEqual(all(bundle));
  });
});

describe('a certificate that is not shown although everything reported success', () => {
  it('is found, and the file that stands before it is named', async () => {
    const { name, file } = place();
    const theirs = freshBundle(name);
    writeFileSync(certsFile(path, 'aaa.pem'), theirs.pem);

    const before = await reloadsOf(lab, hosts);
    const { error } = await failureAfter(
      lab,
      deliveryOf(path, [{ file, bundle: freshBundle(name) }]),
      'both have reloaded',
      async () => (await reloadsOf(lab, hosts)).every((each, index) => each > (before[index] ?? 0)),
    );

    expect(error.message).toContain(
      `serves certificate ${theirs.facts.fingerprint.slice(0, 16)} for ${name}`,
    );
    expect(error.message).toContain('it reloaded, but aaa.pem in certs/ has the same name');
    expect(readdirSync(join(path, 'certs'))).toEqual(['aaa.pem']);
    expect(await shown(lab, hosts, name)).toEqual(all(theirs));
  });
});

describe('a chain that changes below the same leaf', () => {
  it('is loaded by one reload of each balancer, though no handshake shows the difference', async () => {
    const { name, file } = place();
    const bundle = freshBundle(name);
    writeFileSync(
      certsFile(path, file),
      bundle.pem.replace(/(-----END CERTIFICATE-----\n)[\s\S]*?(-----BEGIN PRIVATE)/, '$1$2'),
    );
    await deliver(
      lab,
      deliveryOf(path, [], { expected: [{ names: [name], fingerprint: bundle.facts.fingerprint }] }),
    );
    const before = await reloadsOf(lab, hosts);
    const chains = async () => {
      const seen = await Promise.all(
        hosts.map((host) =>
          servedCertificate({ host, port: lab.ports.https, servername: name, timeoutMs: 5_000 }),
        ),
      );
      return seen.map((each) => ('chainLength' in each ? each.chainLength : 0));
    };
    const short = await chains();

    await deliver(lab, deliveryOf(path, [{ file, bundle }]));

    expect(short).toEqual([1, 1]);
    expect(await chains()).toEqual([2, 2]);
    expect((await reloadsOf(lab, hosts)).map((each, index) => each - (before[index] ?? 0))).toEqual([1, 1]);
  });
});

/** Runs a delivery in a process that kills itself. @returns whether it was killed before its end */
function kill(killed: KilledDelivery): boolean {
  const run = spawnSync(process.execPath, [CHILD, JSON.stringify(killed)], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (run.signal === 'SIGKILL') return true;
  if (run.status !== 0) throw new Error(run.stderr);
  return false;
}

longDescribe('a run that is killed', () => {
  it.each([
    ['after the files are in place', { point: 'look', times: 1 }],
    ['before the first signal', { point: 'ask', times: 1 }],
    ['after one of two signals', { point: 'asked', times: 1 }],
    ['when one balancer has reloaded', { point: 'reloaded', times: 1 }],
  ] as const)('%s is finished by the next one with the same result', async (_, at) => {
    const { name, file } = place();
    const [old, bundle] = [freshBundle(name), freshBundle(name)];
    await deliver(lab, deliveryOf(path, [{ file, bundle: old }]));
    const delivery = deliveryOf(path, [{ file, bundle }]);
    const used = async () =>
      Promise.all(hosts.map(async (host) => (await stateOf(lab, host)).counters.usr1 ?? 0));
    const before = await used();

    const isKilled = kill({ delivery, balancers: balancersIn(lab), at });
    await deliver(lab, delivery);

    expect(isKilled).toBe(true);
    expect(await shown(lab, hosts, name)).toEqual(all(bundle));
    expect(readFileSync(certsFile(path, file), 'utf8')).toBe(bundle.pem);
    expect(await unprovenChanges(path)).toEqual([]);
    for (const [index, each] of (await used()).entries())
      expect(each - (before[index] ?? 0)).toBeLessThanOrEqual(2);
  });
});
