import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, request, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeServerCertificate } from '../../../src/lab/authority-certificate.ts';
import { type Front, type FrontTarget, startFront } from '../../../src/lab/front.ts';
import { canBindLowPorts, claimSubnet, type Subnet } from '../../../src/lab/subnet.ts';

const tls = makeServerCertificate(['127.0.0.1']);
let subnet: Subnet;
let directory: string;
const servers: Server[] = [];
const fronts: Front[] = [];

beforeEach(async () => {
  subnet = await claimSubnet();
  directory = mkdtempSync(join(tmpdir(), 'lab-'));
});
afterEach(async () => {
  for (const front of fronts.splice(0)) await front.stop();
  for (const server of servers.splice(0)) await close(server);
  await subnet.release();
  rmSync(directory, { recursive: true, force: true });
});

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

/** What a front sees of a balancer: HTTP with the Host in the answer, TLS, and the health check. */
async function startTarget(
  last: number,
): Promise<FrontTarget & { checked: () => number; stop(): Promise<void> }> {
  const host = subnet.address(last);
  const http = createServer((asked, response) => response.end(`${last} ${asked.headers.host}`));
  const https = createTlsServer({ cert: tls.certificatePem, key: tls.keyPem }, (_, response) =>
    response.end(),
  );
  let checks = 0;
  const health = createServer((_, response) => {
    checks += 1;
    response.end('ok');
  });
  const own = [http, https, health];
  for (const [at, server] of own.entries()) {
    await new Promise<void>((resolve) => server.listen([8080, 8443, 9090][at], host, resolve));
  }
  servers.push(...own);
  return {
    host,
    httpPort: 8080,
    httpsPort: 8443,
    healthPort: 9090,
    checked: () => checks,
    stop: async () => {
      for (const server of own) {
        servers.splice(servers.indexOf(server), 1);
        await close(server);
      }
    },
  };
}

async function start(balancers: FrontTarget[], more: object = {}): Promise<Front> {
  const front = await startFront({
    address: subnet.address(100),
    balancers,
    manner: 'retrying',
    httpPort: 8000,
    httpsPort: 8001,
    directory,
    ...more,
  });
  fronts.push(front);
  return front;
}

function get(front: Front, host: string): Promise<{ body: string; headers: IncomingHttpHeaders }> {
  return new Promise((resolve, reject) => {
    request({ host: front.address, port: front.httpPort, headers: { host }, agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.once('end', () => resolve({ body, headers: response.headers }));
    })
      .once('error', reject)
      .end();
  });
}

test('off port 80 it takes the port out of the Host header, and passes TLS through', async () => {
  const front = await start([await startTarget(11)]);

  expect((await get(front, 'shop.example:8000')).body).toBe('11 shop.example');
  const subject = await new Promise((resolve, reject) => {
    const socket = connect({ host: front.address, port: front.httpsPort, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().subject.CN);
      socket.destroy();
    }).once('error', reject);
  });
  expect(subject).toBe('lab acme server');
});

test('on port 80 it takes the port out of Host too, which Pebble writes there', async () => {
  const address = subnet.address(100);
  const isAllowed = await canBindLowPorts(address);
  if (!isAllowed) return expect(process.getuid?.()).not.toBe(0);
  const front = await start([await startTarget(11)], { httpPort: 80, httpsPort: 443 });

  expect((await get(front, 'shop.example:80')).body).toBe('11 shop.example');
});

test('update() takes another list of balancers', async () => {
  const [first, second] = [await startTarget(11), await startTarget(12)];
  const front = await start([first]);
  expect((await get(front, 'a')).body).toBe('11 a');

  await front.update([second]);

  expect((await get(front, 'a')).body).toBe('12 a');
  await front.update([first]);
  await front.update([second]);
  expect((await get(front, 'a')).body).toBe('12 a');
});

describe('when a balancer dies', () => {
  test('the retrying manner loses nothing', async () => {
    const [first, second] = [await startTarget(11), await startTarget(12)];
    const front = await start([first, second]);
    await first.stop();

    const answers = [];
    for (let at = 0; at < 10; at += 1) answers.push((await get(front, 'a')).body);

    expect(answers).toEqual(Array(10).fill('12 a'));
  });

  test('the slow manner sends requests to it until two checks have failed', async () => {
    const [first, second] = [await startTarget(11), await startTarget(12)];
    const front = await start([first, second], { manner: 'slow' });
    // A server that fails its very first check (one for each backend) is out at once, whatever "fall" says.
    while (first.checked() < 2) await delay(20);
    await first.stop();

    const answers = new Set<string>();
    for (let at = 0; at < 4; at += 1) answers.add((await get(front, 'a')).body);

    expect([...answers].some((body) => body.includes('503'))).toBe(true);
    expect(answers).toContain('12 a');
    const end = Date.now() + 40_000;
    for (let good = 0; good < 6; ) {
      good = (await get(front, 'a')).body === '12 a' ? good + 1 : 0;
      if (Date.now() > end) throw new Error('The dead balancer is still used');
      await delay(50);
    }
  });
});
