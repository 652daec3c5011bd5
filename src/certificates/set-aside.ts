// pure
import { problemOf as acmeProblemOf } from '../acme/refusal.ts';
import type { CertathonError } from '../lib/errors.ts';
import { isHeld } from './backoff.ts';
import type { Hold, Problem } from './model.ts';

/** Why names are left out of orders, each by itself. One whose time has come is tried again; what is known of its
 * failures stays until it succeeds. */
export type NameHolds = ReadonlyMap<string, Hold>;

export interface HeldName {
  name: string;
  hold: Hold;
}

/** Failures that are about names, if they name any. */
const ABOUT_NAMES = new Set([
  'ACME_CHALLENGE_FAILED',
  'ACME_ORDER_INVALID',
  'ACME_PAUSED',
  'ACME_RATE_LIMITED',
  'ACME_REFUSED',
  'CAA_FORBIDS',
  'ROUTE_CHECK_FAILED',
]);

/** Failures at the CA that count against names there: after one of these the test CA is asked first. */
const COUNTED: ReadonlySet<string> = new Set(['ACME_CHALLENGE_FAILED', 'ACME_ORDER_INVALID', 'ACME_REFUSED']);

/** Did names fail at the CA itself? Pure. */
export function isNamesFailure(hold: Hold | undefined): boolean {
  return hold !== undefined && hold.failures > 0 && COUNTED.has(hold.code);
}

/** The names of an order to which its failure is due, so that the others can be issued without them. Pure.
 * They are the identifiers of subproblems (RFC 8555 6.7.1), else those that the error was made for, else those that
 * the CA quotes in its words.
 * @returns [] when the failure is nobody's in particular, or everybody's */
export function failedNames(failure: CertathonError, ordered: readonly string[]): string[] {
  if (!ABOUT_NAMES.has(failure.code)) return [];
  const problem = acmeProblemOf(failure);
  const reported = problem?.subproblems.flatMap(({ identifier }) => identifier?.value.toLowerCase() ?? []);
  const quoted = () => quotedIn(problem?.detail ?? '', failure);
  const found = [reported ?? [], factsOf(failure), quoted()].find((names) =>
    names.some((name) => ordered.includes(name)),
  );
  const failed = ordered.filter((name) => found?.includes(name));
  return failed.length === ordered.length ? [] : failed;
}

/** An invalid order has all its names in its facts. */
function factsOf({ code, facts }: CertathonError): string[] {
  const names = code === 'ACME_ORDER_INVALID' ? undefined : (facts.names ?? facts.name);
  const all = Array.isArray(names) ? names : [names];
  return all.filter((name) => typeof name === 'string');
}

/** `Your account is temporarily prevented from requesting certificates for shop.example.com and possibly others`.
 * A limit of a registered domain concerns all its names, not the one that is spelt like it. */
function quotedIn(detail: string, { code }: CertathonError): string[] {
  if (code === 'ACME_RATE_LIMITED' && !/failed authorizations/i.test(detail)) return [];
  return detail.toLowerCase().match(/[a-z0-9_-]+(?:\.[a-z0-9_-]+)+/g) ?? [];
}

/** The names of a certificate that are ordered now, and those that are not. Pure. When none would be left they stay
 * together, and wait together for the first of them.
 * @param askedAt when a person asked for a try: failures from before do not count then */
export function withoutHeld(
  names: readonly string[],
  holds: NameHolds,
  now: Date,
  askedAt: Date | undefined,
): { names: string[]; held: HeldName[]; together: Hold | undefined } {
  const held: HeldName[] = [];
  for (const name of names) {
    const hold = holds.get(name);
    if (hold !== undefined && isNameHeld(hold, now, askedAt)) held.push({ name, hold });
  }
  if (held.length < names.length) {
    const isLeftOut = new Set(held.map(({ name }) => name));
    return { names: names.filter((name) => !isLeftOut.has(name)), held, together: undefined };
  }
  const [first] = held.map(({ hold }) => hold).sort((a, b) => a.until.getTime() - b.until.getTime());
  return { names: [...names], held: [], together: first };
}

function isNameHeld(hold: Hold, now: Date, askedAt: Date | undefined): boolean {
  return isHeld(hold, now) && !(askedAt !== undefined && !hold.byCa && hold.since < askedAt);
}

/** What a person has to see of names that are left out. Pure. */
export function heldNamesProblems(held: readonly HeldName[] = []): Problem[] {
  return held.map(({ name, hold }) => ({
    code: hold.code,
    message: `${hold.reason}; ${name} is left out of its certificate, ${whenAgain(hold)}`,
  }));
}

function whenAgain(hold: Hold): string {
  return hold.isPaused === true
    ? 'until a person has ended the pause and asks with --now'
    : `and tried again at ${hold.until.toISOString()}`;
}
