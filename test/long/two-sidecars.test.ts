import { generateKeyPairSync } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Lab, startLab } from '../../src/lab/cluster.ts';
import { balancerApp } from '../../src/lab/definitions.ts';
import {
  type Certathon,
  type Ended,
  events,
  newDirectory,
  removeDirectories,
  run,
  start,
} from '../support/certathon.ts';
import { reloadsOf } from '../support/directory.ts';
import { mark, ordersAtCa, settled, shownByAll, writesSince } from '../support/lab.ts';
import { until } from '../support/until.ts';

/** Two programs that know nothing of each other, each with a store of its own, for the same name and the same
 * balancers: as when an operator starts the sidecar twice, or moves it and leaves the old one running. */
const [RESTARTED, SHARED] = ['/lb-env', '/marathon-lb'];
let lab: Lab;
beforeAll(async () => {
  lab = await startLab({
    sharedDirectory: true,
    publicAgents: 3,
    balancerApp: { constraints: onAgents('[12]') },
  });
  await lab.run({
    ...balancerApp(lab.marathon, lab.ports, 1),
    id: RESTARTED,
    constraints: onAgents('3'),
    upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 },
  });
});
afterAll(async () => {
  await lab?.stop();
  removeDirectories();
});

function onAgents(last: string): string[][] {
  return [
    ['hostname', 'UNIQUE'],
    ['hostname', 'LIKE', `.*\\.1${last}`],
  ];
}

interface Status {
  state: string;
  certificates: { fingerprint?: string }[];
}

/** A program that serves, and its place. */
interface Side {
  program: Certathon;
  env: Record<string, string>;
  status(): Promise<Status>;
}

/** Starts two at once for one name. They have one account and answer for each other, as the CA asks only one of
 * them (`stateless`); the store, and with it what each knows of certificates, is its own. */
async function startBoth(name: string, last: number, env: Record<string, string>): Promise<[Side, Side]> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const account = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const addresses = [lab.subnet.address(last), lab.subnet.address(last + 1)];
  await lab.authority.dns.setA(name, [addresses[0] ?? '']);
  const sides = addresses.map((address): Side => {
    const settings = {
      ...lab.settings,
      CERTATHON_DOMAINS: name,
      CERTATHON_STORE: join(newDirectory(), 'store'),
      CERTATHON_BIND: address,
      CERTATHON_CHALLENGE_PORT: String(lab.ports.http),
      CERTATHON_POLL_INTERVAL: '200ms',
      CERTATHON_PROBE_INTERVAL: '1s',
      CERTATHON_ACME_ACCOUNT_KEY: account,
      CERTATHON_STATELESS: 'true',
      CERTATHON_LOCK_WAIT: '30s',
      CERTATHON_DELIVERY_INTERVAL: '0s',
      CERTATHON_RELOAD_INTERVAL: '0s',
      // Longer than any reload here takes: no second signal comes before the first has had its effect.
      CERTATHON_RELOAD_WAIT: '20s',
      ...env,
    };
    const status = async () => (await (await fetch(`http://${address}:8081/status.json`)).json()) as Status;
    return { program: start(['serve'], settings), env: settings, status };
  });
  return sides as [Side, Side];
}

/** Mostly seconds; but who has its file replaced in the middle of its delivery tries again after five minutes. */
const SETTLED_WITHIN_MS = 400_000;

/** Waits until both are content with one and the same certificate. @returns its fingerprint */
function agreed(sides: readonly Side[]): Promise<string> {
  const look = async () => {
    const [left, right] = await Promise.all(sides.map(({ status }) => status()));
    const isSame = left?.certificates[0]?.fingerprint === right?.certificates[0]?.fingerprint;
    return left?.state === 'ok' && right?.state === 'ok' && isSame && left.certificates[0]?.fingerprint;
  };
  return until('both are content with one certificate', look, SETTLED_WITHIN_MS);
}

/** Lets both look a few times more. */
async function lookedOn(sides: readonly Side[]): Promise<void> {
  await Promise.all(
    sides.map(async ({ status }) => {
      const passes = new Set<string | undefined>();
      await until('three more passes', async () => {
        passes.add(((await status()) as { lastPass?: { startedAt: string } }).lastPass?.startedAt);
        return passes.size > 3;
      });
    }),
  );
}

async function stopped(sides: readonly Side[]): Promise<Ended[]> {
  for (const { program } of sides) program.kill('SIGTERM');
  return Promise.all(sides.map(({ program }) => program.ended));
}

/** `renew` from either side in turn, twice. @returns the steps that were done */
async function renewedInTurn(sides: readonly Side[]): Promise<unknown[]> {
  const steps: unknown[] = [];
  for (const { env } of [...sides, ...sides]) {
    const ended = await run(['renew'], env);
    expect(ended.exit, ended.stderr).toBe(0);
    steps.push(...events(ended, 'pass.step'));
  }
  return steps;
}

describe('two programs with a store each', { timeout: 2 * SETTLED_WITHIN_MS }, () => {
  it('settle on one certificate in the environment of one marathon-lb app', async () => {
    const [since, orders] = [mark(), ordersAtCa(lab)];
    const sides = await startBoth('env.example.com', 41, { CERTATHON_MARATHON_LB_APP: RESTARTED });

    const fingerprint = await agreed(sides);
    await settled(lab, RESTARTED);
    const [writes, made] = [writesSince(lab, since).length, ordersAtCa(lab) - orders];
    await lookedOn(sides);
    const ends = await stopped(sides);
    const later = await renewedInTurn(sides);

    // Each orders for itself, as neither knows of the other; the later certificate is taken over by the other side.
    expect(made).toBeLessThanOrEqual(2);
    expect(writes).toBeLessThanOrEqual(2);
    expect(ends.map(({ exit }) => exit)).toEqual([0, 0]);
    expect(later).toEqual([]);
    expect([writesSince(lab, since).length, ordersAtCa(lab) - orders]).toEqual([writes, made]);
    expect(writesSince(lab, since).map(({ method }) => method)).toEqual(Array(writes).fill('PUT'));
    expect(await shownByAll(lab, RESTARTED, 'env.example.com')).toMatchObject([
      { fingerprint, isValid: true },
    ]);
  });

  it('settle on one certificate in one shared directory', async () => {
    const orders = ordersAtCa(lab);
    const hosts = lab.publicAgents.slice(0, 2);
    const before = await reloadsOf(lab, hosts);
    const reloads = async () =>
      (await reloadsOf(lab, hosts)).map((count, index) => count - (before[index] ?? 0));
    const sides = await startBoth('dir.example.com', 43, {
      CERTATHON_DELIVERY: 'directory',
      CERTATHON_DIRECTORY: lab.sharedDirectory ?? '',
      CERTATHON_MARATHON_LB_APP: SHARED,
    });

    const fingerprint = await agreed(sides);
    const [calm, made] = [await reloads(), ordersAtCa(lab) - orders];
    await lookedOn(sides);
    const ends = await stopped(sides);
    const later = await renewedInTurn(sides);

    expect(made).toBeLessThanOrEqual(2);
    // Two certificates, and at most once more where one side has looked while the other one's was being loaded.
    for (const count of calm) expect(count).toBeLessThanOrEqual(3);
    expect(ends.map(({ exit }) => exit)).toEqual([0, 0]);
    expect(later).toEqual([]);
    expect([await reloads(), ordersAtCa(lab) - orders]).toEqual([calm, made]);
    expect(readdirSync(join(lab.sharedDirectory ?? '', 'certs'))).toEqual(['dir.example.com.pem']);
    expect(readdirSync(join(lab.sharedDirectory ?? '', 'staging'))).toEqual([]);
    const served = { fingerprint, isValid: true };
    expect(await shownByAll(lab, SHARED, 'dir.example.com')).toMatchObject([served, served]);
  });
});
