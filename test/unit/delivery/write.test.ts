import { describe, expect, it } from 'vitest';
import { LARGEST_TOTAL, LARGEST_VARIABLE } from '../../../src/delivery/change.ts';
import type { DeliveryRequest, DeliveryTools, VariablePut } from '../../../src/delivery/delivery.ts';
import { certificateChange } from '../../../src/delivery/environment.ts';
import { toVariable } from '../../../src/delivery/variable.ts';
import { writeChange } from '../../../src/delivery/write.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { type App, appSchema, type Env } from '../../../src/marathon/app-schema.ts';
import type { AppPatch } from '../../../src/marathon/client.ts';
import { makeBundle } from '../../support/bundles.ts';
import { manualClock } from '../../support/clock.ts';

const { bundle, pem } = makeBundle();
const before = makeBundle({ names: ['old.example.com'] });
const request = (changes: Partial<VariablePut> = {}): DeliveryRequest => ({
  appId: '/marathon-lb',
  put: [{ variable: 'HAPROXY_SSL_CERT', bundle, replaces: 'empty', ...changes }],
  clear: [],
  expected: [{ names: ['shop.example.com'], fingerprint: bundle.facts.fingerprint }],
  placeholderPem: undefined,
  limits: { variableBytes: LARGEST_VARIABLE, totalBytes: LARGEST_TOTAL },
});

const writeCertificate = (wanted: DeliveryRequest, tools: DeliveryTools) =>
  writeChange(certificateChange(wanted, tools), tools);

/** An app that stands still; what is written to it is only noted down. */
function standing(env: Env, deployments: string[] = []) {
  const written: Env[] = [];
  const clock = manualClock();
  const app = appSchema.parse({ id: '/marathon-lb', env, deployments: deployments.map((id) => ({ id })) });
  const tools = {
    marathon: {
      app: async () => app,
      updateApp: async (_app: App, { env: wanted = {} }: AppPatch) => {
        written.push(wanted);
        return { kind: 'locked', deployments: [], message: '' };
      },
    },
    wake: { wait: async (ms: number) => clock.advance(ms), hold: () => () => undefined },
    clock,
    log: silentLog,
    signal: new AbortController().signal,
    memory: { delivery: async () => undefined, saveDelivery: async () => undefined },
    limits: { stuckMs: 1000, lockWaitMs: 60_000, pollMs: 1000, verifyMs: 1000 },
  } as unknown as DeliveryTools;
  return { written, tools };
}

describe('writeChange() of a certificate', () => {
  it.each([
    ['holds another certificate than when it was looked at', { HAPROXY_SSL_CERT: before.pem }, 'empty'],
    ['was emptied since it was looked at', {}, before.bundle.facts.fingerprint],
    ['no longer holds ours, which only had to be proven', { HAPROXY_SSL_CERT: before.pem }, undefined],
    ['was emptied, and ours only had to be proven', {}, undefined],
  ])('writes nothing when the variable %s', async (_what, env: Env, replaces) => {
    const { tools, written } = standing(env);

    const outcome = writeCertificate(request({ replaces }), tools);

    await expect(outcome).rejects.toMatchObject({ code: 'DELIVERY_OVERTAKEN' });
    expect(written).toEqual([]);
  });

  it.each([
    ['as it was written', toVariable(pem)],
    ['in another spelling', `subject=CN = leaf\n${pem.replaceAll('\n', '\r\n')}`],
  ])('writes nothing when the certificate is there %s', async (_how, value) => {
    const { tools, written } = standing({ HAPROXY_SSL_CERT: value });

    const ours = await writeCertificate(request({ replaces: undefined }), tools);

    expect(ours).toBeUndefined();
    expect(written).toEqual([]);
  });

  it('writes nothing that Linux would not take', async () => {
    const { tools, written } = standing({});
    const huge = { ...bundle, pem: 'A'.repeat(200_000) };

    const outcome = writeCertificate(request({ bundle: huge }), tools);

    await expect(outcome).rejects.toMatchObject({ code: 'DELIVERY_TOO_LARGE' });
    expect(written).toEqual([]);
  });

  it('waits for an app that somebody else deploys, then names the deployment', async () => {
    const { tools, written } = standing({}, ['theirs']);

    const outcome = writeCertificate(request(), tools);

    await expect(outcome).rejects.toMatchObject({
      code: 'APP_LOCKED',
      message: '/marathon-lb is locked by deployment theirs; waited 60 s',
    });
    expect(written).toEqual([]);
  });

  it('gives up after five refused tries, each with everything that was there', async () => {
    const { tools, written } = standing({ KEPT: 'yes' });

    await expect(writeCertificate(request(), tools)).rejects.toMatchObject({ code: 'DELIVERY_OVERTAKEN' });

    expect(written).toEqual(
      Array.from({ length: 5 }, () => ({ KEPT: 'yes', HAPROXY_SSL_CERT: toVariable(pem) })),
    );
  });
});
