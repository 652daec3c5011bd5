import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseBundle } from '../../src/delivery/bundle.ts';
import { type Lab, startLab } from '../../src/lab/cluster.ts';
import { balancerApp } from '../../src/lab/definitions.ts';
import { makeSharedDirectory } from '../../src/lab/shared-directory.ts';
import { events, listing, newDirectory, removeDirectories, run } from '../support/certathon.ts';
import { reloadsOf, setSwitches } from '../support/directory.ts';
import { type KillAt, killAt } from '../support/kill-at.ts';
import { shownByAll } from '../support/lab.ts';
import { until } from '../support/until.ts';
import { isWhole } from '../support/whole.ts';

const said = (...line: string[]): KillAt => ({ line });
const stepped = (step: string) => said('"event":"pass.step"', `"do":"${step}"`);

/** Where the program is killed: at that very line. `needs` prepares what makes the moment come. */
const EACH: { when: string; at: KillAt; needs?: 'unprepared' | 'one that loses a signal' }[] = [
  { when: 'the directory is about to be prepared', at: stepped('prepare'), needs: 'unprepared' },
  { when: 'a certificate is about to be ordered', at: stepped('order') },
  { when: 'the order is created', at: said('"event":"order.created"') },
  { when: 'the certificate is issued', at: said('"event":"certificate.issued"') },
  { when: 'it is about to be delivered', at: stepped('deliver') },
  { when: 'the file is staged', at: { rename: 'before' } },
  { when: 'the file is in its place', at: { rename: 'after' } },
  { when: 'one balancer is asked to reload', at: said('"event":"balancer.reload-requested"') },
  { when: 'both are asked', at: { line: ['"event":"balancer.reload-requested"'], times: 2 } },
  {
    when: 'one has reloaded and the other has lost its signal',
    at: said('"event":"balancer.reloaded"'),
    needs: 'one that loses a signal',
  },
  { when: 'both have reloaded', at: { line: ['"event":"balancer.reloaded"'], times: 2 } },
  { when: 'the delivery is proven', at: said('"event":"delivery.verified"') },
];

/** Before and after the change of the files, and among the reloads. */
const SHORT = [
  'the file is staged',
  'the file is in its place',
  'one has reloaded and the other has lost its signal',
];
const MOMENTS = EACH.filter(({ when }) => isWhole || SHORT.includes(when));

/** Two balancers that share a directory; one test at a time works with them. */
interface Pair {
  app: string;
  hosts: string[];
  directory: string;
}
const PAIRS = 3;

let lab: Lab;
const free: Pair[] = [];
beforeAll(async () => {
  lab = await startLab({ publicAgents: 2 * PAIRS, balancerApp: { instances: 0 } });
  await Promise.all(
    Array.from({ length: PAIRS }, async (_, index) => {
      const hosts = lab.publicAgents.slice(2 * index, 2 * index + 2);
      const pair = { app: `/lb-${index}`, hosts, directory: join(newDirectory(), 'shared') };
      mkdirSync(pair.directory);
      await makeSharedDirectory(pair.directory);
      const constraints = [
        ['hostname', 'UNIQUE'],
        ['hostname', 'LIKE', hosts.join('|')],
      ];
      const base = balancerApp(lab.marathon, lab.ports, 2, pair.directory);
      await lab.run({ ...base, id: pair.app, constraints });
      free.push(pair);
    }),
  );
});
afterAll(async () => {
  await lab?.stop();
  removeDirectories();
});

/** The environment of a program that keeps one name by the directory of a pair. */
async function settingsFor({ app, directory }: Pair, name: string, last: number, store: string) {
  const address = lab.subnet.address(last);
  await lab.authority.dns.setA(name, [address]);
  return {
    ...lab.settings,
    CERTATHON_DELIVERY: 'directory',
    CERTATHON_DIRECTORY: directory,
    CERTATHON_MARATHON_LB_APP: app,
    CERTATHON_DOMAINS: name,
    CERTATHON_STORE: store,
    CERTATHON_BIND: address,
    CERTATHON_CHALLENGE_PORT: String(lab.ports.http),
    CERTATHON_RELOAD_INTERVAL: '0s',
    // Longer than any reload here takes: no second signal comes before the first has had its effect.
    CERTATHON_RELOAD_WAIT: '20s',
  };
}

/** Looks at the loaded directory again and again for anything that is no bundle. */
function watchLoaded(directory: string) {
  const certs = join(directory, 'certs');
  const faults = new Set<string>();
  let [isOver, looks] = [false, 0];
  const look = async (): Promise<void> => {
    while (!isOver) {
      for (const file of readdirSync(certs)) {
        const parsed = parseBundle(readFileSync(join(certs, file), 'utf8'));
        if (!parsed.ok) faults.add(`${file}: ${parsed.problem}`);
      }
      looks += 1;
      await delay(5);
    }
  };
  const watching = look();
  return {
    faults,
    looks: () => looks,
    stop: () => {
      isOver = true;
      return watching;
    },
  };
}

/** The lock of a killed program counts for ten seconds more; here they are over at once. */
function letLockAge(store: string): void {
  const longAgo = new Date(Date.now() - 60_000);
  utimesSync(join(store, '.lock'), longAgo, longAgo);
}

async function prepare({ directory, hosts }: Pair, needs: (typeof EACH)[number]['needs']): Promise<void> {
  if (needs === 'unprepared')
    for (const each of ['staging', 'replaced'])
      rmSync(join(directory, each), { recursive: true, force: true });
  if (needs === 'one that loses a signal') await setSwitches(lab, hosts[1] ?? '', { dropUsr1: 1 });
}

/** What the three runs did, and what they left. */
async function killAndGoOn(pair: Pair, { at, needs, index }: (typeof NUMBERED)[number]) {
  const name = `shop${index}.example.com`;
  const store = join(newDirectory(), 'store');
  const env = await settingsFor(pair, name, 40 + index, store);
  await prepare(pair, needs);
  const before = await reloadsOf(lab, pair.hosts);
  const reloadsSince = async () =>
    (await reloadsOf(lab, pair.hosts)).map((count, each) => count - (before[each] ?? 0));
  const watch = watchLoaded(pair.directory);
  try {
    const killed = await run(['renew'], { ...env, ...killAt(at) });
    letLockAge(store);
    const next = await run(['renew'], env);
    const reloads = await reloadsSince();
    const files = listing(pair.directory);
    const shown = await shownByAll(lab, pair.app, name);
    const last = await run(['renew'], env);
    const isIdle = { reloads: await reloadsSince(), files: listing(pair.directory) };
    return { killed, next, last, reloads, files, shown, isIdle, faults: watch.faults, looks: watch.looks() };
  } finally {
    await watch.stop();
  }
}

const NUMBERED = MOMENTS.map((moment, index) => ({ ...moment, index }));

describe.concurrent('kill -9 at any moment of a renewal by directory loses nothing and does nothing twice:', () => {
  it.each(NUMBERED)('$when', async (moment) => {
    const pair = await until('two balancers are free', () => free.shift());
    const seen = await killAndGoOn(pair, moment).finally(() => free.push(pair));
    const { killed, next, last, files } = seen;

    expect(killed.signal, killed.stderr).toBe('SIGKILL');
    expect(next.exit, next.stderr).toBe(0);
    const both = { lines: [...killed.lines, ...next.lines] };
    // A challenge that nobody answered makes its order invalid for good: only then another takes its place.
    expect(events(both, 'order.created')).toHaveLength(1 + events(next, 'order.invalid').length);
    const issued = new Set(events(both, 'certificate.issued').map(({ fingerprint }) => fingerprint));
    expect(issued.size).toBe(1);
    const served = { fingerprint: [...issued][0], isValid: true };
    expect(seen.shown).toMatchObject([served, served]);
    expect(seen.looks).toBeGreaterThan(10);
    expect([...seen.faults]).toEqual([]);
    // A calm run reloads each once.
    for (const count of seen.reloads) expect([1, 2]).toContain(count);
    expect(Object.keys(files).filter((path) => path.startsWith('/staging/'))).toEqual([]);
    expect([last.exit, events(last, 'pass.step')]).toEqual([0, []]);
    expect(seen.isIdle).toEqual({ reloads: seen.reloads, files });
  });
});
