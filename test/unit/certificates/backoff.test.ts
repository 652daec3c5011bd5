import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { holdAfter, isHeld } from '../../../src/certificates/backoff.ts';
import { CertathonError, type ErrorCode } from '../../../src/lib/errors.ts';
import { daysFrom, hold, NOW } from '../../support/observations.ts';

const MINUTE_MS = 60_000;
const failure = (code: ErrorCode, retryAt?: Date) =>
  new CertathonError(code, 'It failed', retryAt === undefined ? {} : { retryAt });
const waitOf = (until: Date) => until.getTime() - NOW.getTime();

describe('holdAfter()', () => {
  it.each([
    [0, 1],
    [1, 10],
    [2, 100],
    [3, 720],
    [4, 1_440],
    [100, 1_440],
  ])('after %i failures waits %i minutes, and a little more by chance', (failures, minutes) => {
    const next = holdAfter(failure('ACME_CHALLENGE_FAILED'), hold({ failures }), NOW, undefined);

    expect(waitOf(next.until)).toBeGreaterThanOrEqual(minutes * MINUTE_MS);
    expect(waitOf(next.until)).toBeLessThanOrEqual(minutes * MINUTE_MS * 1.2);
    expect(next).toMatchObject({
      since: NOW,
      code: 'ACME_CHALLENGE_FAILED',
      reason: 'It failed',
      failures: failures + 1,
      byCa: false,
    });
  });

  it.each<ErrorCode>([
    'ACME_UNREACHABLE',
    'ACME_ANSWER_INVALID',
    'MARATHON_UNREACHABLE',
    'APP_LOCKED',
    'CLOCK_WRONG',
    'DIRECTORY_UNUSABLE',
  ])('does not grow with %s, which is not the fault of a name', (code) => {
    const next = holdAfter(failure(code), hold({ failures: 2 }), NOW, undefined);

    expect(next.failures).toBe(2);
    expect(waitOf(next.until)).toBeLessThanOrEqual(6 * MINUTE_MS);
  });

  it('never waits longer than it is told to', () => {
    const next = holdAfter(
      failure('DELIVERY_NOT_SERVED'),
      hold({ failures: 5 }),
      NOW,
      undefined,
      5 * MINUTE_MS,
    );

    expect(waitOf(next.until)).toBe(5 * MINUTE_MS);
    expect(next.failures).toBe(6);
  });

  it('gives one answer for one moment', () => {
    const ask = () => holdAfter(failure('ACME_REFUSED'), undefined, NOW, undefined);

    expect(ask()).toEqual(ask());
  });

  it('never takes more than a twentieth of what is left of the certificate, nor less than a minute', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 0, max: 10 }), (hours, failures) => {
        const expiresAt = new Date(NOW.getTime() + hours * 60 * MINUTE_MS);
        const { until } = holdAfter(failure('ACME_REFUSED'), hold({ failures }), NOW, expiresAt);

        expect(waitOf(until)).toBeLessThanOrEqual(Math.max(MINUTE_MS, hours * 3 * MINUTE_MS));
        expect(waitOf(until)).toBeGreaterThanOrEqual(MINUTE_MS);
      }),
    );
  });

  it('does not count a certificate that has expired', () => {
    const { until } = holdAfter(failure('ACME_REFUSED'), hold({ failures: 5 }), NOW, daysFrom(-1));

    expect(waitOf(until)).toBeGreaterThanOrEqual(720 * MINUTE_MS);
  });

  it('keeps the time that the CA asks for, also when the certificate has less left', () => {
    const retryAt = daysFrom(3);

    const next = holdAfter(failure('ACME_RATE_LIMITED', retryAt), undefined, NOW, daysFrom(1));

    expect(next).toMatchObject({ until: retryAt, byCa: true });
  });

  it('waits longer than the CA asks when its own table says so', () => {
    const next = holdAfter(
      failure('ACME_UNREACHABLE', new Date(NOW.getTime() + 1000)),
      undefined,
      NOW,
      undefined,
    );

    expect(waitOf(next.until)).toBeGreaterThanOrEqual(5 * MINUTE_MS);
    expect(next.byCa).toBe(false);
  });
});

describe('isHeld()', () => {
  it.each([
    ['none', undefined, false],
    ['one that goes on', hold(), true],
    ['one that ends now', hold({ until: NOW }), false],
    [
      'one that was decided a minute ahead of now',
      hold({ since: new Date(NOW.getTime() + MINUTE_MS) }),
      true,
    ],
    ['one that was decided tomorrow', hold({ since: daysFrom(1), until: daysFrom(1.1) }), false],
  ])('of %s is %s', (_what, one, answer) => {
    expect(isHeld(one, NOW)).toBe(answer);
  });
});
