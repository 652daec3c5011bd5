import { Command, InvalidArgumentError } from 'commander';
import { DEFAULT_OPTIONS } from './head.ts';

/** What one balancer is told by its arguments and environment: marathon-lb's own names. */
export interface BalancerOptions {
  mode: 'sse' | 'poll';
  marathonUrls: string[];
  groups: string[];
  needsHealth: boolean;
  usesMap: boolean;
  bindsHttpAndHttps: boolean;
  groupsHttpsByVhost: boolean;
  strict: boolean;
  skipsValidation: boolean;
  skipsCleanup: boolean;
  /** `--ssl-certs` as a word of its own: then no self-signed certificate is made. */
  listedCertificates: string | undefined;
  /** `--ssl-certs=X`, which only the generator sees: it beats everything. */
  overridingCertificates: string | undefined;
  maxReloadRetries: number;
  reloadIntervalMs: number;
  credentials: { user: string; password: string } | undefined;
  pollIntervalMs: number;
  /** Service ports for apps with an address per task, both inclusive; undefined: none are assigned. */
  assignablePorts: { min: number; max: number } | undefined;
  ownName: string | undefined;
  defaultOptions: string;
  address: string;
  ports: { http: number; https: number; admin: number; appId: number };
  sandbox: string;
}

/** Reads the words that would stand after the image name.
 * @throws Error with one sentence when marathon-lb itself would refuse to start, or when the address is none of
 * this machine's loopback addresses */
export function readOptions(argv: readonly string[], env: NodeJS.ProcessEnv): BalancerOptions {
  if (!env.PORTS) throw new Error('$PORTS is not set');
  const words = [...argv];
  const listedFirst = words[0] === '--ssl-certs' ? words.splice(0, 2)[1] : undefined;
  const mode = words.shift();
  if (mode !== 'sse' && mode !== 'poll') throw new Error(`Unknown mode ${mode ?? ''}: sse or poll`);
  const listedAt = words.indexOf('--ssl-certs');
  const listed = listedAt === -1 ? listedFirst : words[listedAt + 1];
  const parsed = parseArguments(words);
  const overriding = words.findLast((word) => word.startsWith('--ssl-certs='));
  const address = env.HOST ?? '127.0.0.1';
  if (!/^127\.\d+\.\d+\.\d+$/.test(address)) throw new Error(`$HOST is no loopback address: ${address}`);
  return {
    mode,
    ...parsed,
    listedCertificates: listed,
    overridingCertificates: overriding?.slice('--ssl-certs='.length),
    credentials: parsed.credentials ?? environmentCredentials(env),
    pollIntervalMs: Number(env.POLL_INTERVAL ?? 60) * 1000,
    ownName: env.FRAMEWORK_NAME,
    defaultOptions: env.HAPROXY_GLOBAL_DEFAULT_OPTIONS ?? DEFAULT_OPTIONS,
    address,
    ports: {
      http: Number(env.PORT0 ?? 80),
      https: Number(env.PORT1 ?? 443),
      admin: Number(env.PORT2 ?? 9090),
      appId: Number(env.PORT3 ?? 9091),
    },
    sandbox: env.MESOS_SANDBOX ?? process.cwd(),
  };
}

type ParsedArguments = Omit<
  BalancerOptions,
  | 'mode'
  | 'listedCertificates'
  | 'overridingCertificates'
  | 'pollIntervalMs'
  | 'ownName'
  | 'defaultOptions'
  | 'address'
  | 'ports'
  | 'sandbox'
>;

function parseArguments(words: string[]): ParsedArguments {
  const given = new Command()
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .option('-m, --marathon <url...>', 'Marathon', ['http://master.mesos:8080'])
    .option('--group <name>', 'group', (name: string, before: string[]) => [...before, name], [])
    .option('-H, --health-check')
    .option('--haproxy-map')
    .option('--dont-bind-http-https')
    .option('--group-https-by-vhost')
    .option('--strict-mode')
    .option('--skip-validation')
    .option('--skip-config-cleanup')
    .option('--ssl-certs <list>')
    .option('--auth-credentials <pair>')
    .option('--max-reload-retries <count>', 'times', integer, 10)
    .option('--reload-interval <seconds>', 'seconds', integer, 10)
    .option('--min-serv-port-ip-per-task <port>', 'port', integer, 10_050)
    .option('--max-serv-port-ip-per-task <port>', 'port', integer, 10_100)
    // Accepted because real app definitions carry them; they change nothing that can be seen here.
    .option('--syslog-socket <path>')
    .option('--log-format <format>')
    .option('--log-level <level>')
    .option('--lru-cache-capacity <count>')
    .option('--max-backoff <seconds>')
    .option('--marathon-ca-cert <path>')
    .parse(words, { from: 'user' })
    .opts();
  if (given.group.length === 0) throw new Error('argument --group is required');
  return {
    marathonUrls: given.marathon.map((url: string) => url.replace(/\/+$/, '')),
    groups: given.group,
    needsHealth: given.healthCheck === true,
    usesMap: given.haproxyMap === true,
    bindsHttpAndHttps: given.dontBindHttpHttps !== true,
    groupsHttpsByVhost: given.groupHttpsByVhost === true,
    strict: given.strictMode === true,
    skipsValidation: given.skipValidation === true,
    skipsCleanup: given.skipConfigCleanup === true,
    maxReloadRetries: given.maxReloadRetries,
    reloadIntervalMs: given.reloadInterval * 1000,
    assignablePorts: readRange(given.minServPortIpPerTask, given.maxServPortIpPerTask),
    credentials: given.authCredentials === undefined ? undefined : readCredentials(given.authCredentials),
  };
}

function integer(value: string): number {
  if (!/^-?\d+$/.test(value)) throw new InvalidArgumentError('no integer');
  return Number(value);
}

/** Two zeros switch the assignment off. */
function readRange(min: number, max: number): { min: number; max: number } | undefined {
  if ((min === 0) !== (max === 0) || min > max) {
    throw new Error('Either both --min-serv-port-ip-per-task and --max-serv-port-ip-per-task, or neither');
  }
  return min === 0 ? undefined : { min, max };
}

function readCredentials(pair: string): { user: string; password: string } {
  const [user, password, ...more] = pair.split(':');
  if (!user || password === undefined || more.length > 0) {
    throw new Error('Invalid value for --auth-credentials: user:password, without another colon');
  }
  return { user, password };
}

function environmentCredentials(env: NodeJS.ProcessEnv): { user: string; password: string } | undefined {
  if (!env.MARATHON_USER || !env.MARATHON_PASSWORD) return undefined;
  return readCredentials(`${env.MARATHON_USER}:${env.MARATHON_PASSWORD}`);
}
