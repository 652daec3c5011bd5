import { request as httpsRequest } from 'node:https';
import { afterAll, expect, test } from 'vitest';
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
import { startSmallMarathon } from './small-marathon.ts';

afterAll(cleanUp);

/** Who answers a request over TLS. */
function answering({ address }: TestBalancer, servername: string): Promise<unknown> {
  return new Promise((done, fail) => {
    const options = { host: address, port: PORTS.https, servername, rejectUnauthorized: false, agent: false };
    const sent = httpsRequest({ ...options, headers: { host: servername } }, (response) => {
      response.resume();
      response.once('end', () => done(response.headers['x-task']));
    });
    sent.once('error', fail);
    sent.end();
  });
}

test('with --group-https-by-vhost each name has a frontend of its own, for two balancers at once, and an unknown name none', async () => {
  const a = await startTask('a');
  const b = await startTask('b');
  const marathon = await startSmallMarathon([
    app('/a', 10001, a.port, { HAPROXY_0_VHOST: 'a.example' }),
    app('/b', 10002, b.port, { HAPROXY_0_VHOST: 'b.example,c.example' }),
  ]);
  const balancers = [
    await startTestBalancer(marathon.url, ['--group-https-by-vhost']),
    await startTestBalancer(marathon.url, ['--group-https-by-vhost']),
  ];

  for (const balancer of balancers) {
    await untilResting(balancer);
    expect(await until('a.example answers', () => answering(balancer, 'a.example'))).toBe('a');
    expect(await answering(balancer, 'b.example')).toBe('b');
    expect(await answering(balancer, 'c.example')).toBe('b');
    await expect(balancer.served('nobody.example')).rejects.toThrow();
  }
});
