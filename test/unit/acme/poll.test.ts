import { describe, expect, it } from 'vitest';
import { pollUntil } from '../../../src/acme/poll.ts';
import type { Clock } from '../../../src/lib/clock.ts';
import { CertathonError } from '../../../src/lib/errors.ts';

const START = Date.UTC(2026, 0, 1);
type Seen = { status: string; retryAt?: Date };

/** Runs a poll on a clock that jumps; each answer is given or thrown in turn, the last one for ever. */
async function run(
  answers: ((nowMs: number) => Seen)[],
  { deadlineMs = 600_000, firstAt }: { deadlineMs?: number; firstAt?: Date } = {},
) {
  const waits: number[] = [];
  let nowMs = START;
  const clock: Clock = {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    sleep: async (ms) => {
      waits.push(ms);
      nowMs += ms;
    },
  };
  let asked = 0;
  const result = await pollUntil({
    what: 'the order',
    ask: async () => {
      const answer = answers[Math.min(asked, answers.length - 1)];
      asked += 1;
      return answer?.(nowMs) as Seen;
    },
    isDone: ({ status }) => status === 'valid',
    firstAt,
    deadlineMs: START + deadlineMs,
    clock,
  }).then(
    (seen) => seen.status,
    (error: CertathonError) => `${error.code}: ${error.message}`,
  );
  return { result, waits, asked };
}

const pending = () => ({ status: 'pending' });
const valid = () => ({ status: 'valid' });
const hinted = (ms: number) => (nowMs: number) => ({ status: 'processing', retryAt: new Date(nowMs + ms) });
const failing =
  (retryMs?: number, code: 'ACME_UNREACHABLE' | 'ACME_RATE_LIMITED' | 'ACME_REFUSED' = 'ACME_UNREACHABLE') =>
  (nowMs: number): Seen => {
    throw new CertathonError(
      code,
      'trouble',
      retryMs === undefined ? {} : { retryAt: new Date(nowMs + retryMs) },
    );
  };

describe('pollUntil()', () => {
  it('waits 1 s and then longer, up to 5 s', async () => {
    const { result, waits } = await run([pending, pending, pending, pending, pending, pending, valid]);

    expect(result).toBe('valid');
    expect(waits).toEqual([1000, 1500, 2250, 3375, 5000, 5000, 5000]);
  });

  it('waits as long as the CA says, within 1 to 30 s', async () => {
    const { waits } = await run([hinted(3_000), hinted(0), hinted(3_600_000), pending, valid], {
      firstAt: new Date(START + 2_000),
    });

    expect(waits).toEqual([2_000, 3_000, 1_000, 30_000, 1_000]);
  });

  it('takes an unknown status for pending', async () => {
    const { result, asked } = await run([() => ({ status: 'contemplating' }), valid]);

    expect([result, asked]).toEqual(['valid', 2]);
  });

  it('asks a last time at the deadline and then gives up with the last status', async () => {
    const { result, waits } = await run([hinted(30_000)], { deadlineMs: 40_000 });

    expect(waits).toEqual([1_000, 30_000, 9_000]);
    expect(result).toBe('ACME_UNREACHABLE: CA did not decide on the order in time, its status is processing');
  });

  it('passes over two failures in a row and no third', async () => {
    expect((await run([failing(), failing(), valid])).result).toBe('valid');
    expect((await run([failing(), failing(), pending, failing(), failing(), valid])).result).toBe('valid');
    expect((await run([failing(), failing(), failing(), valid])).result).toBe('ACME_UNREACHABLE: trouble');
  });

  it('waits out a rate limit that ends before the deadline', async () => {
    const { result, waits } = await run([failing(20_000, 'ACME_RATE_LIMITED'), valid]);

    expect([result, waits]).toEqual(['valid', [1_000, 20_000]]);
  });

  it.each([
    ['a pause that ends after the deadline', failing(700_000)],
    ['a rate limit without a time', failing(undefined, 'ACME_RATE_LIMITED')],
    ['a refusal', failing(undefined, 'ACME_REFUSED')],
  ])('does not wait for %s', async (_name, answer) => {
    const { asked } = await run([answer, valid]);

    expect(asked).toBe(1);
  });

  it('ends with the reason of the signal', async () => {
    const controller = new AbortController();
    const reason = new Error('stopping');
    const clock: Clock = {
      nowMs: () => START,
      monotonicMs: () => START,
      sleep: async (_ms, signal) => {
        controller.abort(reason);
        signal?.throwIfAborted();
      },
    };

    const poll = pollUntil({
      what: 'the order',
      ask: async () => pending(),
      isDone: () => false,
      deadlineMs: START + 1000,
      clock,
      signal: controller.signal,
    });

    await expect(poll).rejects.toBe(reason);
  });
});
