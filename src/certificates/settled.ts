// pure
import { choiceKey } from './choice.ts';
import type { CertificatePolicy } from './model.ts';
import { dueTime, isTooEarly } from './renewal.ts';
import { infoOf } from './renewal-info.ts';
import { isTestCertificate } from './staging.ts';
import type { LookedBalancer, Observation, ObservedCertificate, ObservedTarget } from './world.ts';

/** Until when a certificate needs nothing at all, epoch milliseconds; undefined where that is not plain to see and
 * it has to be planned (plan.ts). Pure. Of ten thousand certificates nearly all are stored, in their places, served
 * and not due: for those this says what the plan would, in a tenth of the time (a property test compares the two). */
export function settledUntil(
  certificate: ObservedCertificate,
  { now, targets }: Pick<Observation, 'now' | 'targets'>,
  policy: Pick<CertificatePolicy, 'renewAt' | 'asksRenewal' | 'nextRunAt' | 'forced' | 'restore'>,
): number | undefined {
  const { id, life, names, stored, recorded, choice, revoked } = certificate;
  if (revoked === true || policy.restore !== undefined || stored?.keptUntil !== undefined) return undefined;
  if (policy.forced || stored === undefined || names.length === 0 || (life !== 'wanted' && life !== 'grace'))
    return undefined;
  if (recorded !== undefined && choiceKey(recorded.choice) !== choiceKey(choice)) return undefined;
  if (isTestCertificate(stored) || isTooEarly(stored, now) || now >= stored.notAfter) return undefined;
  if (!names.every((name) => stored.names.includes(name))) return undefined;
  const here = targets.filter(({ places }) => places.has(id));
  if (here.length === 0 || !here.every((target) => isServed(certificate, target))) return undefined;
  const { dueMs } = dueTime(stored, policy, now, infoOf(certificate));
  return now.getTime() < dueMs ? dueMs : undefined;
}

function isServed({ id, names, stored }: ObservedCertificate, target: ObservedTarget): boolean {
  const { places, balancers, unknownBalancers } = target;
  const state = places.get(id)?.state;
  if (state?.kind !== 'certificate' || state.placeholder || stored === undefined) return false;
  if (state.facts.fingerprint !== stored.fingerprint) return false;
  if (balancers.length === 0 || unknownBalancers.length > 0) return false;
  return balancers.every(
    (balancer) =>
      balancer.unreachable === undefined &&
      shows(balancer, names, stored.fingerprint) &&
      shows(balancer, stored.names, stored.fingerprint),
  );
}

/** For those of the names that it was asked for. */
function shows({ shown }: LookedBalancer, names: readonly string[], fingerprint: string): boolean {
  return names.every((name) => {
    const served = shown.get(name);
    return served === undefined || ('fingerprint' in served && served.fingerprint === fingerprint);
  });
}
