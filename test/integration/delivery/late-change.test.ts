import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LARGEST_TOTAL, LARGEST_VARIABLE } from '../../../src/delivery/change.ts';
import type { DeliveryRecord, DeliveryTools } from '../../../src/delivery/delivery.ts';
import { certificateChange } from '../../../src/delivery/environment.ts';
import { readVariable } from '../../../src/delivery/variable.ts';
import { writeChange } from '../../../src/delivery/write.ts';
import { type LabMarathon, startMarathon } from '../../../src/lab/marathon/start.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { createMarathonHttp } from '../../../src/marathon/calls.ts';
import { createMarathonClient, type MarathonClient } from '../../../src/marathon/client.ts';
import { makeBundle } from '../../support/bundles.ts';

const directory = mkdtempSync(join(tmpdir(), 'certathon-late-'));
let lab: LabMarathon;
let marathon: MarathonClient;
let close: () => Promise<void>;

beforeAll(async () => {
  lab = await startMarathon({
    address: '127.0.0.1',
    agents: [{ host: '127.0.0.1' }],
    workDirectory: directory,
  });
  const http = createMarathonHttp({
    baseUrls: [lab.url],
    auth: { user: lab.user, password: lab.password },
    timeoutMs: 10_000,
    connectTimeoutMs: 5_000,
    userAgent: 'test',
    clock: systemClock,
    log: silentLog,
  });
  close = () => http.close();
  marathon = createMarathonClient({ http, clock: systemClock, log: silentLog });
});
afterAll(async () => {
  await close?.();
  await lab?.stop();
  rmSync(directory, { recursive: true, force: true });
});

it('keeps what somebody wrote between our read and our write, also when our deployment is over by then', async () => {
  // Without instances a deployment ends at once, so there is none left to take back.
  const authorization = `Basic ${Buffer.from(`${lab.user}:${lab.password}`).toString('base64')}`;
  const send = (method: string, path: string, body: unknown) =>
    fetch(`${lab.url}${path}`, {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  await send('POST', '/v2/apps', {
    id: '/marathon-lb',
    cmd: 'sleep 1000',
    instances: 0,
    env: { KEPT: 'yes' },
  });
  const { bundle } = makeBundle({ names: ['shop.example.com'] });
  let interfered = 0;
  const disturbed = new Proxy(marathon, {
    get: (target, name) => {
      const value = Reflect.get(target, name);
      if (name !== 'updateApp' || interfered > 0)
        return typeof value === 'function' ? value.bind(target) : value;
      return async (...args: Parameters<MarathonClient['updateApp']>) => {
        interfered += 1;
        await send('PUT', '/v2/apps/marathon-lb', { env: { KEPT: 'yes', THEIRS: 'new' } });
        return target.updateApp(...args);
      };
    },
  });
  let record: DeliveryRecord | undefined;

  const tools = {
    marathon: disturbed,
    wake: {
      wait: (ms: number, signal: AbortSignal) => systemClock.sleep(ms, signal),
      hold: () => () => undefined,
    },
    clock: systemClock,
    log: silentLog,
    signal: new AbortController().signal,
    memory: {
      delivery: async () => record,
      saveDelivery: async (saved: DeliveryRecord) => {
        record = saved;
      },
      removeDelivery: async () => {
        record = undefined;
      },
    },
    limits: { stuckMs: 5_000, lockWaitMs: 5_000, pollMs: 50, verifyMs: 5_000 },
  } as unknown as DeliveryTools;
  const request = {
    appId: '/marathon-lb',
    put: [{ variable: 'HAPROXY_SSL_CERT', bundle, replaces: 'empty' }],
    clear: [],
    expected: [{ names: ['shop.example.com'], fingerprint: bundle.facts.fingerprint }],
    placeholderPem: undefined,
    limits: { variableBytes: LARGEST_VARIABLE, totalBytes: LARGEST_TOTAL },
  };

  await writeChange(certificateChange(request, tools), tools);

  const { env } = await marathon.app('/marathon-lb');
  const held = readVariable(env.HAPROXY_SSL_CERT);
  expect(interfered).toBe(1);
  expect({ kept: env.KEPT, theirs: env.THEIRS }).toEqual({ kept: 'yes', theirs: 'new' });
  expect(held.kind === 'certificate' && held.facts.fingerprint).toBe(bundle.facts.fingerprint);
});
