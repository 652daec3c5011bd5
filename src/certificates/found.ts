// pure
import type { CertificateObservation, CertificatePolicy, CertificateStep, Problem } from './model.ts';
import { coversAll, type RenewalVerdict, renewalVerdict } from './renewal.ts';

/** What to do about a certificate that was found in the marathon-lb app: take it over, leave it, or refuse. */

/** Something in the variable that must not be overwritten. Pure. Asked before anything is ordered: a
 * certificate that can not be delivered would only burn the CA's budget. */
export function obstacleInVariable(
  seen: CertificateObservation,
  policy: CertificatePolicy,
): Problem | undefined {
  const { state, variable, id } = seen.app;
  if (state.kind === 'secret') {
    return {
      code: 'DELIVERY_SECRET',
      message: `${variable} of ${id} refers to the secret "${state.secret}", which the API does not show`,
    };
  }
  if (state.kind === 'unreadable' && !policy.replaceForeign) {
    return {
      code: 'DELIVERY_UNREADABLE',
      message: `${variable} of ${id} holds something that is no bundle: ${state.problem}`,
    };
  }
  // A certificate that serves all wanted names and still lives is kept (adopted); it is an obstacle once due.
  const isKept = !policy.forced && (adoptionStep(seen, policy) !== undefined || keepsAdopted(seen, policy));
  return isKept ? undefined : foreignProblem(seen, policy, seen.wanted.names);
}

/** The certificate in the variable is somebody else's and covers a name that ours would not. Pure.
 * @param ours the names of the certificate that would take its place */
export function foreignProblem(
  seen: CertificateObservation,
  policy: CertificatePolicy,
  ours: readonly string[],
): Problem | undefined {
  const { state, variable, id } = seen.app;
  if (policy.replaceForeign || state.kind !== 'certificate' || state.ours || state.placeholder)
    return undefined;
  const { names, issuer } = state.facts;
  const uncovered = names.filter((name) => !coversAll(ours, [name]));
  if (uncovered.length === 0 && names.length > 0) return undefined;
  // Without alternative names HAProxy serves the common name; what that is good for can not be told from here.
  const what = names.length === 0 ? 'only what its subject says' : uncovered.join(', ');
  return {
    code: 'DELIVERY_FOREIGN',
    message: `${variable} of ${id} holds a certificate that was not issued by this program (issuer ${issuer}) and covers ${what}, which ours would not`,
  };
}

/** The variable holds exactly what we adopted, and it is not due: nothing will be written over it. */
function keepsAdopted(seen: CertificateObservation, policy: CertificatePolicy): boolean {
  const { state } = seen.app;
  if (state.kind !== 'certificate' || seen.stored?.fingerprint !== state.facts.fingerprint) return false;
  return !currentVerdict(seen, policy).due;
}

/** A valid certificate in marathon-lb that serves all wanted names is taken over instead of ordering. Pure.
 * That is after a lost store, when ours is due, and when another instance or a person has put in a newer one
 * (two programs with a store each would otherwise replace each other's for ever). Newer is what was issued
 * later, not what ends later: ours may be short-lived on purpose. One that we issued ourselves and have
 * replaced is no news. */
export function adoptionStep(
  seen: CertificateObservation,
  policy: CertificatePolicy,
): CertificateStep | undefined {
  const { state } = seen.app;
  const { stored } = seen;
  if (state.kind !== 'certificate' || state.placeholder || state.facts.selfSigned) return undefined;
  if (isStaging(state.facts.issuer) && !isStaging(seen.directoryUrl)) return undefined;
  const unforced = { ...policy, forced: false };
  if (renewalVerdict(state.facts, seen.wanted.names, unforced, seen.now).due) return undefined;
  const { fingerprint, names } = state.facts;
  if (stored === undefined) return { do: 'adopt', fingerprint, names, reason: 'valid-in-marathon-lb' };
  if (stored.fingerprint === fingerprint || state.ours) return undefined;
  if (currentVerdict(seen, unforced).due)
    return { do: 'adopt', fingerprint, names, reason: 'valid-in-marathon-lb' };
  const laterMs = state.facts.notBefore.getTime() - stored.notBefore.getTime();
  // Some CAs let all certificates of a day begin at midnight: then both programs must prefer the same one.
  const isNewer = laterMs > 0 || (laterMs === 0 && fingerprint > stored.fingerprint);
  return isNewer ? { do: 'adopt', fingerprint, names, reason: 'newer-in-marathon-lb' } : undefined;
}

/** Is a certificate due in place of the stored one? Pure. One of the test CA is, as soon as the real one is
 * asked; browsers trust none of it. */
export function currentVerdict(
  { stored, wanted, directoryUrl, now }: CertificateObservation,
  policy: CertificatePolicy,
): RenewalVerdict {
  const verdict = renewalVerdict(stored, wanted.names, policy, now);
  if (verdict.due || stored === undefined) return verdict;
  // Only where it is certain that the next certificate is none of these again.
  const isReal = /^https:\/\/acme-v\d+\.api\.letsencrypt\.org\//.test(directoryUrl);
  return isReal && isStaging(stored.issuer) ? { due: true, reason: 'test-certificate' } : verdict;
}

function isStaging(text: string): boolean {
  return /staging|fake le/i.test(text);
}
