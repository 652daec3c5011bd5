import { afterEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/lib/clock.ts';
import { type Loop, startLoop } from '../../../src/lib/loop.ts';
import { manualClock } from '../../support/clock.ts';

const HOUR_MS = 3_600_000;
const QUIET_MS = 2_000;
let stop = new AbortController();
afterEach(() => stop.abort());

/** A loop whose schedule is every twelve hours; each pass notes when it began and why. */
function started(pass: (count: number) => Date | undefined | Promise<Date | undefined> = () => undefined) {
  stop = new AbortController();
  const manual = manualClock();
  let offsetMs = 0;
  const clock: Clock = { ...manual, nowMs: () => manual.nowMs() + offsetMs };
  const startMs = clock.nowMs();
  const passes: [number, readonly string[]][] = [];
  const loop: Loop = startLoop({
    clock,
    signal: stop.signal,
    quietMs: QUIET_MS,
    nextScheduled: (after) => new Date(after.getTime() + 12 * HOUR_MS),
    pass: async (reasons) => {
      passes.push([clock.nowMs() - startMs, reasons]);
      await Promise.resolve();
      return { checkAgainAt: await pass(passes.length) };
    },
  });
  const setClock = (ms: number) => {
    offsetMs = ms;
  };
  const inMs = (ms: number) => new Date(startMs + ms);
  return { manual, loop, passes, setClock, inMs };
}

describe('startLoop()', () => {
  it('makes a pass at once, then by the schedule', async () => {
    const { manual, passes } = started();

    await manual.advance(25 * HOUR_MS);

    expect(passes).toEqual([
      [0, ['start']],
      [12 * HOUR_MS + 1000, ['schedule']],
      [24 * HOUR_MS + 2000, ['schedule']],
    ]);
  });

  it('comes back at the time that a pass names, when that is before the schedule', async () => {
    const { manual, passes, inMs } = started((count) => inMs(count === 1 ? HOUR_MS : 48 * HOUR_MS));

    await manual.advance(14 * HOUR_MS);

    expect(passes).toEqual([
      [0, ['start']],
      [HOUR_MS + 1000, ['due']],
      [13 * HOUR_MS + 2000, ['schedule']],
    ]);
  });

  it('makes one pass of requests shortly after one another', async () => {
    const { manual, loop, passes } = started();
    await manual.advance(HOUR_MS);

    loop.request('event a');
    await manual.advance(QUIET_MS / 2);
    loop.request('event b');
    loop.request('event a');
    await manual.advance(HOUR_MS);

    expect(passes.slice(1)).toEqual([[HOUR_MS + QUIET_MS + 1000, ['event a', 'event b']]]);
  });

  it('makes one pass more for whatever is asked during a pass, never two at a time', async () => {
    let running = 0;
    let most = 0;
    const { manual, loop, passes } = started(async (count) => {
      running += 1;
      most = Math.max(most, running);
      if (count === 1) for (const reason of ['a', 'b', 'c']) loop.request(reason);
      await manual.sleep(5_000);
      running -= 1;
      return undefined;
    });

    await manual.advance(HOUR_MS);

    expect(passes.map(([, reasons]) => reasons)).toEqual([['start'], ['a', 'b', 'c']]);
    expect(most).toBe(1);
  });

  it('takes a breath between passes that name a time in the past', async () => {
    const { manual, passes, inMs } = started(() => inMs(-1));

    await manual.advance(10_000);

    expect(passes.length).toBe(11);
  });

  it('notices within a minute that the clock was set forward', async () => {
    const { manual, passes, setClock } = started();
    await manual.advance(HOUR_MS);

    setClock(30 * 24 * HOUR_MS);
    await manual.advance(62_000);

    expect(passes.map(([, reasons]) => reasons)).toEqual([['start'], ['schedule']]);
  });

  it('looks again when a clock that was far ahead is set back', async () => {
    const { manual, passes, setClock } = started();
    await manual.advance(HOUR_MS);

    setClock(-365 * 24 * HOUR_MS);
    await manual.advance(62_000);

    expect(passes.map(([, reasons]) => reasons)).toEqual([['start'], ['clock']]);
  });

  it('ends at once while it waits', async () => {
    const { manual, loop, passes } = started();
    await manual.advance(1_000);

    stop.abort();
    await loop.finished;
    loop.request('too late');
    await manual.advance(HOUR_MS);

    expect(passes).toHaveLength(1);
  });

  it('ends when the running pass has ended, not before', async () => {
    let end = () => {};
    const { manual, loop } = started(() => new Promise((resolve) => (end = () => resolve(undefined))));
    let hasFinished = false;
    void loop.finished.then(() => {
      hasFinished = true;
    });

    stop.abort();
    await manual.advance(1_000);
    const before = hasFinished;
    end();
    await loop.finished;

    expect(before).toBe(false);
  });
});
