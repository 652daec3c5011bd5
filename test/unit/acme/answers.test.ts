import { describe, expect, it } from 'vitest';
import { clockSkewMs, readAuthorization, readDirectory, readOrder } from '../../../src/acme/answers.ts';
import type { AcmeAnswer } from '../../../src/acme/refusal.ts';

const CA = 'https://ca.example';
const NOW = Date.parse('2026-01-01T00:00:00Z');
const answer = (data: unknown, headers: Record<string, string> = {}): AcmeAnswer => ({
  status: 200,
  headers,
  data,
});

const directory = { newNonce: `${CA}/nonce`, newAccount: `${CA}/account`, newOrder: `${CA}/order` };
const order = {
  status: 'pending',
  identifiers: [{ type: 'dns', value: 'a.example.com' }],
  authorizations: [`${CA}/authz/1`],
  finalize: `${CA}/finalize/1`,
};
const http01 = { type: 'http-01', url: `${CA}/chall/1`, status: 'pending', token: 'A'.repeat(43) };
const authorization = {
  identifier: { type: 'dns', value: 'a.example.com' },
  status: 'pending',
  challenges: [{ type: 'dns-01', url: `${CA}/chall/0` }, http01],
};

function refused(read: () => unknown): string {
  try {
    read();
    return 'accepted';
  } catch (error) {
    return `${(error as { code: string }).code}: ${(error as Error).message}`;
  }
}

describe('readDirectory()', () => {
  it('keeps what it knows and leaves out the key that Let’s Encrypt adds on purpose', () => {
    const seen = readDirectory(
      answer({
        ...directory,
        renewalInfo: `${CA}/ari`,
        yZ3xRandom: 'https://community.letsencrypt.org/t/adding-random-entries-to-the-directory/33417',
        meta: {
          termsOfService: 'https://ca.example/tos',
          externalAccountRequired: true,
          profiles: { classic: 'x' },
        },
      }),
      CA,
    );

    expect(seen).toEqual({
      ...directory,
      renewalInfo: `${CA}/ari`,
      meta: {
        termsOfService: 'https://ca.example/tos',
        externalAccountRequired: true,
        profiles: { classic: 'x' },
      },
    });
  });

  it('does without meta', () => {
    expect(readDirectory(answer(directory), CA)).toEqual({ ...directory, meta: {} });
  });

  it.each([
    ['HTML', '<html>login</html>', 'it is no JSON object (status 200, no content type: <html>login</html>)'],
    ['null', null, 'it is no JSON object'],
    ['a list', [], 'it is no JSON object'],
    ['another service', { apps: [] }, 'newNonce: Invalid input'],
    ['an address that is none', { ...directory, newOrder: 'order' }, 'newOrder: Invalid URL'],
    ['a file address', { ...directory, newOrder: 'file:///etc/passwd' }, 'newOrder: Invalid URL'],
  ])('refuses %s', (_name, data, words) => {
    const error = refused(() => readDirectory(answer(data), CA));

    expect(error).toMatch(/^ACME_ANSWER_INVALID: CA answered the directory with something else: /);
    expect(error).toContain(words);
  });
});

describe('readOrder()', () => {
  it('gives what the order says', () => {
    const data = {
      ...order,
      status: 'valid',
      expires: '2026-01-02T00:00:00Z',
      certificate: `${CA}/cert/1`,
      profile: 'classic',
      replaces: 'aki.serial',
      error: { type: 'urn:ietf:params:acme:error:caa', detail: 'forbidden' },
    };

    expect(readOrder(answer(data, { 'retry-after': '3' }), `${CA}/order/1`, NOW)).toEqual({
      url: `${CA}/order/1`,
      status: 'valid',
      names: ['a.example.com'],
      authorizationUrls: [`${CA}/authz/1`],
      finalizeUrl: `${CA}/finalize/1`,
      certificateUrl: `${CA}/cert/1`,
      error: { type: 'urn:ietf:params:acme:error:caa', detail: 'forbidden', subproblems: [] },
      expiresAt: new Date('2026-01-02T00:00:00Z'),
      profile: 'classic',
      replaces: 'aki.serial',
      retryAt: new Date(NOW + 3000),
    });
  });

  it('keeps an unknown status and leaves out an unreadable time', () => {
    const seen = readOrder(
      answer({ ...order, status: 'contemplating', expires: 'soon' }),
      `${CA}/order/1`,
      NOW,
    );

    expect(seen).toEqual({
      url: `${CA}/order/1`,
      status: 'contemplating',
      names: ['a.example.com'],
      authorizationUrls: [`${CA}/authz/1`],
      finalizeUrl: `${CA}/finalize/1`,
    });
  });

  it('names the field that is wrong', () => {
    const error = refused(() => readOrder(answer({ ...order, authorizations: ['x'] }), `${CA}/order/1`, NOW));

    expect(error).toContain('CA answered the order with something else: authorizations.0: Invalid URL');
  });
});

describe('readAuthorization()', () => {
  it('picks the http-01 challenge', () => {
    expect(readAuthorization(answer(authorization), `${CA}/authz/1`, NOW)).toEqual({
      url: `${CA}/authz/1`,
      name: 'a.example.com',
      status: 'pending',
      http01: { url: `${CA}/chall/1`, token: 'A'.repeat(43), status: 'pending' },
    });
  });

  it('says by its absence that the CA offers none', () => {
    const data = { ...authorization, challenges: [{ type: 'dns-01' }] };

    expect(readAuthorization(answer(data), `${CA}/authz/1`, NOW).http01).toBeUndefined();
  });

  it.each(['../../etc/passwd', 'short', 'x'.repeat(129), 'A'.repeat(20).concat('\n'), undefined])(
    'refuses the token %j, which would become a path',
    (token) => {
      const data = { ...authorization, challenges: [{ ...http01, token }] };

      expect(refused(() => readAuthorization(answer(data), `${CA}/authz/1`, NOW))).toMatch(
        /^ACME_ANSWER_INVALID: CA answered the authorization of a\.example\.com with something else: token: /,
      );
    },
  );
});

describe('clockSkewMs()', () => {
  const DATE = 'Thu, 01 Jan 2026 00:00:00 GMT';

  it.each([
    ['equal clocks', NOW + 400, NOW + 600, 0],
    ['our clock an hour behind', NOW - 3_600_000, NOW - 3_600_000 + 1000, 3_600_000],
    ['our clock an hour ahead', NOW + 3_600_000, NOW + 3_600_000 + 1000, -3_600_000],
  ])('tells %s', (_name, sentMs, receivedMs, expected) => {
    expect(clockSkewMs(DATE, sentMs, receivedMs)).toBe(expected);
  });

  it('says nothing without a readable date', () => {
    expect([clockSkewMs(undefined, NOW, NOW), clockSkewMs('today', NOW, NOW)]).toEqual([
      undefined,
      undefined,
    ]);
  });
});
