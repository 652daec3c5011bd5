import { describe, expect, it } from 'vitest';
import { accountText } from '../../../src/cli/account-text.ts';

const directoryUrl = 'https://ca.example/dir';

describe('accountText()', () => {
  it('tells all that the CA says', () => {
    expect(
      accountText({
        ...{ ca: 'own', directoryUrl, key: 'stored', thumbprint: 'abc', url: 'https://ca.example/acct/1' },
        ...{ status: 'valid', contact: ['mailto:ops@example.com'], termsOfService: 'https://ca.example/tos' },
        termsOfServiceAgreed: true,
      }),
    ).toBe(
      [
        'CA            own, https://ca.example/dir',
        'account       https://ca.example/acct/1',
        'key           in the store',
        'thumbprint    abc',
        'status        valid',
        'contact       mailto:ops@example.com',
        'terms         https://ca.example/tos (agreed to)',
        '',
      ].join('\n'),
    );
  });

  it.each([
    ['there is none', { key: undefined }, 'account       none yet: the first order makes one'],
    ['the key was given', { key: 'given' as const }, 'key           given as an option'],
    ['the CA knows none', { key: 'stored' as const, status: 'unknown' }, 'status        unknown'],
    [
      'the CA is away',
      { key: 'stored' as const, problem: { code: 'ACME_UNREACHABLE', message: 'no answer' } },
      'status        not known: no answer',
    ],
    ['nobody is to be written to', { key: 'stored' as const, contact: [] }, 'contact       none'],
    [
      'it is over',
      { key: 'stored' as const, deactivatedAt: new Date(0) },
      'deactivated   1970-01-01T00:00:00.000Z',
    ],
    [
      'a change of key was cut off',
      { key: 'stored' as const, isKeyOpen: true as const },
      'change of key was cut off',
    ],
    ['the CA says odd things', { key: 'stored' as const, status: 'a\u001b[31mb\n' }, 'status        a'],
  ])('says when %s', (_what, look, line) => {
    const text = accountText({ ca: directoryUrl, directoryUrl, ...look });

    expect(text).toContain(line);
    expect(text).not.toContain('\u001b');
  });
});
