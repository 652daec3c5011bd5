import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { createServer } from '../../lib/node-http.ts';
import type { Haproxy } from './haproxy.ts';
import { type Counters, readSwitches, type Switches } from './switches.ts';

const LONGEST_BODY = 4096;

export interface AdminParts {
  directory: string;
  haproxy: Haproxy;
  switches: Switches;
  counters: Counters;
  /** Whether a process that takes signals is there: always in sse mode. */
  takesSignals(): boolean;
  regenerate(): void;
  reload(): void;
  switched(): void;
  state(): Record<string, unknown>;
}

/** What marathon-lb answers on port 9090 by Lua, behind HAProxy on a unix socket, so that the port behaves as one.
 * `/_lab/state` and `/_lab/switches` (GET, POST JSON) are the lab's own. */
export async function startAdmin(socketPath: string, parts: AdminParts): Promise<void> {
  const server = createServer((request, response) => {
    answer(request, parts).then(
      ({ status, body, type }) => send(response, status, body, type),
      (error: unknown) => send(response, 400, `${error instanceof Error ? error.message : error}\n`),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, resolve);
  });
}

interface Answer {
  status: number;
  body: string;
  type?: string;
}

async function answer(request: IncomingMessage, parts: AdminParts): Promise<Answer> {
  const path = new URL(request.url ?? '/', 'http://balancer').pathname;
  switch (path) {
    case '/_haproxy_getpids':
      return { status: 200, body: parts.haproxy.pids().join(' ') };
    case '/_haproxy_getconfig':
      return { status: 200, body: parts.haproxy.servedConfig };
    case '/_haproxy_getvhostmap':
      return { status: 200, body: await readMap(parts, 'domain2backend.map') };
    case '/_haproxy_getappmap':
      return { status: 200, body: await readMap(parts, 'app2backend.map') };
    case '/_mlb_signal/hup':
      return takeSignal('SIGHUP', parts);
    case '/_mlb_signal/usr1':
      return takeSignal('SIGUSR1', parts);
    case '/_lab/state':
      return json({ ...parts.state(), counters: parts.counters, switches: parts.switches });
    case '/_lab/switches':
      if (request.method === 'POST') {
        Object.assign(parts.switches, readSwitches(await readBody(request)));
        parts.switched();
      }
      return json(parts.switches);
    default:
      return { status: 404, body: 'Not found\n' };
  }
}

/** 200 means only that the signal was sent; the work is done later. */
function takeSignal(name: 'SIGHUP' | 'SIGUSR1', parts: AdminParts): Answer {
  const { switches, counters } = parts;
  if (switches.signalStatus === 500 || !parts.takesSignals()) {
    const body = `Failed to send ${name} signal to marathon-lb (exit code 1). Is marathon-lb running in 'poll' mode?`;
    return { status: 500, body };
  }
  if (name === 'SIGHUP') {
    counters.hup += 1;
    parts.regenerate();
  } else {
    counters.usr1 += 1;
    if (switches.dropUsr1 > 0) switches.dropUsr1 -= 1;
    else if (switches.delayUsr1Ms > 0) setTimeout(parts.reload, switches.delayUsr1Ms);
    else parts.reload();
  }
  return { status: 200, body: `Sent ${name} signal to marathon-lb` };
}

function readMap(parts: AdminParts, name: string): Promise<string> {
  return readFile(join(parts.directory, name), 'utf8').catch(() => '');
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) {
    body += String(chunk);
    if (body.length > LONGEST_BODY) throw new Error(`A body has at most ${LONGEST_BODY} characters`);
  }
  return body;
}

function json(value: unknown): Answer {
  return { status: 200, body: `${JSON.stringify(value)}\n`, type: 'application/json' };
}

function send(response: ServerResponse, status: number, body: string, type = 'text/plain'): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
