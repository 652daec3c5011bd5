import { describe, expect, it } from 'vitest';
import {
  challengeFailed,
  LONGEST_HOLD_MS,
  listed,
  orderInvalid,
  problemOf,
  refusalClass,
  refusalError,
} from '../../../src/acme/refusal.ts';
import { CertathonError } from '../../../src/lib/errors.ts';

const ACME = 'urn:ietf:params:acme:error:';
const URL_ASKED = 'https://ca.example/new-order';
const NOW = Date.parse('2026-08-05T10:00:00Z');

function refusal(status: number, data: unknown, headers: Record<string, string> = {}): CertathonError {
  return refusalError('the order for a.example.com', URL_ASKED, { status, headers, data }, NOW);
}

describe('refusalError()', () => {
  it("carries the CA's words and the whole problem", () => {
    const problem = {
      type: `${ACME}rejectedIdentifier`,
      detail: 'Policy forbids',
      status: 400,
      subproblems: [
        {
          type: `${ACME}rejectedIdentifier`,
          detail: 'blocked',
          identifier: { type: 'dns', value: 'a.example.com' },
        },
      ],
    };

    const error = refusal(400, problem);

    expect(error.code).toBe('ACME_REFUSED');
    expect(error.message).toBe(
      'CA refused the order for a.example.com with status 400: rejectedIdentifier: Policy forbids (a.example.com: rejectedIdentifier: blocked)',
    );
    expect(problemOf(error)).toEqual(problem);
    expect(refusalClass(error)).toBe('permanent');
    expect(error.facts).toEqual({ url: URL_ASKED, status: 400, class: 'permanent', problem });
  });

  it.each([
    ['seconds', { 'retry-after': '3600' }, 'spent', '2026-08-05T11:00:00.000Z'],
    ['a date', { 'retry-after': 'Wed, 05 Aug 2026 12:30:00 GMT' }, 'spent', '2026-08-05T12:30:00.000Z'],
    [
      'its words',
      {},
      'too many certificates, retry after 2026-08-06 01:02:03 UTC: see https://x',
      '2026-08-06T01:02:03.000Z',
    ],
    ['its words in RFC 3339', {}, 'Retry after 2026-08-06T01:02:03.5Z', '2026-08-06T01:02:03.000Z'],
    [
      'the header before the words',
      { 'retry-after': '60' },
      'retry after 2026-08-06 01:02:03 UTC',
      '2026-08-05T10:01:00.000Z',
    ],
    [
      'a far date, cut',
      { 'retry-after': '99999999' },
      'spent',
      new Date(NOW + LONGEST_HOLD_MS).toISOString(),
    ],
    [
      'words about a far date, cut',
      {},
      'retry after 2099-01-01 00:00:00 UTC',
      new Date(NOW + LONGEST_HOLD_MS).toISOString(),
    ],
    ['words about the past: now', {}, 'retry after 2020-01-01 00:00:00 UTC', new Date(NOW).toISOString()],
    ['no time', {}, 'retry after 2026-99-99 00:00:00 UTC', undefined],
  ])('a rate limit holds until the time given by %s', (_name, headers, detail, expected) => {
    const error = refusal(429, { type: `${ACME}rateLimited`, detail }, headers as Record<string, string>);

    expect([error.code, error.retryAt?.toISOString()]).toEqual(['ACME_RATE_LIMITED', expected]);
  });

  it('keeps a paused name apart from a spent budget', () => {
    const error = refusal(429, { type: `${ACME}rateLimited`, detail: 'Unpause at https://portal.example/x' });

    expect([error.code, refusalClass(error)]).toEqual(['ACME_PAUSED', 'operator']);
  });

  it.each([
    ['503 of a load balancer', 503, '<h1>no server</h1>', 'ACME_UNREACHABLE', 'retry'],
    ['500 with a problem', 500, { type: `${ACME}serverInternal`, detail: 'x' }, 'ACME_UNREACHABLE', 'retry'],
    [
      'serverInternal with an odd status',
      400,
      { type: `${ACME}serverInternal`, detail: 'x' },
      'ACME_UNREACHABLE',
      'retry',
    ],
    ['429 without a problem', 429, '', 'ACME_RATE_LIMITED', 'hold'],
    ['404 in HTML', 404, '<html>', 'ACME_ANSWER_INVALID', 'permanent'],
    ['403 in JSON that is no problem', 403, { error: 'denied' }, 'ACME_ANSWER_INVALID', 'permanent'],
    [
      'a refused account',
      403,
      { type: `${ACME}unauthorized`, detail: 'deactivated' },
      'ACME_REFUSED',
      'operator',
    ],
  ])('%s', (_name, status, data, code, kind) => {
    const error = refusal(status, data, { 'retry-after': '60' });

    expect([error.code, refusalClass(error)]).toEqual([code, kind]);
    expect(error.retryAt?.toISOString()).toBe('2026-08-05T10:01:00.000Z');
  });

  it('shows where a redirect leads and how a strange body begins, in one line', () => {
    const error = refusal(301, `<html>\n${'x'.repeat(1000)}`, {
      'content-type': 'text/html',
      location: 'https://elsewhere.example/',
    });

    expect(error.message).toMatch(
      /with status 301: sends to https:\/\/elsewhere\.example\/, text\/html: <html>\\u\{a\}x+…$/,
    );
    expect(error.message.length).toBeLessThan(400);
  });
});

describe('challengeFailed() and orderInvalid()', () => {
  const problem = {
    type: `${ACME}unauthorized`,
    detail: 'Invalid response from http://a: 404',
    subproblems: [],
  };

  it("say the CA's words about the name", () => {
    const error = challengeFailed('a.example.com', 'invalid', 'https://ca.example/authz/1', problem);

    expect(error.message).toBe(
      'CA did not validate a.example.com: unauthorized: Invalid response from http://a: 404',
    );
    expect([error.code, refusalClass(error), problemOf(error)]).toEqual([
      'ACME_CHALLENGE_FAILED',
      'config',
      problem,
    ]);
  });

  it('say the status when the CA gives no reason', () => {
    expect(challengeFailed('a.example.com', 'expired', 'u', undefined).message).toBe(
      'CA did not validate a.example.com: authorization is expired',
    );
    expect(orderInvalid(['a.example.com'], 'u', undefined).message).toBe(
      'CA gave up the order for a.example.com: no reason given',
    );
  });

  it('have no problem and no class where the failure is none of the CA', () => {
    expect([problemOf(new Error('x')), refusalClass(new CertathonError('STOPPED', 'x'))]).toEqual([
      undefined,
      undefined,
    ]);
  });
});

describe('listed()', () => {
  it('names three and counts the rest', () => {
    expect([listed(['a']), listed(['a', 'b', 'c']), listed(['a', 'b', 'c', 'd', 'e'])]).toEqual([
      'a',
      'a, b, c',
      'a, b, c and 2 more',
    ]);
  });
});
