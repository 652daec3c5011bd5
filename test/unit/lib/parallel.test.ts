import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { mapBounded } from '../../../src/lib/parallel.ts';

describe('mapBounded()', () => {
  it('keeps the order of the items and never has more than the limit under way', async () => {
    let running = 0;
    let most = 0;

    const results = await mapBounded([5, 1, 4, 2, 3], 2, async (turns) => {
      running += 1;
      most = Math.max(most, running);
      for (let turn = 0; turn < turns; turn += 1) await setImmediate();
      running -= 1;
      return turns * 10;
    });

    expect(results).toEqual([50, 10, 40, 20, 30]);
    expect(most).toBe(2);
  });

  it('does nothing with nothing', async () => {
    expect(await mapBounded([], 5, async () => 1)).toEqual([]);
  });

  it('starts nothing after a failure, waits for what is under way, and throws the first', async () => {
    const log: string[] = [];

    const outcome = mapBounded(['slow', 'bad', 'never'], 2, async (item) => {
      log.push(`${item} begins`);
      if (item === 'bad') throw new Error('bad');
      for (let turn = 0; turn < 5; turn += 1) await setImmediate();
      log.push(`${item} ends`);
    });

    await expect(outcome).rejects.toThrow('bad');
    expect(log).toEqual(['slow begins', 'bad begins', 'slow ends']);
  });
});
