import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Served } from '../../../src/delivery/delivery.ts';
import { type DirectoryTools, deliverByDirectory } from '../../../src/delivery/directory.ts';
import { prepareDirectory } from '../../../src/delivery/directory-files.ts';
import { unprovenChanges } from '../../../src/delivery/directory-record.ts';
import type { Balancer } from '../../../src/haproxy/balancers.ts';
import { makeBundle } from '../../support/bundles.ts';
import { type ManualClock, manualClock } from '../../support/clock.ts';
import { deliveryOf, failureOf } from '../../support/directory.ts';
import { type ToolChanges, toolsFor } from '../../support/directory-tools.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const directory = temporaryDirectory();
const START_MS = Date.UTC(2026, 10, 22);
const { pem, bundle } = makeBundle();
const FILE = 'shop.example.com.pem';

beforeEach(() => prepareDirectory(directory.path, pem, { mode: 0o600, now: new Date(START_MS) }));

const balancer = (id: string): Balancer => ({
  id,
  host: id,
  tlsPort: 443,
  adminPort: 9090,
  version: undefined,
  isAlive: true,
});

const certificate = (fingerprint: string): Served => ({
  fingerprint,
  issuer: 'CA',
  serial: '01',
  notAfter: new Date(0),
});

/** Balancers as plain values: each serves the new certificate from its first signal on. */
function cluster(ids: string[], change: ToolChanges = {}) {
  const clock: ManualClock = manualClock(START_MS);
  const signals: { id: string; afterMs: number }[] = [];
  const saved: Date[] = [];
  const there = new Set(ids);
  const made = toolsFor(() => [...there].map(balancer), {
    clock,
    handshake: async ({ id }) =>
      certificate(signals.some((each) => each.id === id) ? bundle.facts.fingerprint : 'old'),
    requestReload: async ({ id }) => {
      signals.push({ id, afterMs: clock.nowMs() - START_MS });
      return { kind: 'sent' };
    },
    pidsOf: async () => [1, 2],
    memory: { lastReloadAt: async () => saved.at(-1), saveReloadAt: async (at) => void saved.push(at) },
    ...change,
    limits: {
      reloadIntervalMs: 60_000,
      verifyMs: 30_000,
      reloadWaitMs: 10_000,
      pollMs: 500,
      ...change.limits,
    },
  });
  return { ...made, clock, signals, saved, there };
}

const delivery = () => deliveryOf(directory.path, [{ file: FILE, bundle }]);

/** Lets time pass until the delivery has ended. */
async function running(clock: ManualClock, work: Promise<unknown>): Promise<void> {
  let isOver = false;
  const watched = work.finally(() => {
    isOver = true;
  });
  watched.catch(() => undefined);
  while (!isOver) {
    await Promise.race([clock.untilSleeping().catch(() => undefined), watched.catch(() => undefined)]);
    if (!isOver) await clock.advance(clock.nextDueMs() ?? 0);
  }
  await watched;
}

const run = ({ clock, tools }: { clock: ManualClock; tools: DirectoryTools }) =>
  running(clock, deliverByDirectory(delivery(), tools));

describe('deliverByDirectory() in time', () => {
  it('waits until the last reload is an interval ago, with the files already in place', async () => {
    const seen = cluster(['a', 'b']);
    seen.saved.push(new Date(START_MS - 20_000));

    await run(seen);

    expect(seen.signals).toEqual([
      { id: 'a', afterMs: 40_000 },
      { id: 'b', afterMs: 40_000 },
    ]);
    expect(seen.saved.at(-1)).toEqual(new Date(START_MS + 40_000));
  });

  it('does not signal after the wait who has meanwhile read the files by itself', async () => {
    const seen = cluster(['a', 'b'], {
      handshake: async ({ id }) =>
        certificate(
          seen.signals.some((each) => each.id === id) || (id === 'a' && seen.clock.nowMs() > START_MS)
            ? bundle.facts.fingerprint
            : 'old',
        ),
    });
    seen.saved.push(new Date(START_MS));

    await run(seen);

    expect(seen.signals).toEqual([{ id: 'b', afterMs: 60_000 }]);
  });

  it('does not wait for a last reload that lies in the future', async () => {
    const seen = cluster(['a']);
    seen.saved.push(new Date(START_MS + 86_400_000));

    await run(seen);

    expect(seen.signals).toEqual([{ id: 'a', afterMs: 0 }]);
  });

  it('does not wait at all when everybody serves what they should', async () => {
    const seen = cluster(['a'], { handshake: async () => certificate(bundle.facts.fingerprint) });
    seen.saved.push(new Date(START_MS));

    await run(seen);

    expect(seen.signals).toEqual([]);
    expect(seen.clock.nowMs()).toBe(START_MS);
  });

  it.each([
    ['forward', 86_400_000],
    ['back', -86_400_000],
  ])('neither gives up nor waits for ever when the clock is set %s meanwhile', async (_how, ms) => {
    const seen = cluster(['a'], {
      requestReload: async () => {
        seen.signals.push({ id: 'a', afterMs: seen.clock.monotonicMs() - START_MS });
        if (seen.signals.length === 1) seen.clock.set(ms);
        return { kind: 'sent' };
      },
      // The first signal is lost.
      handshake: async () => certificate(seen.signals.length > 1 ? bundle.facts.fingerprint : 'old'),
    });

    await run(seen);

    expect(seen.signals.map(({ afterMs }) => afterMs)).toEqual([0, 10_000]);
  });

  it('takes along who appears and forgets who is gone', async () => {
    const seen = cluster(['a', 'gone']);
    const { requestReload } = seen.tools;
    const tools: DirectoryTools = {
      ...seen.tools,
      handshake: async (asked, name, signal) =>
        asked.id === 'gone' ? certificate('old') : seen.tools.handshake(asked, name, signal),
      requestReload: async (asked, signal) => {
        if (asked.id === 'a') {
          seen.there.delete('gone');
          seen.there.add('new');
        }
        return requestReload(asked, signal);
      },
    };

    await running(seen.clock, deliverByDirectory(delivery(), tools));

    expect(seen.lines.at(-1)).toMatchObject({ event: 'delivery.verified', balancers: ['a', 'new'] });
  });

  it('goes on with the balancers it knows while Marathon is away, and needs it only once', async () => {
    let asked = 0;
    const seen = cluster(['a'], {
      balancers: async () => {
        asked += 1;
        if (asked > 1) throw new Error('Marathon is away');
        return [balancer('a')];
      },
    });

    await run(seen);

    expect(asked).toBeGreaterThan(1);
    expect(seen.signals).toHaveLength(1);
  });

  it('fails without any balancer, keeps the file, and knows in the next run that it is not proven', async () => {
    const seen = cluster([]);

    const error = await failureOf(run(seen));

    expect(error).toMatchObject({
      code: 'DELIVERY_NOT_SERVED',
      message: 'The certificate is not served: no balancer was found',
    });
    // The time of one signal, not of a whole proof: there is nobody to prove anything.
    expect(seen.clock.nowMs()).toBe(START_MS + 10_000);
    expect(readdirSync(join(directory.path, 'certs'))).toEqual([FILE]);
    expect(await unprovenChanges(directory.path)).toMatchObject([{ file: FILE }]);
  });

  it('goes back to what was served last, though the run that put it there could not prove it', async () => {
    const [old, renewed] = [makeBundle().bundle, makeBundle().bundle];
    writeFileSync(join(directory.path, 'certs', FILE), old.pem);
    const none = cluster([]);
    await failureOf(run(none));
    // Meanwhile all balancers were restarted by somebody.
    const seen = cluster(['a', 'b'], { handshake: async () => certificate(bundle.facts.fingerprint) });

    const refused = deliverByDirectory(
      deliveryOf(directory.path, [{ file: FILE, bundle: renewed }]),
      seen.tools,
    );
    const error = await failureOf(running(seen.clock, refused));

    expect(error.message).toContain('2 of 2 balancers serve the old certificate');
    expect(readFileSync(join(directory.path, 'certs', FILE), 'utf8')).toBe(bundle.pem);
    expect(await unprovenChanges(directory.path)).toEqual([]);
  });

  it('goes back to what was served before two changes that nobody has loaded', async () => {
    const [old, renewed] = [makeBundle().bundle, makeBundle().bundle];
    writeFileSync(join(directory.path, 'certs', FILE), old.pem);
    await failureOf(run(cluster([])));
    const seen = cluster(['a'], { handshake: async () => certificate(old.facts.fingerprint) });

    const refused = deliverByDirectory(
      deliveryOf(directory.path, [{ file: FILE, bundle: renewed }]),
      seen.tools,
    );
    await failureOf(running(seen.clock, refused));

    expect(readFileSync(join(directory.path, 'certs', FILE), 'utf8')).toBe(old.pem);
  });

  it('signals also who answers no handshake, and says both', async () => {
    const seen = cluster(['a', 'b'], {
      handshake: async ({ id }) =>
        id === 'a' ? { unreachable: 'refused' } : certificate(bundle.facts.fingerprint),
      requestReload: async () => ({ kind: 'unreachable', reason: 'connect ECONNREFUSED' }),
    });

    const error = await failureOf(run(seen));

    expect(error.message).toBe(
      'The certificate is not served: a:443 (a) does not answer (refused); its admin port is unreachable: connect ECONNREFUSED',
    );
    expect(seen.lines.filter(({ event }) => event === 'balancer.unreachable')).toHaveLength(3);
    expect(seen.lines.map((line) => JSON.stringify(line)).join()).not.toContain('PRIVATE KEY');
  });

  it('asks for a host that a wildcard stands for', async () => {
    const wild = makeBundle({ names: ['*.example.com'] }).bundle;
    const asked = new Set<string>();
    const seen = cluster(['a'], {
      handshake: async (_, name) => {
        asked.add(name);
        return certificate(wild.facts.fingerprint);
      },
    });

    await running(
      seen.clock,
      deliverByDirectory(
        deliveryOf(directory.path, [{ file: '*.example.com.pem', bundle: wild }]),
        seen.tools,
      ),
    );

    expect([...asked]).toEqual(['certathon.example.com']);
  });

  it('ends with the reason of its signal, at the wait too, and leaves a way back', async () => {
    const controller = new AbortController();
    const seen = cluster(['a'], { signal: controller.signal });
    seen.saved.push(new Date(START_MS));
    const work = deliverByDirectory(delivery(), seen.tools);
    work.catch(() => undefined);
    await seen.clock.untilSleeping();

    controller.abort(new Error('stopped'));

    await expect(work).rejects.toThrow('stopped');
    expect(seen.signals).toEqual([]);
    expect(await unprovenChanges(directory.path)).toMatchObject([{ file: FILE }]);
  });
});
