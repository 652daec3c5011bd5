// pure
import { CertathonError } from '../lib/errors.ts';
import { printable } from '../lib/printable.ts';
import type { AccountSeen } from './answers.ts';
import { problemWord } from './problem.ts';
import { problemOf } from './refusal.ts';

/** The CA does not take what the account's key signs. @source RFC 8555 7.3.6 */
export function isUnauthorized(error: unknown): boolean {
  const problem = problemOf(error);
  return problem !== undefined && problemWord(problem) === 'unauthorized';
}

/** Nothing is taken from the account any more, whoever shut it. */
export function deactivated(
  { url, status }: AccountSeen,
  directoryUrl: string,
  cause: unknown,
): CertathonError {
  const which = url === undefined ? '' : ` ${printable(url, 200)}`;
  return new CertathonError(
    'ACCOUNT_DEACTIVATED',
    `CA ${directoryUrl} holds the account${which} as ${printable(status, 40)}, and takes nothing from it any more`,
    { ...(cause === undefined ? {} : { cause }), facts: { class: 'operator' } },
  );
}

/** The error for a CA that registers no account without a binding. */
export function externalAccountMissing(directoryUrl: string, error: unknown): unknown {
  const refused = error instanceof CertathonError && error.code === 'ACME_REFUSED';
  if (!refused) return error;
  return new CertathonError(
    'EXTERNAL_ACCOUNT_MISSING',
    `CA ${directoryUrl} registers only accounts that are bound to an external one, and no key id and HMAC key of one were given`,
    { cause: error, facts: { ...error.facts, class: 'operator' } },
  );
}
