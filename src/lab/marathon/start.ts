import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { type Credentials, isLoopback, ownNames } from './access.ts';
import { Agents } from './agents.ts';
import type { Feature, World } from './api-request.ts';
import type { App } from './app.ts';
import type { Images } from './command.ts';
import { Crew } from './crew.ts';
import { DcosLogin, type DcosOptions, LOGIN_PATH } from './dcos-login.ts';
import type { Deployment } from './deployments.ts';
import { dialectOf } from './dialect.ts';
import { EventBus, type MarathonEvent } from './events.ts';
import { Faults } from './faults.ts';
import { RequestHistory, type SeenRequest } from './history.ts';
import type { Agent } from './placement.ts';
import { ProcessGroups } from './process-groups.ts';
import { Root } from './root.ts';
import { createFront } from './server.ts';
import { EventStreams } from './streams.ts';
import type { Task } from './tracker.ts';

export interface LabOptions {
  /** A loopback address to listen on; others are refused. */
  address: string;
  /** 0 or nothing: any free one. */
  port?: number;
  agents: Agent[];
  /** Nothing: user `marathon` with a random password. */
  credentials?: Credentials | 'none';
  /** Whoever has a token of this login may pass too; without credentials only they. */
  dcos?: DcosOptions;
  images?: Images;
  /** Sandboxes of tasks go below this directory; it is not removed. */
  workDirectory: string;
  /** Values of secrets, by their source. */
  secrets?: Readonly<Record<string, string>>;
  /** 1.4 to 1.11, as in `/v2/info`. Nothing: 1.8.222. */
  version?: string;
  /** What `--enable_features` would name. */
  features?: readonly Feature[];
  heartbeatMs?: number;
  launchDelayMs?: number;
  /** Between SIGTERM and SIGKILL for apps without taskKillGracePeriodSeconds. */
  killGraceMs?: number;
  /** How often the number of instances of unlocked apps is repaired. */
  scaleCheckMs?: number;
  /** Names beside the address and `localhost` that a Host header may carry. */
  allowedHosts?: string[];
}

/** A living task, for tests that look behind the API. */
export interface LabTask {
  id: string;
  instanceId: string;
  pid: number | undefined;
  host: string;
  ports: number[];
  sandbox: string;
  version: string;
  state: string;
  isDying: boolean;
}

export interface LabMarathon {
  url: string;
  address: string;
  port: number;
  /** Empty when the lab asks for no credentials. */
  user: string;
  password: string;
  /** Where service accounts log in, and what ends their tokens; nothing without `dcos`. */
  login: { endpoint: string; revokeAll(): void } | undefined;
  faults: Faults;
  requests(): SeenRequest[];
  /** @returns the way to stop listening */
  onEvent(listener: (event: MarathonEvent) => void): () => void;
  app(id: string): App | undefined;
  apps(): App[];
  tasks(appId: string): LabTask[];
  /** Open event streams. */
  streams(): number;
  /** Ends all tasks, connections and timers, within about two seconds. Never rejects; may be called again. */
  stop(): Promise<void>;
}

const SCALE_CHECK_MS = 300_000;
const STOP_PATIENCE_MS = 1500;

/** Starts a small Marathon: its API and events in front of real processes on loopback addresses.
 * @throws Error when an address is not a loopback address, or cannot be listened on, or when the version is not
 *   one of 1.4 to 1.11 */
export async function startMarathon(options: LabOptions): Promise<LabMarathon> {
  for (const address of [options.address, ...options.agents.map((agent) => agent.host)])
    if (!isLoopback(address)) throw new Error(`The lab binds loopback addresses only, not ${address}`);
  const version = options.version ?? '1.8.222';
  const dialect = dialectOf(version);
  const features = options.features ?? [];
  const credentials: Credentials | undefined =
    options.credentials === 'none'
      ? undefined
      : (options.credentials ?? { user: 'marathon', password: randomBytes(18).toString('base64url') });

  const events = new EventBus();
  const groups = new ProcessGroups();
  let foreign: Deployment | undefined;
  const faults = new Faults({
    closeStreams: () => streams.closeAll(),
    failOver: () => failOver(),
    setForeignDeployment: (appId) => {
      if (foreign) root.deployments.finish(foreign);
      const app = appId === null ? undefined : root.app(appId);
      foreign = app && root.deployments.begin(foreignPlan(app, root));
    },
  });
  const streams = new EventStreams(
    events,
    options.heartbeatMs ?? 10_000,
    dialect,
    () => faults.settings.dropEvents,
  );
  const crew: Crew = new Crew({
    agents: new Agents(options.agents),
    groups,
    events,
    options: {
      images: options.images ?? {},
      secrets: options.secrets ?? {},
      workDirectory: options.workDirectory,
      launchDelayMs: options.launchDelayMs ?? 0,
      killGraceMs: options.killGraceMs ?? 3000,
      dialect,
      showsKilling: features.includes('task_killing'),
    },
    appOf: (appId) => root.app(appId),
    faults,
    onLoss: (appId) => root.checkScale(appId),
  });
  const root: Root = new Root(crew, events, (appIds) => faults.takeHang(appIds));
  const failOver = () => {
    crew.forgetHealth();
    streams.closeAll();
  };
  const repair = setInterval(() => root.repairCounts(), options.scaleCheckMs ?? SCALE_CHECK_MS);

  const history = new RequestHistory();
  const login = options.dcos && new DcosLogin(options.dcos);
  const stopped = new AbortController();
  const world: World = { root, crew, events, version, dialect, features, leader: '', failOver };
  const front = {
    world,
    faults,
    history,
    streams,
    credentials,
    login,
    names: new Set<string>(),
    stopped: stopped.signal,
  };
  const server = createFront(() => front);
  const release = () => {
    clearInterval(repair);
    groups.close();
  };
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: options.address, port: options.port ?? 0 }, resolve);
    });
  } catch (error) {
    release();
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  const host = options.address.includes(':') ? `[${options.address}]` : options.address;
  world.leader = `${host}:${port}`;
  front.names = ownNames(options.address, port, options.allowedHosts ?? []);

  let stopping: Promise<void> | undefined;
  const stop = async () => {
    stopped.abort();
    root.deployments.stop();
    server.close();
    streams.closeAll();
    server.closeAllConnections();
    await crew.stop(STOP_PATIENCE_MS);
    release();
  };
  return {
    url: `http://${world.leader}`,
    address: options.address,
    port,
    user: credentials?.user ?? '',
    password: credentials?.password ?? '',
    login: login && {
      endpoint: `http://${world.leader}${LOGIN_PATH}`,
      revokeAll: () => login.revokeAll(),
    },
    faults,
    requests: () => history.all(),
    onEvent: (listener) => events.subscribe(listener),
    app: (id) => root.app(id),
    apps: () => root.apps(),
    tasks: (appId) => crew.tracker.ofApp(appId).flatMap(({ task }) => (task ? labTask(task) : [])),
    streams: () => streams.count,
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}

function labTask(task: Task): LabTask {
  return {
    id: task.id,
    instanceId: task.instance.id,
    pid: task.process?.pid,
    host: task.slot.agent.host,
    ports: task.slot.ports,
    sandbox: task.sandbox,
    version: task.app.version,
    state: task.state,
    isDying: task.killReason !== undefined,
  };
}

function foreignPlan(app: App, root: Root) {
  const same = new Map([[app.id, app]]);
  const steps = [{ actions: [{ action: 'RestartApplication' as const, app: app.id }] }];
  const all = root.apps();
  return {
    version: root.nextVersion(),
    steps,
    before: same,
    after: same,
    original: all,
    target: all,
    isHanging: true,
  };
}
