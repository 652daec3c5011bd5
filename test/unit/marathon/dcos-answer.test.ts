import { describe, expect, it } from 'vitest';
import type { CertathonError } from '../../../src/lib/errors.ts';
import type { HttpAnswer } from '../../../src/lib/http.ts';
import { tokenOf } from '../../../src/marathon/dcos-answer.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const answer = (status: number, body: unknown, headers: Record<string, string> = {}): HttpAnswer => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  text: typeof body === 'string' ? body : JSON.stringify(body),
  from: 'https://master.mesos',
});

function failure(of: HttpAnswer): CertathonError {
  try {
    tokenOf(of, 'certathon', NOW_MS);
  } catch (error) {
    return error as CertathonError;
  }
  throw new Error('It did not fail');
}

describe('tokenOf()', () => {
  it('reads the token, whatever stands beside it', () => {
    expect(tokenOf(answer(200, { token: 'a.b-c_d.e', more: 1 }), 'certathon', NOW_MS)).toBe('a.b-c_d.e');
  });

  it.each([
    ['a token with a line end, which would be a header of its own', { token: 'a\r\nX-Admin: yes' }],
    ['a token with spaces', { token: 'secret words' }],
    ['an empty token', { token: '' }],
    ['a token without bounds', { token: 'x'.repeat(20_000) }],
    ['a token in another place', { auth: { token: 'secret-words' } }],
    ['a token that is none', { token: { value: 'secret-words' } }],
    ['a page', '<html>secret-words</html>'],
    ['nothing', ''],
  ])('refuses %s, and does not repeat it', (_what, body) => {
    const error = failure(answer(200, body));

    expect(error).toMatchObject({
      code: 'MARATHON_UNAUTHORIZED',
      message: 'The login of DC/OS at https://master.mesos gave no token: 200, application/json',
      facts: { outcome: 'not-sent' },
    });
  });

  it.each([
    [
      'a refusal in the words of DC/OS',
      answer(401, { title: 'Bad Request', description: 'Invalid signature', code: 'ERR' }),
      'MARATHON_UNAUTHORIZED',
      'The login of DC/OS at https://master.mesos does not accept the service account certathon: 401 Bad Request; Invalid signature',
    ],
    [
      'the page of something else',
      answer(404, '<html><h1>404 Not Found</h1></html>'),
      'MARATHON_UNAUTHORIZED',
      'The login of DC/OS at https://master.mesos does not accept the service account certathon: 404 404 Not Found',
    ],
    [
      'a redirect, which is not followed with a signed statement',
      answer(307, '', { location: 'https://other.mesos/login' }),
      'MARATHON_UNAUTHORIZED',
      'The login of DC/OS at https://master.mesos does not accept the service account certathon: 307 no words; it is at "https://other.mesos/login"',
    ],
    [
      'a login that is away',
      answer(503, 'no leader'),
      'MARATHON_UNREACHABLE',
      'The login of DC/OS at https://master.mesos could not answer: 503 no leader',
    ],
  ])('says what came: %s', (_what, of, code, message) => {
    expect(failure(of)).toMatchObject({ code, message, facts: { outcome: 'not-sent' } });
  });

  it.each([
    ['behind', new Date(NOW_MS + 90_000), '; the clock of this machine is 90 s behind that of DC/OS'],
    ['ahead', new Date(NOW_MS - 3_600_000), '; the clock of this machine is 3600 s ahead of that of DC/OS'],
    ['near enough', new Date(NOW_MS + 5_000), ''],
  ])('says when a refusal may come from a wrong clock: %s', (_what, date, words) => {
    const error = failure(answer(401, { description: 'Expired' }, { date: date.toUTCString() }));

    expect(error.message).toBe(
      `The login of DC/OS at https://master.mesos does not accept the service account certathon: 401 Expired${words}`,
    );
  });
});
