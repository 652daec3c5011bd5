// pure

import type { CertificateFacts } from '../delivery/bundle.ts';
import type { CertificateObservation, CertificatePolicy, CertificateStep, Problem, Target } from './model.ts';
import { coversAll, isByClock, type RenewalVerdict, renewalVerdict } from './renewal.ts';
import { isStaging } from './staging.ts';

/** What to do about a certificate that was found in a target: take it over, leave it, or refuse. */

/** Something in the place that must not be overwritten. Pure. Asked before anything is ordered: a certificate
 * that can not be delivered would only burn the CA's budget. */
export function obstacleInPlace(
  target: Target,
  seen: CertificateObservation,
  policy: CertificatePolicy,
): Problem | undefined {
  const { state, place } = target;
  if (state.kind === 'secret') {
    return {
      code: 'DELIVERY_SECRET',
      message: `${place} refers to the secret "${state.secret}", which the API does not show`,
    };
  }
  if (state.kind === 'unreadable' && !policy.replaceForeign) {
    return {
      code: 'DELIVERY_UNREADABLE',
      message: `${place} holds something that is no bundle: ${state.problem}`,
    };
  }
  // A certificate that serves all wanted names and still lives is kept (adopted); it is an obstacle once due.
  const isKept =
    !policy.forced &&
    (adoptionStep(target, seen, policy) !== undefined || keepsAdopted(target, seen, policy));
  return isKept ? undefined : foreignProblem(target, policy, seen.wanted.names);
}

/** A certificate of somebody else in the place, or beside it, covers a name that ours would not. Pure.
 * @param ours the names of the certificate that would take its place */
export function foreignProblem(
  { state, place, rivals, covered }: Target,
  policy: Pick<CertificatePolicy, 'replaceForeign'>,
  ours: readonly string[],
): Problem | undefined {
  if (policy.replaceForeign) return undefined;
  const isForeign = state.kind === 'certificate' && !state.ours && !state.placeholder && !state.isOthers;
  const found = [...(isForeign ? [{ place, facts: state.facts }] : []), ...rivals];
  if (found.length === 0) return undefined;
  const all = covered === undefined ? ours : [...ours, ...covered()];
  return found.flatMap((each) => uncoveredBy(all, each) ?? [])[0];
}

function uncoveredBy(
  ours: readonly string[],
  { place, facts }: { place: string; facts: CertificateFacts },
): Problem | undefined {
  const { names, issuer } = facts;
  const uncovered = names.filter((name) => !coversAll(ours, [name]));
  if (uncovered.length === 0 && names.length > 0) return undefined;
  // Without alternative names HAProxy serves the common name; what that is good for can not be told from here.
  const what = names.length === 0 ? 'only what its subject says' : uncovered.join(', ');
  return {
    code: 'DELIVERY_FOREIGN',
    message: `${place} holds a certificate that was not issued by this program (issuer ${issuer}) and covers ${what}, which ours would not`,
  };
}

/** The place holds exactly what we adopted, and it is not due: nothing will be written over it. */
function keepsAdopted({ state }: Target, seen: CertificateObservation, policy: CertificatePolicy): boolean {
  if (state.kind !== 'certificate' || seen.stored?.fingerprint !== state.facts.fingerprint) return false;
  return !currentVerdict(seen, policy).due;
}

/** A valid certificate in a target that serves all wanted names is taken over instead of ordering. Pure.
 * That is after a lost store, when ours is due, and when another instance or a person has put in a newer one
 * (two programs with a store each would otherwise replace each other's for ever). Newer is what was issued
 * later, not what ends later: ours may be short-lived on purpose. One that we issued ourselves and have
 * replaced is no news, and what was revoked or set aside by a person is not taken over again. */
export function adoptionStep(
  { id: target, state }: Target,
  seen: CertificateObservation,
  policy: CertificatePolicy,
): CertificateStep | undefined {
  const { stored } = seen;
  if (state.kind !== 'certificate' || state.placeholder || state.facts.selfSigned) return undefined;
  if (state.isOthers === true) return undefined;
  if (isStaging(state.facts.issuer) && !isStaging(seen.directoryUrl)) return undefined;
  const unforced = { ...policy, forced: false };
  if (renewalVerdict(state.facts, seen.wanted.names, unforced, seen.now).due) return undefined;
  const { fingerprint, names } = state.facts;
  if (seen.refused?.has(fingerprint) === true) return undefined;
  if (stored === undefined) return { do: 'adopt', target, fingerprint, names, reason: 'valid-in-place' };
  if (stored.fingerprint === fingerprint || state.ours) return undefined;
  if (currentVerdict(seen, unforced).due)
    return { do: 'adopt', target, fingerprint, names, reason: 'valid-in-place' };
  const laterMs = state.facts.notBefore.getTime() - stored.notBefore.getTime();
  // Some CAs let all certificates of a day begin at midnight: then both programs must prefer the same one.
  const isNewer = laterMs > 0 || (laterMs === 0 && fingerprint > stored.fingerprint);
  return isNewer ? { do: 'adopt', target, fingerprint, names, reason: 'newer-in-place' } : undefined;
}

/** Is a certificate due in place of the stored one? Pure. One of the test CA is, as soon as the real one is
 * asked; browsers trust none of it. */
export function currentVerdict(
  { stored, wanted, directoryUrl, now, isOtherwise, isRevoked, renewal }: CertificateObservation,
  policy: CertificatePolicy,
): RenewalVerdict {
  const verdict = renewalVerdict(stored, wanted.names, policy, now, renewal);
  if (stored === undefined) return verdict;
  if (isRevoked === true) return { due: true, reason: 'revoked' };
  const { keptUntil } = stored;
  // Of an earlier version the CA says mostly that it is late.
  const isByAge = verdict.due && verdict.reason !== 'expired' && isByClock(verdict.reason);
  if (isByAge && keptUntil !== undefined && keptUntil > now)
    return { due: false, dueAt: keptUntil, clockWrong: false };
  if (verdict.due) return verdict;
  if (isOtherwise === true) return { due: true, reason: 'chosen-otherwise' };
  // Only where it is certain that the next certificate is none of these again.
  const isReal = /^https:\/\/acme-v\d+\.api\.letsencrypt\.org\//.test(directoryUrl);
  const { issuedBy } = stored;
  const isLeft = issuedBy?.isTest === true && issuedBy.directoryUrl !== directoryUrl;
  return isLeft || (isReal && isStaging(stored.issuer)) ? { due: true, reason: 'test-certificate' } : verdict;
}
