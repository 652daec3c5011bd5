import { createHash } from 'node:crypto';
import { type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type StartedProcess, startProcess } from '../../../src/lab/process.ts';
import { claimSubnet, type Subnet } from '../../../src/lab/subnet.ts';
import { until } from './balancer/running.ts';

const WEB = resolve(import.meta.dirname, '../../../src/lab/web.ts');
let subnet: Subnet;
let web: StartedProcess;
let base: string;

beforeEach(async () => {
  subnet = await claimSubnet();
  const host = subnet.address(11);
  base = `http://${host}:31000`;
  web = await startProcess(process.execPath, [WEB], {
    env: { HOST: host, PORT0: '31000', MESOS_TASK_ID: 'web.1', MARATHON_APP_ID: '/web', VERSION: 'two' },
  });
  await until('it answers', async () => (await fetch(`${base}/health`)).ok);
});
afterEach(async () => {
  await web.stop(0);
  await subnet.release();
});

test('it says who it is', async () => {
  const answer = await fetch(`${base}/`);

  expect(answer.headers.get('x-task')).toBe('web.1');
  expect(await answer.json()).toMatchObject({ task: 'web.1', app: '/web', version: 'two' });
});

test('SIGTERM: what runs is finished and counted, nothing new is taken', async () => {
  const slow = fetch(`${base}/slow?ms=700`);
  await until('the request has come', async () => (await fetch(`${base}/health`)).ok);

  web.signal('SIGTERM');

  expect((await slow).status).toBe(200);
  expect(await web.ended).toEqual({ code: 0, signal: null });
  await expect(fetch(`${base}/health`)).rejects.toThrow();
  await web.outputEnded;
  expect(web.lastOutput()).toBe('{"event":"stopping","running":1}');
});

test('an upload is answered with what arrived, also when it ends after SIGTERM', async () => {
  const digest = createHash('sha256').update('half of it, and the rest').digest('hex');
  const answer = new Promise<IncomingMessage>((done, fail) => {
    const upload = request(`${base}/upload`, { method: 'POST' }).once('response', done).once('error', fail);
    upload.write('half of it, ', () => {
      setTimeout(() => {
        web.signal('SIGTERM');
        upload.end('and the rest');
      }, 200);
    });
  });

  expect(JSON.parse(await text(await answer))).toEqual({ bytes: 24, sha256: digest });
  expect(await web.ended).toEqual({ code: 0, signal: null });
});

test('an upload without an end is refused', async () => {
  const whole = request(`${base}/upload`, { method: 'POST' });
  const status = new Promise<number | undefined>((done) => {
    whole.once('response', (response) => done(response.statusCode));
    whole.on('error', () => undefined);
  });
  const piece = Buffer.alloc(1024 * 1024);
  for (let sent = 0; sent < 70; sent += 1) whole.write(piece);

  expect(await status).toBe(413);
  whole.destroy();
});

test('8.26 a download lasts as long as it is told, and a tunnel sends back what it gets', async () => {
  const download = await fetch(`${base}/download?seconds=0.3`);
  expect((await download.text()).length).toBe(3 * 64);

  const socket = await new Promise<Socket>((done, fail) => {
    request(base, { headers: { connection: 'upgrade', upgrade: 'echo' } })
      .once('upgrade', (_, upgraded) => done(upgraded))
      .once('error', fail)
      .end();
  });
  const back = new Promise<string>((done) => socket.once('data', (chunk) => done(chunk.toString())));
  socket.write('hello');
  expect(await back).toBe('hello');
  socket.destroy();
});
