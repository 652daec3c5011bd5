// pure
import { currentVerdict } from './found.ts';
import type { CertificateObservation, CertificatePolicy, CertificateStep, Version } from './model.ts';

type Restore = Extract<CertificateStep, { do: 'restore' }>;

/** The version that a person wants back, unless it is in use. Pure. */
export function askedVersion(
  { stored, wanted }: CertificateObservation,
  { restore: fingerprint }: Pick<CertificatePolicy, 'restore'>,
): Restore | undefined {
  if (fingerprint === undefined || stored === undefined || stored.fingerprint === fingerprint)
    return undefined;
  return { do: 'restore', fingerprint, names: wanted.names, reason: 'asked' };
}

/** An earlier version that covers what is wanted now, so that names that come and go cost no order. Pure. It is one
 * that would not be due if it were the current one. The one with exactly the wanted names comes first, then the one
 * that ends last. */
export function restoreStep(seen: CertificateObservation, policy: CertificatePolicy): Restore | undefined {
  const { versions = [], stored, wanted, refused } = seen;
  const usable = versions.filter(
    (version) =>
      version.fingerprint !== stored?.fingerprint &&
      refused?.has(version.fingerprint) !== true &&
      !version.selfSigned &&
      !isDue(version, seen, policy),
  );
  const exactly = [...wanted.names].sort().join();
  const rank = ({ names }: Version): number => Number(names.join() !== exactly);
  const [best] = usable.toSorted((a, b) => rank(a) - rank(b) || b.notAfter.getTime() - a.notAfter.getTime());
  if (best === undefined) return undefined;
  return {
    do: 'restore',
    fingerprint: best.fingerprint,
    names: wanted.names,
    reason: 'names-covered',
  };
}

function isDue(version: Version, seen: CertificateObservation, policy: CertificatePolicy): boolean {
  const current = { ...version, origin: 'issued' as const };
  const verdict = currentVerdict({ ...seen, stored: current, isOtherwise: false, isRevoked: false }, policy);
  return verdict.due || verdict.clockWrong;
}
