import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls, type PeerCertificate } from 'node:tls';
import { type StartedProcess, startProcess } from '../../../../src/lab/process.ts';
import { claimSubnet } from '../../../../src/lab/subnet.ts';

const MAIN = resolve(import.meta.dirname, '../../../../src/lab/balancer/main.ts');
export const PORTS = { http: 8080, https: 8443, admin: 9090, appId: 9091 };

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

export interface TestBalancer {
  address: string;
  sandbox: string;
  process: StartedProcess;
  admin(path: string, method?: string, body?: string): Promise<Answer>;
  http(host: string, path?: string): Promise<Answer>;
  /** Certificate that a handshake on 443 shows. */
  served(servername: string | undefined): Promise<PeerCertificate>;
  state(): Promise<State>;
  switch(switches: object): Promise<Answer>;
  stop(): Promise<void>;
}

export interface State {
  masterPid: number;
  pids: number[];
  isResting: boolean;
  lastError?: string;
  counters: Record<string, number>;
}

const cleanups: (() => Promise<void> | void)[] = [];

/** Undoes everything that the helpers of this file started, the last first. */
export async function cleanUp(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}

/** Starts the stand-in as Marathon would: a process with arguments and a task's environment. */
export async function startTestBalancer(
  marathonUrl: string,
  args: string[] = [],
  env: Record<string, string> = {},
  mode: 'sse' | 'poll' = 'sse',
): Promise<TestBalancer> {
  const subnet = await claimSubnet();
  cleanups.push(subnet.release);
  // As deep as a real one, where socket paths would be too long.
  const sandbox = join(temporaryDirectory(), `slaves/${'s'.repeat(40)}/runs/latest/${'r'.repeat(40)}`);
  mkdirSync(sandbox, { recursive: true });
  const address = subnet.address(11);
  const started = await startProcess(
    process.execPath,
    [MAIN, mode, '-m', marathonUrl, '--health-check', '--group', 'external', ...args],
    {
      env: {
        PATH: process.env.PATH ?? '',
        HOST: address,
        PORTS: Object.values(PORTS).join(','),
        PORT0: String(PORTS.http),
        PORT1: String(PORTS.https),
        PORT2: String(PORTS.admin),
        PORT3: String(PORTS.appId),
        MESOS_SANDBOX: sandbox,
        ...env,
      },
    },
  );
  cleanups.push(() => started.stop());
  const admin: TestBalancer['admin'] = (path, method = 'GET', body) =>
    ask({ host: address, port: PORTS.admin, path, method }, body);
  return {
    address,
    sandbox,
    process: started,
    admin,
    http: (host, path = '/') => ask({ host: address, port: PORTS.http, path, headers: { host } }),
    served: (servername) => certificateAt(address, PORTS.https, servername),
    state: async () => JSON.parse((await admin('/_lab/state')).body) as State,
    switch: (switches) => admin('/_lab/switches', 'POST', JSON.stringify(switches)),
    stop: () => started.stop(),
  };
}

/** It serves, follows the event stream and has nothing to do: the regenerations of the start and of the attached stream
 * are over. */
export async function untilResting(balancer: TestBalancer): Promise<State> {
  return await until('the balancer is at rest', async () => {
    const state = await balancer.state();
    return state.isResting && (state.counters.regenerations ?? 0) >= 2 ? state : undefined;
  });
}

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'lab-'));
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A task behind the balancer: answers with its name, the path and the headers that it saw. */
export async function startTask(name: string): Promise<{ port: number; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    const [, holdMs] = /[?&]hold=(\d+)/.exec(request.url ?? '') ?? [];
    response.setHeader('x-task', name);
    setTimeout(
      () => response.end(JSON.stringify({ name, url: request.url, headers: request.headers })),
      Number(holdMs ?? 0),
    );
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const stop = (): Promise<void> => {
    server.closeAllConnections();
    return new Promise((done) => server.close(() => done()));
  };
  cleanups.push(stop);
  return { port: (server.address() as AddressInfo).port, stop };
}

/** Takes connections and says nothing, so that a health check neither passes nor fails for a while. */
export async function startSilentTask(): Promise<number> {
  const held = new Set<Socket>();
  const server = createTcpServer((socket) => held.add(socket));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanups.push(() => {
    for (const socket of held) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

export function ask(
  options: { host: string; port: number; path: string; method?: string; headers?: Record<string, string> },
  body?: string,
): Promise<Answer> {
  return new Promise((done, fail) => {
    const sent = httpRequest({ ...options, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.once('error', fail);
      response.once('end', () =>
        done({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
      );
    });
    sent.once('error', fail);
    sent.setTimeout(20_000, () => sent.destroy(new Error('No answer')));
    sent.end(body);
  });
}

export function certificateAt(
  host: string,
  port: number,
  servername: string | undefined,
): Promise<PeerCertificate> {
  return new Promise((done, fail) => {
    const socket = connectTls(
      { host, port, rejectUnauthorized: false, ...(servername === undefined ? {} : { servername }) },
      () => {
        done(socket.getPeerCertificate());
        socket.destroy();
      },
    );
    socket.setTimeout(10_000, () => socket.destroy(new Error('No handshake')));
    socket.once('error', fail);
  });
}

/** Waits until `condition` holds; failures of the condition count as "not yet".
 * @throws the last failure, or that it did not come true, after `deadlineMs` */
export async function until<T>(
  what: string,
  condition: () => Promise<T> | T,
  deadlineMs = 15_000,
): Promise<Exclude<T, false | undefined>> {
  const end = Date.now() + deadlineMs;
  let failure: unknown;
  while (Date.now() < end) {
    try {
      const value = await condition();
      if (value) return value as Exclude<T, false | undefined>;
      failure = undefined;
    } catch (error) {
      failure = error;
    }
    await delay(25);
  }
  throw new Error(`Did not come true: ${what}`, { cause: failure });
}
