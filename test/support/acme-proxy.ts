import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, createServer, request as forward } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { TestPebble } from './pebble.ts';

/** What to do with an answer of the CA: hand it on, close the connection instead, or say something else. */
export type Fate = 'pass' | 'drop' | { status: number; headers?: Record<string, string>; body?: string };

export interface AcmeProxy {
  directoryUrl: string;
  /** `METHOD /path` of every request, in order. */
  seen: string[];
  /** What signed requests said, in order; their signatures unread. */
  asked: { path: string; payload: unknown }[];
  /** Decides about each answer, after the CA has done the work. */
  fate: (path: string, method: string) => Fate;
  /** Answers in the place of the CA, which never hears of the request. */
  instead: (path: string, method: string, body: Buffer) => Fate | undefined;
  /** Changes what the CA says. */
  rewrite: (path: string, body: Buffer) => Buffer;
  close(): Promise<void>;
}

/** The CA goes on as it is, but its directory says these things too.
 * @param meta what takes the place of members of `meta` */
export async function withMeta(
  proxy: AcmeProxy,
  pebble: TestPebble,
  meta: Record<string, unknown>,
): Promise<void> {
  const { host, pathname, port, hostname } = new URL(proxy.directoryUrl);
  const agent = new Agent({ ca: pebble.caPem });
  const asking = forward({ host: hostname, port, path: pathname, agent, headers: { host } });
  asking.end();
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  const directory = JSON.parse((await buffer(answer)).toString()) as { meta: object };
  agent.destroy();
  const body = JSON.stringify({ ...directory, meta: { ...directory.meta, ...meta } });
  const headers = { 'content-type': 'application/json' };
  proxy.fate = (path) => (path === pathname ? { status: 200, headers, body } : 'pass');
}

function payloadOf(body: Buffer): unknown {
  const { payload } = JSON.parse(body.toString()) as { payload: string };
  return payload === '' ? undefined : JSON.parse(Buffer.from(payload, 'base64url').toString());
}

/** Stands before a Pebble; the CA writes the proxy's address into its answers, since it goes by the Host header. */
export async function startAcmeProxy(pebble: TestPebble): Promise<AcmeProxy> {
  const agent = new Agent({ ca: pebble.caPem, keepAlive: true });
  const server = createServer(pebble.tls, async (request, response) => {
    const [path, method] = [request.url ?? '/', request.method ?? 'GET'];
    proxy.seen.push(`${method} ${path}`);
    const asked = await buffer(request);
    const early = proxy.instead(path, method, asked);
    if (early !== undefined && early !== 'pass') {
      if (early === 'drop') request.socket.destroy();
      else response.writeHead(early.status, early.headers).end(early.body);
      return;
    }
    const onward = forward({ host: pebble.host, port: 14000, path, method, headers: request.headers, agent });
    if (method === 'POST') proxy.asked.push({ path, payload: payloadOf(asked) });
    onward.end(asked);
    const [answer] = (await once(onward, 'response')) as [IncomingMessage];
    const told = await buffer(answer);
    const body = proxy.rewrite(path, told);
    const fate = proxy.fate(path, method);
    const { 'content-length': _length, ...rest } = answer.headers;
    const headers = body === told ? answer.headers : rest;
    if (fate === 'drop') request.socket.destroy();
    else if (fate === 'pass') response.writeHead(answer.statusCode ?? 502, headers).end(body);
    else response.writeHead(fate.status, fate.headers).end(fate.body);
  });
  server.listen(0, pebble.host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const proxy: AcmeProxy = {
    directoryUrl: `https://${pebble.host}:${port}/dir`,
    seen: [],
    asked: [],
    fate: () => 'pass',
    instead: () => undefined,
    rewrite: (_path, body) => body,
    close: async () => {
      agent.destroy();
      server.closeAllConnections();
      server.close();
    },
  };
  return proxy;
}
