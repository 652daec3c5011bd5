import { createConnection } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { servedCertificate } from '../../../src/haproxy/handshake.ts';
import { makeServerCertificate } from '../../../src/lab/authority-certificate.ts';
import { type Lab, startLab } from '../../../src/lab/cluster.ts';
import { webApp } from '../../../src/lab/definitions.ts';

let lab: Lab;
const bundle = makeServerCertificate(['127.0.0.1']);

beforeAll(async () => {
  lab = await startLab({ publicAgents: 3 });
  await lab.run(webApp('/shop', 'shop.example.com', 1, { HAPROXY_0_REDIRECT_TO_HTTPS: 'false' }));
});
afterAll(() => lab?.stop());

async function until(what: string, condition: () => Promise<boolean> | boolean): Promise<void> {
  for (const end = Date.now() + 30_000; !(await condition()); ) {
    if (Date.now() > end) throw new Error(`Not within 30 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Whether the balancer on this agent serves the shop over plain HTTP. */
async function servesShop(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(lab.ports.http, host, () =>
      socket.write('GET / HTTP/1.1\r\nHost: shop.example.com\r\nConnection: close\r\n\r\n'),
    );
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.on('close', () => resolve(text.startsWith('HTTP/1.1 200')));
    socket.on('error', () => resolve(false));
  });
}

const hostsOfBalancers = (): string[] =>
  lab.marathon
    .tasks('/marathon-lb')
    .filter(({ isDying, state }) => !isDying && state === 'TASK_RUNNING')
    .map(({ host }) => host);

async function settled(): Promise<void> {
  await until(
    'no deployment runs',
    async () => ((await lab.api('GET', '/v2/deployments')).body as unknown[]).length === 0,
  );
}

describe('the lab as a whole, marathon-lb.md section 8', () => {
  it('8.23 several balancers stand side by side, each on its own address, and each serves the app', async () => {
    expect(new Set(hostsOfBalancers()).size).toBe(2);

    for (const host of hostsOfBalancers()) await until(`${host} serves the shop`, () => servesShop(host));
  });

  it('8.23 a balancer that restarts serves again, and one that is added during a deployment joins', async () => {
    const [killed] = lab.marathon.tasks('/marathon-lb');
    process.kill(killed?.pid as number, 'SIGKILL');
    await until(
      'Marathon has replaced it',
      () =>
        !lab.marathon.tasks('/marathon-lb').some(({ id }) => id === killed?.id) &&
        hostsOfBalancers().length === 2,
    );
    await lab.api('PUT', '/v2/apps/shop', { env: { VERSION: '2' } });
    await lab.api('PUT', '/v2/apps/marathon-lb', { instances: 3 });
    await settled();

    expect(hostsOfBalancers().sort()).toEqual(lab.publicAgents);
    for (const host of lab.publicAgents) await until(`${host} serves the shop`, () => servesShop(host));
  });

  it('8.25 a changed HAPROXY_SSL_CERT makes new tasks, in which it is in effect, and cuts the connections of the old', async () => {
    const before = lab.marathon.tasks('/marathon-lb').map(({ id }) => id);
    const idle = createConnection(lab.ports.http, lab.publicAgents[0] as string);
    const cut = new Promise((resolve) => idle.once('close', resolve));
    idle.on('error', () => undefined);

    await lab.api('PUT', '/v2/apps/marathon-lb', {
      env: {
        ...(await envOfBalancers()),
        HAPROXY_SSL_CERT: `${bundle.certificatePem}${bundle.keyPem}`.replaceAll('\n', '\\n'),
      },
    });
    await cut;
    await settled();

    expect(lab.marathon.tasks('/marathon-lb').some(({ id }) => before.includes(id))).toBe(false);
    for (const host of hostsOfBalancers()) {
      const served = await servedCertificate({
        host,
        port: lab.ports.https,
        servername: 'any.example.com',
        timeoutMs: 5000,
      });
      expect('subjectAltNames' in served ? served.subjectAltNames : served).toEqual([
        'localhost',
        '127.0.0.1',
      ]);
    }
  });

  it('8.25 on agents that are all taken the new task finds no port, and the deployment does not end', async () => {
    await lab.api('PUT', '/v2/apps/marathon-lb', {
      upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 0 },
    });
    await until('it waits for offers', async () => {
      const { queue } = (await lab.api('GET', '/v2/queue')).body as {
        queue: { count: number; delay: { overdue: boolean } }[];
      };
      return queue.some(({ count, delay }) => count > 0 && delay.overdue);
    });

    expect(hostsOfBalancers().sort()).toEqual(lab.publicAgents);
    expect((await lab.api('GET', '/v2/deployments')).body).toHaveLength(1);
    for (const host of lab.publicAgents) expect(await servesShop(host)).toBe(true);
  });
});

async function envOfBalancers(): Promise<Record<string, string>> {
  const { body } = await lab.api('GET', '/v2/apps/marathon-lb');
  return (body as { app: { env: Record<string, string> } }).app.env;
}
