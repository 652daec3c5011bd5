import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';
import { untilMasterTakesSignals } from './haproxy-master.ts';
import { requireProgram, runToEnd, startProcess } from './process.ts';

/** One balancer as the front sees it. */
export interface FrontTarget {
  host: string;
  httpPort: number;
  httpsPort: number;
  /** Port of `/_haproxy_health_check`. */
  healthPort: number;
}

export interface FrontOptions {
  /** Loopback address that stands for the public one. */
  address: string;
  /** A function is read again at each `update()`. */
  balancers: readonly FrontTarget[] | (() => readonly FrontTarget[]);
  /** `retrying`: checks each second, a refused connection goes to the next balancer. `slow`: checks every 5 s, two
   * failures until a balancer is out, no second try, as simple cloud balancers do. */
  manner: 'retrying' | 'slow';
  httpPort: number;
  httpsPort: number;
  /** For its configuration; must exist. */
  directory: string;
}

export interface Front {
  address: string;
  httpPort: number;
  httpsPort: number;
  /** Takes the list of balancers again, without cutting a connection. */
  update(balancers?: readonly FrontTarget[]): Promise<void>;
  stop(): Promise<void>;
}

const START_MS = 10_000;
const LOOK_MS = 25;

/** Starts the load balancer that stands outside the cluster: a real HAProxy that passes TLS through. On its plain
 * port it reads HTTP, to take the port out of the Host header: balancers compare it whole, and Pebble writes it
 * even when it is 80 (Let's Encrypt does not).
 * @throws Error naming the Debian package when HAProxy is missing, or with its words when it cannot start */
export async function startFront(options: FrontOptions): Promise<Front> {
  const program = requireProgram('haproxy', 'haproxy');
  const name = `front-${options.address}-${options.httpPort}`;
  const configFile = join(options.directory, `${name}.cfg`);
  const read = typeof options.balancers === 'function' ? options.balancers : undefined;
  let targets = typeof options.balancers === 'function' ? options.balancers() : options.balancers;
  let written = 0;
  const write = (): void => {
    written += 1;
    writeFileSync(`${configFile}.new`, frontConfig(options, targets, written));
    renameSync(`${configFile}.new`, configFile);
  };
  write();
  const check = await runToEnd(program, ['-c', '-f', configFile]);
  if (check.status !== 0) throw new Error(`The front's configuration is refused: ${check.output}`);
  const master = await startProcess(program, ['-W', '-f', configFile], {
    logFile: join(options.directory, `${name}.log`),
  });
  const isServing = async (): Promise<void> => {
    const end = Date.now() + START_MS;
    while ((await servedVersion(options)) !== written) {
      if (master.hasEnded() || Date.now() > end)
        throw new Error(`The front does not start: ${master.lastOutput()}`);
      await delay(LOOK_MS);
    }
  };
  await isServing().catch(async (error) => {
    await master.stop(0);
    throw error;
  });
  return {
    address: options.address,
    httpPort: options.httpPort,
    httpsPort: options.httpsPort,
    update: async (balancers) => {
      targets = balancers ?? read?.() ?? targets;
      write();
      await untilMasterTakesSignals(master.pid);
      master.signal('SIGHUP');
      await isServing();
    },
    stop: () => master.stop(),
  };
}

/** Which configuration answers: each carries its number, so that an update is known to have come through. */
async function servedVersion({ address, httpPort }: FrontOptions): Promise<number | undefined> {
  try {
    const answer = await request(`http://${address}:${infoPort(httpPort)}/`, { reset: true });
    return Number(await answer.body.text());
  } catch {
    return undefined;
  }
}

/** The number is served beside the port that users see. */
function infoPort(httpPort: number): number {
  return httpPort + 10_000;
}

function frontConfig(options: FrontOptions, targets: readonly FrontTarget[], version: number): string {
  const { address, httpPort, httpsPort, manner } = options;
  return `\
global
  maxconn 4000
defaults
  timeout connect ${manner === 'slow' ? '2s' : '500ms'}
  timeout client 60s
  timeout server 60s
  timeout check 1s
  ${manner === 'slow' ? 'retries 0\n  no option redispatch' : 'retries 3\n  option redispatch 1'}
frontend lab_info
  mode http
  bind ${address}:${infoPort(httpPort)}
  http-request return status 200 content-type text/plain string "${version}"
frontend front_http
  mode http
  bind ${address}:${httpPort}
  default_backend balancers_http
frontend front_https
  mode tcp
  bind ${address}:${httpsPort}
  default_backend balancers_https
${backend('http', 'http', options, targets)}\
  http-request replace-header Host (.*):[0-9]+ \\1
${backend('https', 'tcp', options, targets)}`;
}

function backend(
  kind: 'http' | 'https',
  mode: 'tcp' | 'http',
  { manner }: FrontOptions,
  targets: readonly FrontTarget[],
): string {
  const inter = manner === 'slow' ? 'inter 5s fall 2 rise 2' : 'inter 1s fall 1 rise 1';
  const lines = targets.map(({ host, httpPort, httpsPort, healthPort }) => {
    const port = kind === 'http' ? httpPort : httpsPort;
    return `  server ${host.replaceAll('.', '_')}_${port} ${host}:${port} check port ${healthPort} ${inter}\n`;
  });
  const once = mode === 'http' ? '  option http-server-close\n' : '';
  return `\
backend balancers_${kind}
  mode ${mode}
  balance roundrobin
  option httpchk GET /_haproxy_health_check
${once}${lines.join('')}`;
}
