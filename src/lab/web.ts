import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { createServer } from '../lib/node-http.ts';

/** A small web app, as a task of the lab: `node web.ts` on $HOST:$PORT0. `/` says who it is, `/health` whether it takes
 * requests, `/slow?ms=` answers late, `/download?seconds=` for so long, `/upload` tells what arrived, and `Upgrade: echo`
 * opens a tunnel that sends back what it gets. SIGTERM: finishes what runs, takes nothing new, and writes how many
 * requests it has not answered yet: `{"event":"stopping","running":0}`. */
const LONGEST_MS = 15 * 60_000;
const CHUNK_MS = 100;
const MOST_UPLOAD_BYTES = 64 * 1024 * 1024;

const who = {
  task: process.env.MESOS_TASK_ID ?? '',
  app: process.env.MARATHON_APP_ID ?? '',
  version: process.env.VERSION ?? process.env.MARATHON_APP_VERSION ?? '',
  host: process.env.HOST ?? '127.0.0.1',
  port: Number(process.env.PORT0 ?? 8080),
};
let isStopping = false;
/** Health checks are nobody's request. */
let running = 0;

const server = createServer((request, response) => {
  response.setHeader('x-task', who.task);
  if (request.url !== '/health') {
    running += 1;
    response.once('close', () => {
      running -= 1;
    });
  }
  const url = new URL(request.url ?? '/', 'http://web');
  if (isStopping) response.setHeader('connection', 'close');
  response.once('close', () => isStopping && setImmediate(() => server.closeIdleConnections()));
  answer(url, request, response).catch(() => response.destroy());
});

async function answer(url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
  switch (url.pathname) {
    case '/health':
      response.writeHead(isStopping ? 503 : 200).end('ok\n');
      return;
    case '/slow':
      await delay(duration(url, 'ms', 1));
      response.end(`${JSON.stringify(who)}\n`);
      return;
    case '/download':
      await drip(response, duration(url, 'seconds', 1000));
      return;
    case '/upload':
      await weigh(request, response);
      return;
    case '/':
      response.writeHead(200, { 'content-type': 'application/json' }).end(`${JSON.stringify(who)}\n`);
      return;
    default:
      response.writeHead(404).end('Not found\n');
  }
}

async function drip(response: ServerResponse, totalMs: number): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/octet-stream' });
  for (let sentMs = 0; sentMs < totalMs && !response.destroyed; sentMs += CHUNK_MS) {
    response.write('.'.repeat(64));
    await delay(CHUNK_MS);
  }
  response.end();
}

async function weigh(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= MOST_UPLOAD_BYTES) hash.update(chunk);
    // Answered at once, and the rest is read and forgotten: a closed connection could swallow the answer.
    else if (!response.headersSent) response.writeHead(413).end('Too long\n');
  }
  if (response.headersSent) return;
  response
    .writeHead(200, { 'content-type': 'application/json' })
    .end(`${JSON.stringify({ bytes, sha256: hash.digest('hex') })}\n`);
}

function duration(url: URL, name: string, unitMs: number): number {
  const value = Number(url.searchParams.get(name) ?? 1) * unitMs;
  return Math.min(Math.max(Number.isFinite(value) ? value : 0, 0), LONGEST_MS);
}

server.on('upgrade', (request, socket) => {
  socket.on('error', () => socket.destroy());
  if (request.headers.upgrade !== 'echo') {
    socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n');
    return;
  }
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\nx-task: ${who.task}\r\n\r\n`,
  );
  socket.pipe(socket);
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    if (!isStopping) console.log(JSON.stringify({ event: 'stopping', running }));
    isStopping = true;
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
}
server.listen(who.port, who.host);
