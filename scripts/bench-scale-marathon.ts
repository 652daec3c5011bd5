import { createServer, request, type Server } from 'node:http';
import type { Lab } from '../src/lab/cluster.ts';

/** The lab's Marathon with the list of all apps answered from memory: to write it anew for each pass would measure the
 * lab. Everything else is the lab's own answer.
 * @returns its address, and what ends it */
export async function startPrepared(
  { marathon, api }: Lab,
  host: string,
): Promise<{ url: string; bytes: number; stop(): Promise<void> }> {
  const { status, body } = await api('GET', '/v2/apps');
  if (status !== 200) throw new Error(`The lab answered GET /v2/apps with ${status}`);
  const apps = Buffer.from(JSON.stringify(body));
  const behind = new URL(marathon.url);
  const server = createServer((incoming, outgoing) => {
    if (incoming.method === 'GET' && incoming.url === '/v2/apps') {
      outgoing.writeHead(200, { 'content-type': 'application/json', 'content-length': apps.length });
      outgoing.end(apps);
      return;
    }
    const { method, url: path } = incoming;
    // The lab's Marathon answers to its own address only.
    const headers = { ...incoming.headers, host: behind.host };
    const onward = request({ host: behind.hostname, port: behind.port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => onward.destroy());
    incoming.pipe(onward);
  });
  await listening(server, host);
  const { port } = server.address() as { port: number };
  return {
    url: `http://${host}:${port}`,
    bytes: apps.length,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

function listening(server: Server, host: string): Promise<void> {
  return new Promise((done, failed) => {
    server.once('error', failed);
    server.listen(0, host, done);
  });
}
