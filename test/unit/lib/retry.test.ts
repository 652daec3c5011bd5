import { describe, expect, it } from 'vitest';
import { CertathonError, describeError } from '../../../src/lib/errors.ts';
import { RETRIES, type RetryPolicy, withRetry } from '../../../src/lib/retry.ts';
import { manualClock } from '../../support/clock.ts';

const policy: RetryPolicy = { name: 'test', delaysMs: [1_000, 3_000], longestWaitMs: 10_000 };
const away = (message: string, retryAt?: Date) =>
  new CertathonError('MARATHON_UNREACHABLE', message, retryAt === undefined ? {} : { retryAt });

describe('withRetry()', () => {
  it('waits as the policy says, and hands back the first success', async () => {
    const clock = manualClock();
    const startMs = clock.nowMs();
    const triedAtMs: number[] = [];
    const waits: number[] = [];

    const result = withRetry(
      policy,
      clock,
      undefined,
      async (number) => {
        triedAtMs.push(clock.nowMs() - startMs);
        if (number < 3) throw away('no');
        return `try ${number}`;
      },
      { onRetry: ({ waitMs }) => waits.push(waitMs) },
    );
    await clock.advance(10_000);

    expect(await result).toBe('try 3');
    expect(triedAtMs).toEqual([0, 1_000, 4_000]);
    expect(waits).toEqual([1_000, 3_000]);
  });

  it('gives up with the same code and the last error as cause', async () => {
    const clock = manualClock();
    let tries = 0;

    const result = withRetry(policy, clock, undefined, async () => {
      throw away(`refused ${++tries}`);
    }).catch((error: unknown) => error);
    await clock.advance(10_000);

    const error = (await result) as CertathonError;
    expect(error).toMatchObject({ code: 'MARATHON_UNREACHABLE', facts: { tries: 3 } });
    expect(describeError(error)).toBe('Gave up after 3 tries in 4 s: refused 3');
  });

  it('throws at once what a repeat can not mend', async () => {
    const clock = manualClock();
    let tries = 0;

    const result = withRetry(policy, clock, undefined, async () => {
      tries++;
      throw new CertathonError('MARATHON_REFUSED', 'no');
    });

    await expect(result).rejects.toMatchObject({ code: 'MARATHON_REFUSED', message: 'no' });
    expect(tries).toBe(1);
  });

  it('waits for a Retry-After inside its bound, and ends at one beyond it', async () => {
    const clock = manualClock();
    const startMs = clock.nowMs();
    const near = withRetry(policy, clock, undefined, async (number) => {
      if (number === 1) throw away('soon', new Date(startMs + 7_000));
      return clock.nowMs() - startMs;
    });
    const far = withRetry(policy, clock, undefined, async () => {
      throw away('later', new Date(startMs + 60_000));
    }).catch((error: unknown) => error);
    await clock.advance(10_000);

    expect(await near).toBe(7_000);
    expect(await far).toMatchObject({ message: 'later', retryAt: new Date(startMs + 60_000) });
  });

  it('stops in the middle of a wait with the reason of the signal', async () => {
    const clock = manualClock();
    const stop = new AbortController();
    const result = withRetry(policy, clock, stop.signal, async () => {
      throw away('no');
    });
    await clock.untilSleeping();

    stop.abort(new Error('stopping'));

    await expect(result).rejects.toThrow('stopping');
    expect(clock.sleeping()).toBe(0);
  });
});

describe('RETRIES', () => {
  it.each([
    ['read', 20_000],
    ['write', 4_000],
  ] as const)('%s waits as long in all as its comment says', (name, totalMs) => {
    expect(RETRIES[name].delaysMs.reduce<number>((sum, ms) => sum + ms, 0)).toBe(totalMs);
  });
});
