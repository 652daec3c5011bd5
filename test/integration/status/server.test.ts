import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { registerSecret } from '../../../src/lib/mask.ts';
import { type StatusServerOptions, startStatusServer } from '../../../src/status/server.ts';
import { type Snapshot, snapshotOf } from '../../../src/status/snapshot.ts';
import { makeBundle } from '../../support/bundles.ts';
import { NOW, observation, whole } from '../../support/observations.ts';

const TOKEN = 'correct-horse-battery';
const about = { instance: 'certathon.1', version: '1.2.3', startedAt: NOW };
const passed = {
  startedAt: NOW,
  finishedAt: NOW,
  seen: whole(observation()),
  plan: undefined,
  done: [],
  problems: [],
  notices: [],
  postponed: [],
  checkAgainAt: undefined,
  exitStatus: 0,
};
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function started(changes: Partial<StatusServerOptions> = {}) {
  const asked: { now: boolean }[] = [];
  const server = await startStatusServer({
    host: '127.0.0.1',
    port: 0,
    token: TOKEN,
    snapshot: () => snapshotOf(about, passed),
    requestPass: (options) => void asked.push(options),
    ...changes,
  });
  closers.push(server.close);
  const url = `http://127.0.0.1:${server.port}`;
  const renew = (init: RequestInit = {}) =>
    fetch(`${url}/renew`, { method: 'POST', headers: { authorization: `Bearer ${TOKEN}` }, ...init });
  return { url, asked, renew, port: server.port };
}
const failing = (message: string): Snapshot =>
  snapshotOf(about, { ...passed, problems: [{ code: 'APP_LOCKED', message }] });

describe('the status server', () => {
  it('is healthy while the program runs, whatever its certificates are like', async () => {
    const { url } = await started({ snapshot: () => failing('It is locked') });

    const response = await fetch(`${url}/health`);

    expect([response.status, await response.json()]).toEqual([200, { status: 'up' }]);
  });

  it('shows the last pass, not to be kept by anybody', async () => {
    const { url } = await started();

    const response = await fetch(`${url}/status.json`);

    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    expect(await response.json()).toEqual(JSON.parse(JSON.stringify(snapshotOf(about, passed))));
  });

  it('says 503 while something fails, and masks what others said', async () => {
    registerSecret('sesame-sesame');
    const { key } = makeBundle();
    const { url } = await started({ snapshot: () => failing(`refused sesame-sesame ${key}`) });

    const response = await fetch(`${url}/status.json`);

    const body = await response.text();
    expect(response.status).toBe(503);
    expect(body).toContain('[masked]');
    expect(body).not.toContain('sesame');
    expect(body).not.toContain(key.split('\n')[1]);
    expect(JSON.parse(body)).toMatchObject({ state: 'failing' });
  });

  it.each([
    ['GET', '/'],
    ['GET', '/renew'],
    ['GET', '/status'],
    ['GET', '/.well-known/acme-challenge/ping'],
    ['GET', '/../../etc/passwd'],
    ['PUT', '/status.json'],
    ['DELETE', '/health'],
  ])('knows nothing of %s %s', async (method, path) => {
    const { url } = await started();

    const response = await fetch(`${url}${path}`, { method });

    expect([response.status, await response.json()]).toEqual([404, { error: 'Not found' }]);
  });

  it.each([
    ['nothing', undefined, false],
    ['an empty object', '{}', false],
    ['now', '{"now":true}', true],
    ['now as a word', '{"now":"yes"}', false],
    ['null', 'null', false],
  ])('requests a pass when told %s', async (_what, body, now) => {
    const { renew, asked } = await started();

    const response = await renew(
      body === undefined
        ? {}
        : { body, headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' } },
    );

    expect([response.status, await response.json()]).toEqual([202, { requested: 'pass' }]);
    expect(asked).toEqual([{ now }]);
  });

  it.each([
    ['no token', {}],
    ['another token', { authorization: 'Bearer wrong' }],
    ['the token with something behind it', { authorization: `Bearer ${TOKEN}x` }],
    ['half of the token', { authorization: `Bearer ${TOKEN.slice(0, 5)}` }],
    ['another scheme', { authorization: `Basic ${TOKEN}` }],
    ['the bare token', { authorization: TOKEN }],
  ])('refuses control to %s', async (_who, headers) => {
    const { renew, asked } = await started();

    const response = await renew({ headers: headers as Record<string, string> });

    expect(response.status).toBe(401);
    expect(asked).toEqual([]);
  });

  it('refuses control to everybody when no token is set', async () => {
    const { renew, asked } = await started({ token: undefined });

    const response = await renew();

    expect([response.status, await response.json()]).toEqual([
      403,
      { error: 'Control is off: no admin token is set' },
    ]);
    expect(asked).toEqual([]);
  });

  it('reads the token before anything else', async () => {
    const { renew } = await started();

    const response = await renew({ headers: { 'content-type': 'application/json' }, body: '{' });

    expect(response.status).toBe(401);
  });

  it.each([
    ['no JSON', 'application/json', '{', 400],
    ['another type', 'text/html', '<html>', 415],
    ['more than 4 KiB', 'application/json', JSON.stringify({ now: true, x: 'x'.repeat(5000) }), 413],
  ])('refuses a body of %s', async (_what, type, body, status) => {
    const { renew, asked } = await started();

    const response = await renew({
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': type },
      body,
    });

    expect([response.status, await response.json()]).toEqual([status, { error: 'Bad request' }]);
    expect(asked).toEqual([]);
  });

  it('tells nothing of itself when a path can not be read', async () => {
    const { port } = await started();
    const socket = connect({ host: '127.0.0.1', port });

    socket.end('GET /%zz<script> HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');

    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).not.toContain('<script>');
  });

  it('says which port it can not have', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    closers.push(async () => void taken.close());

    await expect(started({ port })).rejects.toMatchObject({
      code: 'PORT_UNUSABLE',
      message: `The status port 127.0.0.1:${port} can not be used: EADDRINUSE`,
    });
  });

  it('closes also while somebody keeps a connection open', async () => {
    const { port } = await started();
    const socket = connect({ host: '127.0.0.1', port });
    await once(socket, 'connect');
    socket.on('error', () => undefined);
    const closed = once(socket, 'close');

    await closers.pop()?.();

    await closed;
    expect(socket.destroyed).toBe(true);
  });
});
