import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileOf } from '../src/certificates/in-directory.ts';
import { openStores } from '../src/certificates/store-set.ts';
import { parseBundle } from '../src/delivery/bundle.ts';
import { servedCertificate } from '../src/haproxy/handshake.ts';
import { type Lab, startLab } from '../src/lab/cluster.ts';
import type { AppDefinition } from '../src/lab/definitions.ts';
import { createLog } from '../src/lib/log.ts';
import { mapBounded } from '../src/lib/parallel.ts';
import { bundleMaker, ISSUER } from './bench-scale-certificates.ts';
import { startPrepared } from './bench-scale-marathon.ts';

export const APPS = 5_000;
export const CERTIFICATES = 10_000;
const NAMES_EACH = CERTIFICATES / APPS;
/** Labels of an app beside the one that asks. */
const OTHER_LABELS = 15;
/** What Marathon takes in one request. */
const APPS_AT_ONCE = 250;
const PARALLEL = 16;
const [LOAD_MS, LOOK_MS, LOOKS_PER_SIGNAL] = [180_000, 1_000, 20];
/** Less than this share of the processors is used for so long. */
const [QUIET_WITHIN_MS, QUIET_MS, QUIET_SHARE] = [180_000, 5_000, 0.05];

export interface ScaleWorld {
  lab: Lab;
  /** With which a `certathon` outside Marathon finds everything. */
  settings: Record<string, string>;
  /** Of Marathon's list of all apps. */
  appsBytes: number;
  stop(): Promise<void>;
}

/** A cluster in which nothing is due: the store and the shared directory hold a certificate for every name that the
 * labels of the apps ask for, and a real HAProxy has loaded them all. */
export async function startScaleWorld(say: (line: string) => void): Promise<ScaleWorld> {
  const lab = await startLab({ balancers: 1, sharedDirectory: true });
  try {
    say(`${CERTIFICATES} certificates`);
    await fill(lab);
    say(`${APPS} apps`);
    for (let first = 0; first < APPS; first += APPS_AT_ONCE) {
      const apps = Array.from({ length: APPS_AT_ONCE }, (_, index) => appOf(first + index));
      const { status, body } = await lab.api('PUT', '/v2/apps', apps);
      if (status !== 200) throw new Error(`Marathon refused the apps: ${JSON.stringify(body).slice(0, 500)}`);
    }
    say('the balancer loads them');
    await loaded(lab);
    say('until the machine is quiet');
    await quiet();
    const prepared = await startPrepared(lab, lab.subnet.address(7));
    return {
      lab,
      appsBytes: prepared.bytes,
      settings: {
        ...lab.settings,
        CERTATHON_MARATHON_URL: prepared.url,
        CERTATHON_STORE: lab.storeDirectory,
        CERTATHON_BIND: lab.subnet.address(4),
        CERTATHON_DELIVERY: 'directory',
        CERTATHON_DIRECTORY: lab.sharedDirectory ?? '',
        CERTATHON_PACK: 'name',
      },
      stop: async () => {
        await prepared.stop();
        await lab.stop();
      },
    };
  } catch (error) {
    await lab.stop();
    throw error;
  }
}

/** Has the balancer load the directory, which takes HAProxy some seconds. It may miss a signal, as marathon-lb does. */
async function loaded(lab: Lab): Promise<void> {
  const [host = ''] = lab.publicAgents;
  const [servername = ''] = namesOf(APPS - 1);
  const endMs = Date.now() + LOAD_MS;
  while (Date.now() < endMs) {
    await fetch(`http://${host}:${lab.ports.admin}/_mlb_signal/usr1`);
    for (let look = 0; look < LOOKS_PER_SIGNAL; look += 1) {
      await delay(LOOK_MS);
      const seen = await servedCertificate({ host, port: lab.ports.https, servername, timeoutMs: 5_000 });
      if ('issuer' in seen && seen.issuer.includes(ISSUER)) return;
    }
  }
  throw new Error('The balancer did not load the directory');
}

/** Marathon and the balancer go on with five thousand new apps for a while, which is no matter of what is measured. */
async function quiet(): Promise<void> {
  const used = (): number =>
    cpus().reduce((sum, { times }) => sum + times.user + times.sys + times.nice + times.irq, 0);
  for (const endMs = Date.now() + QUIET_WITHIN_MS; Date.now() < endMs; ) {
    const before = used();
    await delay(QUIET_MS);
    if ((used() - before) / (QUIET_MS * cpus().length) < QUIET_SHARE) return;
  }
}

/** Writes what an earlier run of the program would have left. */
async function fill(lab: Lab): Promise<void> {
  const make = bundleMaker();
  const stores = await openStores(lab.storeDirectory, 3, createLog({ level: 'error', format: 'json' }));
  const certs = join(lab.sharedDirectory ?? '', 'certs');
  await mkdir(join(lab.sharedDirectory ?? '', 'staging'), { mode: 0o700 });
  const names = Array.from({ length: APPS }, (_, index) => namesOf(index)).flat();
  const directoryUrl = lab.settings.CERTATHON_ACME_DIRECTORY ?? '';
  await mapBounded(names, PARALLEL, async (name) => {
    const parsed = parseBundle(make(name));
    if (!parsed.ok) throw new Error(parsed.problem);
    const store = stores.of(name);
    await store.saveRecord({ key: name, choice: {}, names: [name] });
    const { fingerprint, notBefore, notAfter } = parsed.bundle.facts;
    const now = new Date();
    const issuedBy = { directoryUrl, accountUrl: `${directoryUrl}/account/1` };
    await store.save(parsed.bundle, 'issued', undefined, now, issuedBy);
    // As a CA that tells when it wants a certificate renewed leaves it, asked a moment ago.
    const middleMs = (notBefore.getTime() + 2 * notAfter.getTime()) / 3;
    await store.saveRenewal({
      ...{ fingerprint, directoryUrl, since: now, seenAt: now, failures: 0 },
      window: { start: new Date(middleMs), end: new Date(middleMs + 86_400_000) },
      askAt: new Date(now.getTime() + 6 * 3_600_000),
    });
    await writeFile(join(certs, fileOf(name)), parsed.bundle.pem, { mode: 0o600 });
  });
}

function namesOf(app: number): string[] {
  return Array.from({ length: NAMES_EACH }, (_, index) => `www${index}.shop-${app}.example.com`);
}

/** As large as definitions of real apps are; no task of it runs. */
function appOf(index: number): AppDefinition {
  const labels = Object.fromEntries(
    Array.from({ length: OTHER_LABELS - 3 }, (_, label) => [
      `ORG_EXAMPLE_TEAM_LABEL_${label}`,
      `value ${label} of app ${index}, as long as such values are`,
    ]),
  );
  return {
    id: `/team-${index % 50}/shop-${index}`,
    instances: 0,
    cpus: 0.1,
    mem: 64,
    container: {
      type: 'DOCKER',
      docker: { image: `registry.example.com/team/shop-${index}:1.2.3` },
      portMappings: [{ containerPort: 8080, hostPort: 0, servicePort: 10_000 + index, protocol: 'tcp' }],
    },
    networks: [{ mode: 'container/bridge' }],
    env: Object.fromEntries(
      Array.from({ length: 10 }, (_, at) => [`SETTING_${at}`, `value ${at} of ${index}`]),
    ),
    labels: {
      HAPROXY_GROUP: 'external',
      HAPROXY_0_VHOST: namesOf(index).join(','),
      HAPROXY_0_REDIRECT_TO_HTTPS: 'true',
      CERTATHON_0_DOMAIN: namesOf(index).join(','),
      ...labels,
    },
    healthChecks: [{ protocol: 'HTTP', path: '/health', portIndex: 0 }],
  };
}
