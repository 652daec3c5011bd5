// pure
import { problemOf } from '../../acme/refusal.ts';
import { CertathonError, describeError } from '../../lib/errors.ts';

/** What a refusal says about limits: its words, and until when. Pure. A CA in trouble says Retry-After too; only one
 * that is overrun (503) means everybody who asks. */
export function refusalOf(error: unknown): { words: string; until: Date } | undefined {
  if (!(error instanceof CertathonError) || error.retryAt === undefined) return undefined;
  const isOverrun = error.code === 'ACME_UNREACHABLE' && error.facts.status === 503;
  if (error.code !== 'ACME_RATE_LIMITED' && !isOverrun) return undefined;
  return { words: problemOf(error)?.detail || describeError(error), until: error.retryAt };
}

/** The names whose validation failed. Pure. */
export function failedNames(error: unknown): string[] {
  if (!(error instanceof CertathonError) || error.code !== 'ACME_CHALLENGE_FAILED') return [];
  const { name, names } = error.facts;
  return [name, names].flat().filter((each): each is string => typeof each === 'string');
}
