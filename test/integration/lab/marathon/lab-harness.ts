import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { MarathonEvent } from '../../../../src/lab/marathon/events.ts';
import { type LabMarathon, type LabOptions, startMarathon } from '../../../../src/lab/marathon/start.ts';

// biome-ignore lint/suspicious/noExplicitAny: answers of a foreign API are looked into field by field
export type Json = any;

export interface Reply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  json: Json;
}

export interface Bench {
  lab: LabMarathon;
  events: MarathonEvent[];
  /** One call with the lab's credentials; a body goes as JSON. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
  app(id: string): Promise<Json>;
  /** Creates an app and waits until it runs. */
  run(app: Json): Promise<void>;
  settled(id: string): Promise<void>;
  deployments(): Promise<Json[]>;
  /** The environment that a task really has. */
  envOf(taskId: string): Promise<Record<string, string>>;
  /** Something that tasks wait for until the test opens it. */
  gate(): Gate;
  close(): Promise<void>;
}

export interface Gate {
  file: string;
  /** A health check that fails while the gate is shut, without ever killing its task. */
  check: Json;
  /** A program that answers SIGTERM only when the gate is open. */
  cmd: string;
  open(): Promise<void>;
}

/** A program that answers 200 on PORT0, at `/fail` 500 and at `/status/<n>` n, and 500 everywhere while `$SICK` is set. */
export const WEB_SERVER = `exec node -e '
const http = require("node:http");
http.createServer((q, s) => {
  const wanted = /^.status.(\\d+)/.exec(q.url);
  s.statusCode = process.env.SICK ? 500 : wanted ? Number(wanted[1]) : 200;
  s.end("ok");
}).listen(Number(process.env.PORT0), process.env.HOST);
'`;
export const SLEEP = 'exec sleep 1000';

export const HTTP_CHECK = {
  protocol: 'HTTP',
  path: '/',
  portIndex: 0,
  gracePeriodSeconds: 30,
  intervalSeconds: 0.05,
  timeoutSeconds: 2,
  maxConsecutiveFailures: 3,
};

/** An app with calm defaults: it sleeps, needs no port and has no check. */
export const sleeper = (change: Json = {}): Json => ({
  id: '/app',
  cmd: SLEEP,
  cpus: 0.1,
  mem: 32,
  portDefinitions: [],
  env: { A: '1' },
  ...change,
});

export async function startBench(options: Partial<LabOptions> = {}): Promise<Bench> {
  const workDirectory = await mkdtemp(join(tmpdir(), 'marathon-lab-'));
  const lab = await startMarathon({
    address: '127.0.0.1',
    agents: ['127.0.31.11', '127.0.31.12', '127.0.31.13'].map((host) => ({ host })),
    workDirectory,
    ...options,
  });
  const events: MarathonEvent[] = [];
  lab.onEvent((event) => events.push(event));
  const call: Bench['call'] = (method, path, body, headers = {}) =>
    send(lab, method, path, body === undefined ? undefined : JSON.stringify(body), headers);
  const app = async (id: string) => (await call('GET', `/v2/apps${id}`)).json.app;
  const deployments = async () => (await call('GET', '/v2/deployments')).json;
  const settled = (id: string) =>
    until(`${id} has no deployment`, async () => (await app(id)).deployments.length === 0);
  let gates = 0;
  const gate = (): Gate => {
    const file = join(workDirectory, `gate-${++gates}`);
    const command = { value: `test -e ${file}` };
    return {
      file,
      check: { protocol: 'COMMAND', command, intervalSeconds: 0.05, gracePeriodSeconds: 600 },
      cmd: `trap 'while [ ! -e ${file} ]; do sleep 0.02; done; exit 0' TERM; while :; do sleep 0.02; done`,
      open: () => writeFile(file, ''),
    };
  };
  return {
    lab,
    events,
    gate,
    call,
    app,
    deployments,
    settled,
    run: async (definition) => {
      const reply = await call('POST', '/v2/apps', definition);
      if (reply.status !== 201) throw new Error(`Not created: ${reply.status} ${reply.text}`);
      await settled(reply.json.id);
    },
    envOf: async (taskId) => {
      const text = await readFile(
        `/proc/${
          lab
            .apps()
            .flatMap(({ id }) => lab.tasks(id))
            .find(({ id }) => id === taskId)?.pid
        }/environ`,
        'utf8',
      );
      const pairs = text.split('\0').filter((pair) => pair !== '');
      return Object.fromEntries(
        pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
      );
    },
    close: async () => {
      await lab.stop();
      await rm(workDirectory, { recursive: true, force: true });
    },
  };
}

/** A call whose bytes are in the test's hands. */
export function send(
  lab: LabMarathon,
  method: string,
  path: string,
  body?: string,
  headers: Record<string, string> = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const auth = lab.user === '' ? {} : { Authorization: basic(lab.user, lab.password) };
    const content =
      body === undefined
        ? {}
        : { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(body)) };
    const outgoing = request(
      {
        host: lab.address,
        port: lab.port,
        method,
        path,
        agent: false,
        headers: { Accept: 'application/json', ...auth, ...content, ...headers },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          text += part;
        });
        response.once('error', reject);
        response.once('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: parsed(text) }),
        );
      },
    );
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

export const basic = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

function parsed(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Waits until something holds; fails with its name after `withinMs`. */
export async function until(
  what: string,
  holds: () => unknown | Promise<unknown>,
  withinMs = 15_000,
): Promise<void> {
  const deadlineMs = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > deadlineMs) throw new Error(`Not within ${withinMs} ms: ${what}`);
    await pause(10);
  }
}

export function isAlive(pid: number | undefined): boolean {
  try {
    return pid !== undefined && process.kill(pid, 0);
  } catch {
    return false;
  }
}
