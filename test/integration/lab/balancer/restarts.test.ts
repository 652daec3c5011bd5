import { createServer, request, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { makeServerCertificate } from '../../../../src/lab/authority-certificate.ts';
import { startLoad } from '../../../../src/lab/load.ts';
import { longTest } from '../../../support/whole.ts';
import { app } from './apps.ts';
import {
  cleanUp,
  PORTS,
  startTask,
  startTestBalancer,
  type TestBalancer,
  until,
  untilResting,
} from './running.ts';
import { type SmallMarathon, startSmallMarathon } from './small-marathon.ts';

let marathon: SmallMarathon;
let echo: Server | undefined;
afterEach(async () => {
  await cleanUp();
  await marathon.stop();
  echo?.closeAllConnections();
  echo?.close();
  echo = undefined;
});

const reloads = async (balancer: TestBalancer): Promise<number> =>
  (await balancer.state()).counters.reloads ?? 0;
const tls = makeServerCertificate(['127.0.0.1']);
const bundle = tls.certificatePem + tls.keyPem;

test('8.11 no request fails over ten reloads, by HTTP and by HTTPS', async () => {
  const task = await startTask('shop');
  marathon = await startSmallMarathon([app('/shop', 10001, task.port, { HAPROXY_0_VHOST: 'localhost' })]);
  const balancer = await startTestBalancer(marathon.url, [], { HAPROXY_SSL_CERT: bundle });
  await untilResting(balancer);
  const { address } = balancer;
  const common = {
    address,
    path: '/',
    servername: 'localhost',
    ratePerSecond: 60,
    maxRequests: 5000,
    maxSeconds: 50,
    timeoutMs: 10_000,
  };
  const loads = [
    startLoad({ ...common, port: PORTS.http, plain: true }),
    startLoad({ ...common, port: PORTS.https, ca: tls.caPem }),
  ];

  for (let count = 1; count <= 10; count += 1) {
    await balancer.admin('/_mlb_signal/usr1');
    await until('the reload', async () => (await reloads(balancer)) === count);
    await until('more requests', () => loads.every((load) => load.soFar().requests >= count * 5));
  }

  for (const load of loads) {
    const report = await load.stop();
    expect(report).toMatchObject({ failed: 0, failures: [] });
    expect(report.perServer).toEqual({ shop: report.requests });
  }
});

test.each([
  ['http', PORTS.http, { HAPROXY_0_VHOST: 'tunnel.example' }],
  ['tcp', 10001, {}],
])(
  '8.10 8.26 a tunnel through an %s service holds the old worker until it is closed',
  async (_name, port, labels) => {
    echo = createServer().on('upgrade', (_, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n');
      socket.on('error', () => socket.destroy()).pipe(socket);
    });
    await new Promise<void>((resolve) => echo?.listen(0, '127.0.0.1', resolve));
    marathon = await startSmallMarathon([
      app('/tunnel', 10001, (echo.address() as AddressInfo).port, labels),
    ]);
    const balancer = await startTestBalancer(marathon.url);
    await untilResting(balancer);
    const { pids: before } = await balancer.state();
    const tunnel = await upgrade(balancer.address, port);

    await balancer.admin('/_mlb_signal/usr1');
    await until('the reload', async () => (await reloads(balancer)) === 1);

    expect(await sendAndReceive(tunnel, 'still here')).toBe('still here');
    const { pids } = await balancer.state();
    expect(pids).toHaveLength(3);
    expect(pids).toEqual(expect.arrayContaining(before));
    tunnel.destroy();
    await until('the old worker is gone', async () => (await balancer.state()).pids.length === 2);
  },
);

longTest(
  '8.24 8.25 another start has another environment in effect, and nothing is served before its first generation',
  async () => {
    marathon = await startSmallMarathon([]);
    const first = await startTestBalancer(marathon.url, [], { HAPROXY_SSL_CERT: bundle });
    await untilResting(first);
    expect((await first.served('x')).subject.CN).toBe('lab acme server');
    await first.stop();
    await expect(first.served('x')).rejects.toThrow();

    const second = await startTestBalancer('http://127.0.0.1:9', [], {});
    await until('Marathon was asked in vain', () => second.process.lastOutput().includes('gave no apps'));

    await expect(second.served('x')).rejects.toThrow();
    await expect(second.admin('/_haproxy_health_check')).rejects.toThrow();
    const third = await startTestBalancer(marathon.url);
    expect((await until('it serves', () => third.served('x'))).subject.CN).toBe('*');
  },
);

longTest('8.15 in poll mode it follows at intervals and both signals answer 500', async () => {
  const task = await startTask('shop');
  marathon = await startSmallMarathon([]);
  const balancer = await startTestBalancer(marathon.url, [], { POLL_INTERVAL: '0.2' }, 'poll');
  await until('it answers', async () => (await balancer.admin('/_haproxy_health_check')).status === 200);

  marathon.apps = [app('/shop', 10001, task.port, { HAPROXY_0_VHOST: 'a.com' })];

  await until('the app is served', async () => (await balancer.http('a.com')).status === 200);
  expect((await balancer.admin('/_mlb_signal/usr1')).status).toBe(500);
  expect((await balancer.admin('/_mlb_signal/hup')).status).toBe(500);
});

longTest(
  'templates of the whole balancer come from its environment, where backslash-n is a newline',
  async () => {
    const task = await startTask('shop');
    marathon = await startSmallMarathon([app('/shop', 10001, task.port, { HAPROXY_0_VHOST: 'a.com' })]);
    const balancer = await startTestBalancer(marathon.url, [], {
      HAPROXY_HTTP_FRONTEND_HEAD:
        '\\nfrontend marathon_http_in\\n  bind *:80\\n  mode http\\n  http-request return status 418 if { path /teapot }\\n',
    });
    await untilResting(balancer);

    expect((await balancer.http('a.com', '/teapot')).status).toBe(418);
    expect((await balancer.http('a.com')).status).toBe(200);
  },
);

longTest('a HAProxy that died is started again', async () => {
  marathon = await startSmallMarathon([]);
  const balancer = await startTestBalancer(marathon.url);
  const { masterPid } = await untilResting(balancer);

  process.kill(masterPid, 'SIGKILL');

  await until('another master serves', async () => (await balancer.state()).masterPid !== masterPid);
});

function upgrade(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    request({
      host,
      port,
      headers: { host: 'tunnel.example', connection: 'upgrade', upgrade: 'echo' },
      agent: false,
    })
      .once('upgrade', (_, socket) => resolve(socket))
      .once('error', reject)
      .end();
  });
}

function sendAndReceive(socket: Socket, text: string): Promise<string> {
  return new Promise((resolve) => {
    socket.once('data', (chunk) => resolve(chunk.toString()));
    socket.write(text);
  });
}
