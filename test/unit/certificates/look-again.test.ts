import { describe, expect, it } from 'vitest';
import { afterFailure, isMoved, lookAgainMs, restAfter } from '../../../src/certificates/look-again.ts';
import { CertathonError, type ErrorCode } from '../../../src/lib/errors.ts';
import { daysFrom, facts, NOW } from '../../support/observations.ts';
import { told } from '../../support/renewals.ts';

const MINUTE_MS = 60_000;
const error = (code: ErrorCode, facts: Record<string, unknown> = {}, retryMinutes?: number) =>
  new CertathonError(code, 'no', {
    facts,
    ...(retryMinutes === undefined ? {} : { retryAt: new Date(NOW.getTime() + retryMinutes * MINUTE_MS) }),
  });
const silent = error('ACME_UNREACHABLE', { outcome: 'unknown' });

describe('lookAgainMs()', () => {
  it.each<[string, CertathonError, number, number]>([
    ['a first silence', silent, 1, 5],
    ['a second one', silent, 2, 10],
    ['a fourth one', silent, 4, 40],
    ['a fifth one', silent, 5, 360],
    ['a status of 500', error('ACME_UNREACHABLE', { status: 500 }), 1, 5],
    [
      'a refused connection, or a host that is not found',
      error('ACME_UNREACHABLE', { outcome: 'not-sent' }),
      1,
      360,
    ],
    ['a certificate that the CA does not know', error('ACME_REFUSED', { status: 404 }), 1, 360],
    ['an answer that is none', error('ACME_ANSWER_INVALID'), 1, 360],
    ['a fault of ours', error('UNEXPECTED'), 1, 360],
    ['a limit without a time', error('ACME_RATE_LIMITED'), 1, 360],
    ['a limit with a time', error('ACME_RATE_LIMITED', {}, 17), 1, 17],
    ['a time that is over', error('ACME_UNREACHABLE', { status: 503 }, -1), 9, 1],
    ['a time in a week', error('ACME_RATE_LIMITED', {}, 7 * 1440), 1, 1440],
  ])('after %s %#', (_what, failure, failures, minutes) => {
    expect(lookAgainMs(failure, failures, NOW.getTime()) / MINUTE_MS).toBe(minutes);
  });
});

describe('afterFailure()', () => {
  const { fingerprint, directoryUrl, since } = told();
  const subject = { fingerprint, directoryUrl, since };

  it('keeps what the CA said before, and counts', () => {
    const once = afterFailure(subject, told(), silent, NOW.getTime());
    const twice = afterFailure(subject, once, silent, NOW.getTime());

    expect(twice).toEqual({ ...told(), failures: 2, askAt: new Date(NOW.getTime() + 10 * MINUTE_MS) });
  });

  it('knows nothing but the next look where nothing was known', () => {
    expect(afterFailure(subject, undefined, silent, NOW.getTime())).toEqual({
      ...subject,
      askAt: new Date(NOW.getTime() + 5 * MINUTE_MS),
      failures: 1,
    });
  });
});

describe('restAfter()', () => {
  const window = (days: number) => ({ start: daysFrom(days), end: daysFrom(days + 0.001) });
  const short = facts({ notBefore: NOW, notAfter: new Date(NOW.getTime() + 160 * 60 * MINUTE_MS) });
  it.each([
    ['none before it', undefined, facts(), undefined],
    [
      'one that was wanted renewed in its time',
      told({ since: daysFrom(-60), window: window(0) }),
      facts(),
      undefined,
    ],
    [
      'one that was wanted renewed at once after weeks',
      told({ since: daysFrom(-20), window: window(-1) }),
      facts(),
      undefined,
    ],
    ['one of which nothing was told', told({ window: undefined }), facts(), undefined],
    ['one that was wanted renewed when it came', told({ since: NOW, window: window(-1) }), facts(), 24],
    [
      'one that was wanted renewed soon after it came',
      told({ since: NOW, window: window(0.9) }),
      facts(),
      24,
    ],
    ['such a one of 160 hours', told({ since: NOW, window: window(0.8) }), short, 20],
  ])('of a certificate after %s', (_what, previous, certificate, hours) => {
    const untilMs = restAfter(previous, certificate, NOW.getTime())?.getTime();

    expect(untilMs === undefined ? untilMs : (untilMs - NOW.getTime()) / (60 * MINUTE_MS)).toBe(hours);
  });
});

describe('isMoved()', () => {
  const window = { start: daysFrom(49.1), end: daysFrom(50.9) };
  it.each([
    ['the first window', undefined, window, false],
    ['the first window after failures', told({ window: undefined }), window, false],
    ['the same window', told({ window: { ...window } }), window, false],
    ['another start', told({ window }), { ...window, start: daysFrom(40) }, true],
    ['another end', told({ window }), { ...window, end: daysFrom(60) }, true],
  ])('of %s', (_what, before, now, answer) => {
    expect(isMoved(before, now)).toBe(answer);
  });
});
