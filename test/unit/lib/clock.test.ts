import { afterEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';

afterEach(() => vi.restoreAllMocks());

const NEVER_MS = 10_000;

test('a short sleep stays short when the clock is set back meanwhile', async () => {
  const now = Date.now.bind(Date);
  const asleep = systemClock.sleep(30).then(() => 'awake');

  vi.spyOn(Date, 'now').mockImplementation(() => now() - 3_600_000);
  const late = new AbortController();
  const end = await Promise.race([
    asleep,
    new Promise((resolve) => {
      const timer = setTimeout(() => resolve('asleep'), NEVER_MS);
      late.signal.addEventListener('abort', () => clearTimeout(timer));
    }),
  ]);
  late.abort();

  expect(end).toBe('awake');
});

test('a sleep ends with the reason of the signal', async () => {
  const stop = new AbortController();
  const asleep = systemClock.sleep(NEVER_MS, stop.signal);

  stop.abort(new Error('enough'));

  await expect(asleep).rejects.toThrow('enough');
});
