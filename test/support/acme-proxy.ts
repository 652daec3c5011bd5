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
  /** Decides about each answer, after the CA has done the work. */
  fate: (path: string, method: string) => Fate;
  /** Answers in the place of the CA, which never hears of the request. */
  instead: (path: string, method: string, body: Buffer) => Fate | undefined;
  /** Changes what the CA says. */
  rewrite: (path: string, body: Buffer) => Buffer;
  close(): Promise<void>;
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
