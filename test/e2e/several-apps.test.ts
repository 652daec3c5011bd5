import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTargetStore } from '../../src/certificates/store-targets.ts';
import { type Lab, startLab } from '../../src/lab/cluster.ts';
import { type AppDefinition, webApp } from '../../src/lab/definitions.ts';
import { type Ended, events, newDirectory, removeDirectories, run } from '../support/certathon.ts';
import { reloadsOf, shown } from '../support/directory.ts';
import { appOf, mark, singleBalancer, writesSince } from '../support/lab.ts';
import { until } from '../support/until.ts';
import { longTest } from '../support/whole.ts';

/** Two marathon-lb apps as in many clusters: one for the world, one for the house, each with its own names. */
const [EXTERNAL, INTERNAL] = ['/lb-external', '/lb-internal'];
const [SHOP, WIKI] = ['shop.example.com', 'wiki.example.com'];
let lab: Lab;

/** The lab's own balancer takes the first agent; of each app here one balancer runs, on an agent of its own. */
beforeAll(async () => {
  lab = await startLab({
    balancers: 1,
    publicAgents: 3,
    sharedDirectory: true,
    balancerApp: { constraints: [['hostname', 'LIKE', '.*\\.11']] },
  });
  // Where programs outside Marathon answer challenges.
  await Promise.all([SHOP, WIKI].map((name) => lab.authority.dns.setA(name, [lab.subnet.address(41)])));
  await Promise.all([lab.run(balancer(EXTERNAL)), lab.run(balancer(INTERNAL))]);
  await lab.run(webApp('/shop', SHOP, 1));
  await lab.run(webApp('/wiki', WIKI, 1, { HAPROXY_GROUP: 'internal' }));
});
afterAll(async () => {
  await lab?.stop();
  removeDirectories();
});

const hostOf = (id: string): string => lab.publicAgents[id === EXTERNAL ? 1 : 2] ?? '';

function balancer(id: string, part: Partial<AppDefinition> = {}): AppDefinition {
  const group = id === EXTERNAL ? 'external' : 'internal';
  // Both kinds of delivery are tried here: what stands in the environment comes after what the directory has.
  const listed = ['--ssl-certs', `${lab.sharedDirectory}/certs,${lab.sharedDirectory}/default.pem`];
  const isShared = part.args === SHARED_ARGS;
  return {
    ...singleBalancer(lab, id, hostOf(id), part),
    args: [...(isShared ? listed : []), 'sse', '-m', lab.marathon.url, '--health-check', '--group', group],
  };
}
/** Marks an app that loads the shared directory. */
const SHARED_ARGS: string[] = [];

/** The app anew, with nothing that was delivered to it. */
async function again(id: string, part: Partial<AppDefinition>): Promise<void> {
  await lab.api('DELETE', `/v2/apps${id}?force=true`);
  const isFree = async () => !JSON.stringify((await lab.api('GET', '/v2/deployments')).body).includes(id);
  await until(`${id} is gone`, isFree);
  await lab.run(balancer(id, part));
}

/** A run for these names with a store of its own. */
function settings(names: readonly string[], more: Record<string, string> = {}): Record<string, string> {
  return {
    ...lab.settings,
    CERTATHON_MARATHON_LB_APP: `${EXTERNAL},${INTERNAL}`,
    CERTATHON_DOMAINS: names.join(),
    CERTATHON_STORE: join(newDirectory(), 'store'),
    CERTATHON_BIND: lab.subnet.address(41),
    CERTATHON_CHALLENGE_PORT: String(lab.ports.http),
    CERTATHON_POLL_INTERVAL: '200ms',
    CERTATHON_DELIVERY_TIMEOUT: '30s',
    CERTATHON_LOCK_WAIT: '30s',
    ...more,
  };
}

const fingerprintOf = (ended: Ended) => String(events(ended, 'certificate.issued').at(-1)?.fingerprint);
const servedBy = async (id: string, name: string) => (await shown(lab, [hostOf(id)], name))[0];
const writtenSince = (since: string) =>
  writesSince(lab, since)
    .map(({ method, path }) => `${method} ${path}`)
    .sort();
const put = (id: string) => `PUT /v2/apps${id}`;
const probedBy = (ended: Ended) =>
  Object.fromEntries(events(ended, 'delivery.verified').map(({ app, names }) => [String(app), names]));

describe('two marathon-lb apps, each with the certificate in its environment', () => {
  let env: Record<string, string>;

  it('are both delivered to, and each is asked for the names of its group alone', async () => {
    env = settings([SHOP, WIKI]);
    const since = mark();

    const ended = await run(['renew'], env);

    expect(ended.exit, ended.stdout + ended.stderr).toBe(0);
    expect(writtenSince(since)).toEqual([put(EXTERNAL), put(INTERNAL)]);
    expect(probedBy(ended)).toEqual({ [EXTERNAL]: [SHOP], [INTERNAL]: [WIKI] });
    expect(await servedBy(EXTERNAL, SHOP)).toBe(fingerprintOf(ended));
    expect(await servedBy(INTERNAL, WIKI)).toBe(fingerprintOf(ended));
  });

  it('have nothing to do when asked again', async () => {
    const since = mark();

    const again = await run(['renew'], env);

    expect([again.exit, again.stdout]).toEqual([0, expect.stringContaining('nothing to do')]);
    expect(writtenSince(since)).toEqual([]);
  });

  longTest('are not both restarted when the names belong to one of them', async () => {
    const since = mark();

    // In both is a certificate with more names, from the run before, that this store does not know as its own.
    const ended = await run(['renew', '--now', '--replace-foreign'], settings([WIKI]));

    expect(ended.exit, ended.stdout + ended.stderr).toBe(0);
    expect(writtenSince(since)).toEqual([put(INTERNAL)]);
    expect(await servedBy(INTERNAL, WIKI)).toBe(fingerprintOf(ended));
  });

  longTest('get it one without the other when the other is not there: APP_MISSING', async () => {
    const since = mark();

    const ended = await run(['renew', '--now'], {
      ...env,
      CERTATHON_MARATHON_LB_APP: `/gone,${EXTERNAL}`,
    });

    expect(ended.exit, ended.stdout).not.toBe(0);
    expect(ended.stdout).toMatch(/APP_MISSING\n.*\/gone/);
    expect(writtenSince(since), ended.stdout + ended.stderr).toEqual([put(EXTERNAL)]);
    expect(await servedBy(EXTERNAL, SHOP)).toBe(fingerprintOf(ended));
  });

  longTest(
    'get it one after the other when the first is locked, and the locked one is named: APP_LOCKED',
    async () => {
      lab.marathon.faults.set({ foreignDeployment: EXTERNAL });
      const store = openTargetStore(env.CERTATHON_STORE ?? '');
      const [since, restartedAt] = [mark(), await store.deliveredAt(EXTERNAL)];

      const ended = await run(['renew', '--now'], { ...env, CERTATHON_LOCK_WAIT: '1s' });
      const writes = writtenSince(since);
      const restartedAtThen = await store.deliveredAt(EXTERNAL);
      lab.marathon.faults.set({ foreignDeployment: null });
      const next = await run(['renew', '--now'], env);

      expect(ended.exit, ended.stdout).toBe(17);
      // What was never begun does not count for the pace.
      expect(restartedAt).toBeInstanceOf(Date);
      expect(restartedAtThen).toEqual(restartedAt);
      expect(ended.stdout).toMatch(/APP_LOCKED\n.*\/lb-external/);
      expect(writes.filter((each) => each === put(INTERNAL))).toHaveLength(1);
      expect(probedBy(ended)).toEqual({ [INTERNAL]: [WIKI] });
      expect(next.exit, next.stdout + next.stderr).toBe(0);
      expect(await servedBy(EXTERNAL, SHOP)).toBe(await servedBy(INTERNAL, WIKI));
    },
  );

  longTest(
    'get it one without the other when the restart of the other would hang: DELIVERY_WOULD_HANG',
    async () => {
      // Its one balancer would have to run beside the old one, on the one agent that it may run on.
      await again(EXTERNAL, { upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 1 } });
      const [since, before] = [mark(), (await appOf(lab, EXTERNAL)).version];

      const ended = await run(['renew', '--now'], env);

      expect(ended.exit, ended.stdout).not.toBe(0);
      expect(ended.stdout).toMatch(/DELIVERY_WOULD_HANG\n.*\/lb-external is not restarted/);
      expect(writtenSince(since)).toEqual([put(INTERNAL)]);
      expect((await appOf(lab, EXTERNAL)).version).toBe(before);
      expect(await servedBy(INTERNAL, WIKI)).toBe(fingerprintOf(ended));
    },
  );
});

describe('two marathon-lb apps that share a directory', () => {
  let env: Record<string, string>;
  const hosts = () => [hostOf(EXTERNAL), hostOf(INTERNAL)];

  beforeAll(async () => {
    await Promise.all([EXTERNAL, INTERNAL].map((id) => again(id, { args: SHARED_ARGS })));
  });

  it('are reloaded once each for one certificate, and both serve every name of it', async () => {
    env = settings([SHOP, WIKI], {
      CERTATHON_DELIVERY: 'directory',
      CERTATHON_DIRECTORY: lab.sharedDirectory ?? '',
      CERTATHON_RELOAD_INTERVAL: '0s',
      CERTATHON_RELOAD_WAIT: '20s',
    });
    const [since, before] = [mark(), await reloadsOf(lab, hosts())];

    const ended = await run(['renew'], env);

    expect(ended.exit, ended.stdout + ended.stderr).toBe(0);
    const ours = fingerprintOf(ended);
    for (const name of [SHOP, WIKI]) expect(await shown(lab, hosts(), name)).toEqual([ours, ours]);
    expect(await reloadsOf(lab, hosts())).toEqual(before.map((count) => count + 1));
    expect(writtenSince(since)).toEqual([]);
  });

  it('leaves out the one that is not there, and says so', async () => {
    const ended = await run(['renew'], {
      ...env,
      CERTATHON_MARATHON_LB_APP: `/gone,${EXTERNAL},${INTERNAL}`,
    });

    expect(ended.exit, ended.stdout).toBe(38);
    expect(ended.stdout).toMatch(/BALANCERS_UNKNOWN\n.*\/gone/);
  });
});
