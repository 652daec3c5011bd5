// pure
import type { AccountLook } from '../certificates/account-look.ts';
import { printable } from '../lib/printable.ts';

const SOURCES = { given: 'given as an option', stored: 'in the store' };
const LONGEST = 500;

/** One account in lines of name and value. Pure. */
export function accountText({ ca, ...look }: AccountLook & { ca: string }): string {
  const { key, thumbprint, url, status, contact, termsOfService, termsOfServiceAgreed } = look;
  const terms = [
    termsOfService ?? '',
    termsOfServiceAgreed === undefined ? '' : termsOfServiceAgreed ? '(agreed to)' : '(not agreed to)',
  ].filter((each) => each !== '');
  const rows: [string, string | undefined][] = [
    ['CA', ca === look.directoryUrl ? ca : `${ca}, ${look.directoryUrl}`],
    ['account', key === undefined ? 'none yet: the first order makes one' : (url ?? 'not known')],
    ['key', key === undefined ? undefined : SOURCES[key]],
    ['thumbprint', thumbprint],
    ['status', look.problem === undefined ? status : `not known: ${look.problem.message}`],
    ['contact', contact === undefined ? undefined : contact.join(', ') || 'none'],
    ['terms', terms.length === 0 ? undefined : terms.join(' ')],
    ['deactivated', look.deactivatedAt?.toISOString()],
    [
      'change of key',
      look.isKeyOpen === true ? 'was cut off; the next use finds out which key it has' : undefined,
    ],
  ];
  return rows
    .filter((row): row is [string, string] => row[1] !== undefined)
    .map(([name, value]) => `${name.padEnd(14)}${printable(value, LONGEST)}\n`)
    .join('');
}
