import { describe, expect, it } from 'vitest';
import type { DeliveryTools, Served } from '../../../src/delivery/delivery.ts';
import { lastingChange } from '../../../src/delivery/lasting-change.ts';
import { balancersOf } from '../../../src/haproxy/balancers.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { type App, appSchema } from '../../../src/marathon/app-schema.ts';
import { makeBundle } from '../../support/bundles.ts';
import { manualClock } from '../../support/clock.ts';

const { pem } = makeBundle({ names: ['*.example.com', 'shop.example.com'] });
const OLD = { minimumHealthCapacity: 0, maximumOverCapacity: 0 };
const NEW = { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 };
const app = (changes: object = {}): App =>
  appSchema.parse({
    id: '/marathon-lb',
    instances: 2,
    networks: [{ mode: 'host' }],
    env: { HAPROXY_SSL_CERT: pem },
    upgradeStrategy: OLD,
    tasks: ['10.0.0.1', '10.0.0.2'].map((host) => ({ id: host, host, state: 'TASK_RUNNING' })),
    ...changes,
  });
const shows = (fingerprint: string): Served => ({
  fingerprint,
  issuer: 'CN=CA',
  serial: '01',
  notAfter: new Date(0),
});

/** Balancers that show what `served` says for a host and a name. */
function world(seen: App, served: (host: string, name: string) => Served) {
  const clock = manualClock();
  const asked: string[] = [];
  const tools = {
    marathon: { app: async () => seen },
    wake: { wait: async (ms: number) => clock.advance(ms), hold: () => () => undefined },
    clock,
    log: silentLog,
    signal: new AbortController().signal,
    limits: { stuckMs: 1000, lockWaitMs: 1000, pollMs: 1000, verifyMs: 3000 },
    balancersOf: (one: App) => balancersOf(one).balancers,
    handshake: async ({ host }: { host: string }, name: string) => {
      asked.push(`${name}@${host}`);
      return served(host, name);
    },
  } as unknown as DeliveryTools;
  return { tools, asked };
}

describe('lastingChange()', () => {
  it('writes nothing but the strategy, once', async () => {
    const change = await lastingChange(
      app(),
      { upgradeStrategy: NEW },
      [],
      world(app(), () => shows('a')).tools,
    );

    expect(change.isHeldBy(app())).toBe(false);
    expect(change.patchFor(app())).toEqual({ upgradeStrategy: NEW });
    expect(change.isHeldBy(app({ upgradeStrategy: NEW }))).toBe(true);
    expect(change.patchFor(app({ upgradeStrategy: NEW }))).toBeUndefined();
  });

  it.each([
    ['strategy', { upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 1 } }],
    ['number of instances', { instances: 3 }],
  ])('writes nothing when somebody changed the %s meanwhile', async (_what, changes) => {
    const change = await lastingChange(
      app(),
      { upgradeStrategy: NEW },
      [],
      world(app(), () => shows('a')).tools,
    );

    expect(() => change.patchFor(app(changes))).toThrow(
      expect.objectContaining({ code: 'DELIVERY_OVERTAKEN' }),
    );
  });

  it('asks every balancer for every name, those of wildcards too', async () => {
    const { tools, asked } = world(app(), () => shows('a'));

    const change = await lastingChange(app(), { upgradeStrategy: NEW }, ['www.example.com'], tools);
    await change.verify();

    const names = ['www.example.com', 'certathon.example.com', 'shop.example.com'];
    const pairs = names.flatMap((name) => [`${name}@10.0.0.1`, `${name}@10.0.0.2`]);
    expect(new Set(asked)).toEqual(new Set(pairs));
  });

  it('proves what was served before, and names who serves something else', async () => {
    let served = (_host: string) => shows('a'.repeat(64));
    const { tools } = world(app(), (host) => served(host));
    const change = await lastingChange(app(), { upgradeStrategy: NEW }, [], tools);
    await change.verify();

    served = (host) => (host === '10.0.0.2' ? shows('b'.repeat(64)) : shows('a'.repeat(64)));

    await expect(change.verify()).rejects.toMatchObject({
      code: 'DELIVERY_NOT_SERVED',
      message:
        'Not every balancer serves what it served before: 10.0.0.2:443 serves certificate bbbbbbbbbbbbbbbb for certathon.example.com',
    });
    expect(await change.servedAgain(undefined)).toContain('Not every balancer serves');
  });

  it('accepts any certificate where each balancer makes its own, but one that does not answer', async () => {
    const own = app({ env: {} });
    let count = 0;
    let isUp = true;
    const { tools } = world(own, () => {
      count += 1;
      return isUp ? shows(String(count)) : { unreachable: 'refused' };
    });
    const change = await lastingChange(own, { upgradeStrategy: NEW }, ['shop.example.com'], tools);

    await change.verify();
    expect(await change.servedAgain(undefined)).toBe('2 of 2 balancers serve what they served before');

    isUp = false;
    await expect(change.verify()).rejects.toMatchObject({ code: 'DELIVERY_NOT_SERVED' });
  });

  it('proves nothing of an app without a running task', async () => {
    const { tools } = world(app({ tasks: [] }), () => shows('a'));
    const change = await lastingChange(app(), { upgradeStrategy: NEW }, [], tools);

    await expect(change.verify()).rejects.toMatchObject({
      message: expect.stringContaining('/marathon-lb has no running task'),
    });
  });
});
