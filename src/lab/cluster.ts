import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Authority, type AuthorityOptions, startAuthority } from './authority.ts';
import { type AppDefinition, type BalancerPorts, balancerApp, sidecarApp } from './definitions.ts';
import { type Front, startFront } from './front.ts';
import { imagesOf } from './images.ts';
import type { Agent } from './marathon/placement.ts';
import { type LabMarathon, type LabOptions as MarathonOptions, startMarathon } from './marathon/start.ts';
import { callApi, runApp } from './marathon-api.ts';
import { makeSharedDirectory } from './shared-directory.ts';
import { canBindLowPorts, claimSubnet, type Subnet } from './subnet.ts';

/** A whole cluster on one machine: Marathon, its agents, balancers, fronts and CA, all on loopback addresses of
 * a /24 of its own, so that several labs stand side by side.
 *   .2 CA and DNS   .3 Marathon   .5 front that retries   .6 front that checks slowly
 *   .11 … public agents (balancers)   .21 … private agents (everything else) */
export interface LabOptions {
  /** How many balancers run. Default 2. */
  balancers?: number;
  /** How many agents can hold one. Default as many as balancers. */
  publicAgents?: number;
  /** What each agent has for its tasks together. Default no limit. */
  agentSize?: Pick<Agent, 'cpus' | 'mem'>;
  /** The second front, which checks every 5 s. Default none. */
  slowFront?: boolean;
  authority?: Partial<AuthorityOptions>;
  marathon?: Partial<MarathonOptions>;
  /** Changes to the marathon-lb app; its environment is added to. */
  balancerApp?: Partial<AppDefinition>;
  /** The balancers read certificates from a directory too, as with marathon-acme. Default none. */
  sharedDirectory?: boolean;
  /** Whether the balancers load that directory from the start. Default true. */
  isDirectoryLoaded?: boolean;
  /** Volumes of containers: path inside → name of a directory of the lab, which `volume()` tells. A sidecar with one of
   * them runs behind a bridge, as Docker does it, with the lab's settings as those of its image. */
  volumes?: Record<string, string>;
  /** Names that such containers know: name → last number of an address of the lab. */
  hosts?: Record<string, number>;
  /** Kept after the end; default a temporary one that is removed. */
  directory?: string;
  /** Use high ports even where 80 and 443 are allowed. */
  highPorts?: boolean;
}

export interface Lab {
  directory: string;
  subnet: Subnet;
  marathon: LabMarathon;
  authority: Authority;
  front: Front;
  slowFront: Front | undefined;
  ports: BalancerPorts;
  /** Addresses of the agents that can hold a balancer. */
  publicAgents: string[];
  /** The directory that the sidecar's volume is. */
  storeDirectory: string;
  /** The directory whose certs/ and default.pem the balancers read. */
  sharedDirectory: string | undefined;
  /** The directory that is a volume of this name. */
  volume(name: string): string;
  /** Settings with which a Certathon outside or inside this lab reaches everything. */
  settings: Record<string, string>;
  /** The shipped definition of the sidecar, with the settings of this lab. */
  sidecar(change?: Partial<AppDefinition>): AppDefinition;
  /** A call of Marathon's API. @returns status and parsed body */
  api(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }>;
  /** Adds an app and waits until as many tasks as it wants are healthy. */
  run(app: AppDefinition, withinMs?: number): Promise<void>;
  stop(): Promise<void>;
}

const HIGH_PORTS: BalancerPorts = { http: 18080, https: 18443, admin: 19091, appId: 19092 };
const LOW_PORTS: BalancerPorts = { http: 80, https: 443, admin: 9090, appId: 9091 };

/** Starts the lab with its balancers running; the sidecar and web apps are the caller's to add.
 * @throws Error naming the Debian packages when HAProxy or Pebble are missing */
export async function startLab(options: LabOptions = {}): Promise<Lab> {
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const each of stops.splice(0).reverse()) await each().catch(() => undefined);
  };
  try {
    return await build(options, stops, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function build(
  options: LabOptions,
  stops: (() => Promise<unknown>)[],
  stop: () => Promise<void>,
): Promise<Lab> {
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'certathon-lab-')));
  if (options.directory === undefined) stops.push(() => rm(directory, { recursive: true, force: true }));
  const subnet = await claimSubnet();
  stops.push(() => subnet.release());
  const isLow = options.highPorts !== true && (await canBindLowPorts(subnet.address(5)));
  const ports = isLow ? LOW_PORTS : HIGH_PORTS;
  const balancers = options.balancers ?? 2;
  const publicAgents = Array.from({ length: options.publicAgents ?? balancers }, (_, index) =>
    subnet.address(11 + index),
  );
  const storeDirectory = join(directory, 'volumes', 'certathon');
  for (const each of ['tasks', 'volumes', 'front', 'ca'])
    await mkdir(join(directory, each), { recursive: true, mode: 0o755 });

  const volume = (name: string) => join(directory, 'volumes', name);
  const sharedDirectory = options.sharedDirectory ? volume('certs-shared') : undefined;
  if (sharedDirectory !== undefined) await makeSharedDirectory(sharedDirectory);
  const volumes = Object.entries(options.volumes ?? {}).map(([path, name]) => [path, volume(name)] as const);
  for (const [, path] of volumes) await mkdir(path, { recursive: true, mode: 0o755 });
  const hosts = Object.entries(options.hosts ?? {}).map(([name, last]) => [name, subnet.address(last)]);
  let settings: Record<string, string> = {};

  const marathon = await startMarathon({
    address: subnet.address(3),
    workDirectory: join(directory, 'tasks'),
    agents: [
      ...publicAgents.map((host) => ({ host, attributes: { public: 'true' }, ...options.agentSize })),
      ...[21, 22].map((last) => ({
        host: subnet.address(last),
        attributes: { public: 'false' },
        ...options.agentSize,
      })),
    ],
    images: imagesOf(storeDirectory, sharedDirectory, {
      volumes: Object.fromEntries(volumes),
      hosts: Object.fromEntries(hosts),
      settings: () => settings,
    }),
    ...options.marathon,
  });
  stops.push(() => marathon.stop());

  const targets = publicAgents.map((host) => ({
    host,
    httpPort: ports.http,
    httpsPort: ports.https,
    healthPort: ports.admin,
  }));
  const frontAt = (last: number, manner: 'retrying' | 'slow'): Promise<Front> =>
    startFront({
      address: subnet.address(last),
      balancers: targets,
      manner,
      httpPort: ports.http,
      httpsPort: ports.https,
      directory: join(directory, 'front'),
    });
  const front = await frontAt(5, 'retrying');
  stops.push(() => front.stop());
  const slowFront = options.slowFront ? await frontAt(6, 'slow') : undefined;
  if (slowFront !== undefined) stops.push(() => slowFront.stop());

  const authority = await startAuthority({
    address: subnet.address(2),
    httpPort: ports.http,
    frontAddress: front.address,
    directory: join(directory, 'ca'),
    ...options.authority,
  });
  stops.push(() => authority.stop());

  settings = {
    CERTATHON_MARATHON_URL: marathon.url,
    ...(marathon.user === ''
      ? {}
      : { CERTATHON_MARATHON_USER: marathon.user, CERTATHON_MARATHON_PASSWORD: marathon.password }),
    CERTATHON_ACME_DIRECTORY: authority.directoryUrl,
    CERTATHON_ACME_CA_FILE: authority.caFile,
    CERTATHON_DNS_SERVERS: authority.dnsServer,
    CERTATHON_HTTP_PORT: String(ports.http),
    CERTATHON_HTTPS_PORT: String(ports.https),
    CERTATHON_TLS_PORT: String(ports.https),
    CERTATHON_BALANCER_ADMIN_PORT: String(ports.admin),
    CERTATHON_POLL_INTERVAL: '500ms',
    CERTATHON_COALESCE: '0s',
  };
  const api = callApi(marathon);
  const lab: Lab = {
    directory,
    subnet,
    marathon,
    authority,
    front,
    slowFront,
    ports,
    publicAgents,
    storeDirectory,
    sharedDirectory,
    volume,
    settings,
    sidecar: (change) => sidecarApp(settings, change),
    api,
    run: (app, withinMs = 30_000) => runApp(api, app, withinMs),
    stop,
  };
  const balancer = balancerApp(
    marathon,
    ports,
    balancers,
    options.isDirectoryLoaded === false ? undefined : sharedDirectory,
  );
  await lab.run({
    ...balancer,
    ...options.balancerApp,
    env: { ...balancer.env, ...options.balancerApp?.env },
  });
  return lab;
}
