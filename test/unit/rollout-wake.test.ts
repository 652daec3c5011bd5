import { describe, expect, it } from 'vitest';
import { newAlertWait } from '../../src/rollout-wake.ts';
import { manualClock } from '../support/clock.ts';

/** When each wait ended, in milliseconds, where something happens at these times and nobody lingers between waits. */
async function waits(count: number, ms: number, stirredAtMs: readonly number[]): Promise<number[]> {
  const clock = manualClock();
  const startMs = clock.monotonicMs();
  const { signal } = new AbortController();
  let woken = new AbortController();
  const alert = newAlertWait({ clock, signal }, async (rest) => {
    woken = new AbortController();
    await clock.sleep(rest, woken.signal).catch(() => undefined);
  });
  const ended: number[] = [];
  const waiting = (async () => {
    while (ended.length < count) {
      await alert.wait(ms);
      ended.push(clock.monotonicMs() - startMs);
    }
  })();
  for (const atMs of stirredAtMs) {
    await clock.advance(startMs + atMs - clock.monotonicMs());
    alert.stir();
    woken.abort();
  }
  await clock.advance(60_000);
  await waiting;
  return ended;
}

describe('a wait between looks', () => {
  it.each<[string, number, number[], number[]]>([
    ['lasts as long as it may where nothing happens', 1_000, [], [1_000, 2_000, 3_000]],
    ['ends with an event, and those that come with it', 1_000, [400, 410], [415, 1_415, 2_415]],
    ['is no shorter than 0.1 s, however much happens', 1_000, [10, 20, 30, 110, 120, 199], [100, 200, 1_200]],
    ['is as short as it was asked for', 20, [5, 15, 25], [20, 40, 60]],
  ])('%s', async (_what, ms, stirred, ended) => {
    await expect(waits(3, ms, stirred)).resolves.toEqual(ended);
  });

  it('ends with an event that came before it began', async () => {
    const clock = manualClock();
    const startMs = clock.monotonicMs();
    const alert = newAlertWait({ clock, signal: new AbortController().signal }, (ms) => clock.sleep(ms));

    alert.stir();
    const first = alert.wait(1_000);
    await clock.advance(100);
    await first;
    const firstMs = clock.monotonicMs() - startMs;
    const second = alert.wait(1_000);
    await clock.advance(1_000);
    await second;

    expect([firstMs, clock.monotonicMs() - startMs]).toEqual([100, 1_100]);
  });

  it('ends at once when the work is stopped', async () => {
    const stop = new AbortController();
    const alert = newAlertWait({ clock: manualClock(), signal: stop.signal }, async () => undefined);

    const waiting = alert.wait(1_000);
    stop.abort(new Error('stopped'));

    await expect(waiting).rejects.toThrow('stopped');
  });
});
