import { once } from 'node:events';
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Lab } from '../../src/lab/cluster.ts';

/** One write to Marathon, as the step of a rollout that it is. */
export interface Write {
  step: 'create' | 'scale' | 'kill' | 'delete' | 'cancel';
  /** Of the app, or what the path ends with. */
  what: string;
  body: string;
}

/** What becomes of a write.
 * `kill-before`: its writer is killed, and Marathon never hears of it. `kill-after`: Marathon has taken it, and its
 * writer is killed when it has the answer. `lose-reply`: Marathon has taken it, and the connection is closed. */
export type Fate = 'pass' | 'kill-before' | 'kill-after' | 'lose-reply';

export interface MarathonProxy {
  url: string;
  /** Writes that Marathon was handed, in order, with its status. */
  taken: (Write & { status: number; atMs: number })[];
  /** Decides about each write, before it is handed on. */
  fate: (write: Write) => Fate;
  /** Kills whoever writes. Nothing of it is handed on afterwards until `admit()`. */
  kill: () => void;
  /** A new writer comes. */
  admit(): void;
  close(): Promise<void>;
}

/** Stands between a program and the lab's Marathon, so that the program can be killed at exact moments. */
export async function startMarathonProxy(lab: Lab): Promise<MarathonProxy> {
  const { address, port } = lab.marathon;
  let isDead = false;
  const end = (): void => {
    isDead = true;
    proxy.kill();
  };
  const handOn = async (
    request: IncomingMessage,
    body: Buffer,
    response: ServerResponse,
  ): Promise<IncomingMessage> => {
    const onward = forward({
      ...{ host: address, port, path: request.url, method: request.method, agent: false },
      headers: { ...request.headers, host: `${address}:${port}` },
    });
    // A stream of events that nobody reads any more.
    response.once('close', () => onward.destroy());
    onward.end(body);
    const [answer] = (await once(onward, 'response')) as [IncomingMessage];
    return answer;
  };
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await buffer(request);
    const write = writeOf(request, body.toString());
    const fate = write === undefined || isDead ? 'pass' : proxy.fate(write);
    if (fate === 'kill-before') end();
    if (isDead) return void request.socket.destroy();
    const answer = await handOn(request, body, response);
    const status = answer.statusCode ?? 502;
    if (write !== undefined) proxy.taken.push({ ...write, status, atMs: Date.now() });
    if (fate === 'lose-reply') return void request.socket.destroy();
    response.writeHead(status, answer.headers);
    if (fate === 'kill-after') response.once('finish', end);
    answer.on('error', () => response.destroy());
    answer.pipe(response);
  };
  const server = createServer((request, response) => {
    serve(request, response).catch(() => request.socket.destroy());
  });
  server.listen(0, lab.subnet.address(7));
  await once(server, 'listening');
  const bound = server.address() as AddressInfo;
  const proxy: MarathonProxy = {
    url: `http://${bound.address}:${bound.port}`,
    taken: [],
    fate: () => 'pass',
    kill: () => undefined,
    admit: () => {
      isDead = false;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return proxy;
}

function writeOf({ method, url = '' }: IncomingMessage, body: string): Write | undefined {
  if (method === 'GET') return undefined;
  const [path = ''] = url.split('?');
  const [, of, id] = /^\/v2\/(apps|deployments)\/(.+)$/.exec(path) ?? [];
  if (path === '/v2/tasks/delete') return { step: 'kill', what: path, body };
  if (of === 'deployments') return { step: 'cancel', what: id ?? '', body };
  const step = method === 'POST' ? 'create' : method === 'PUT' ? 'scale' : 'delete';
  return { step, what: id === undefined ? path : `/${id}`, body };
}
