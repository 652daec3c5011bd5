// pure
import type { CertificatePolicy, StoredCertificate } from './model.ts';
import type { Life, Observation, ObservedCertificate, PassStep, Retired } from './world.ts';

/** How long a certificate that nobody wants any more is still renewed, unless set otherwise: an app that is away
 * for a week-end must find it again. */
export const GRACE_MS = 7 * 86_400_000;

/** What becomes of a certificate whose names nobody asks for. Pure.
 *
 *   wanted by nobody for | others cover its names | life     | renewed | delivered | removed
 *   less than the grace  | no                     | grace    | yes     | yes       | no
 *   longer               | no                     | ended    | no      | yes       | when it expires
 *   any time             | yes                    | replaced | no      | no        | once no target holds it
 * @param isCovered whether current certificates of ours that are wanted cover a name */
export function lifeOf(
  stored: StoredCertificate | undefined,
  goneSince: Date | undefined,
  isCovered: (name: string) => boolean,
  { now, graceMs = GRACE_MS }: { now: Date; graceMs?: number | undefined },
): Exclude<Life, 'wanted'> {
  if (stored === undefined) return 'replaced';
  if (stored.names.every(isCovered)) return 'replaced';
  // A time in the future was written by a wrong clock: the grace begins anew.
  const since = goneSince === undefined || goneSince > now ? now : goneSince;
  return now.getTime() < since.getTime() + graceMs ? 'grace' : 'ended';
}

/** Steps that write down for whom certificates are, and that take out those that nobody needs. Pure. */
export function lifeSteps(
  seen: Observation,
  { graceMs = GRACE_MS }: Pick<CertificatePolicy, 'graceMs'>,
): { before: PassStep[]; after: PassStep[]; checkAgainAt: Date | undefined } {
  const [before, after]: [PassStep[], PassStep[]] = [[], []];
  const moments: number[] = [];
  for (const certificate of seen.certificates) {
    const { id, key, names, life, goneSince, stored } = certificate;
    if (life === 'wanted') {
      if (isNews(certificate))
        before.push({
          do: 'assign',
          certificate: id,
          key,
          reason: goneSince === undefined ? 'packed' : 'wanted-again',
        });
      continue;
    }
    const since = (goneSince ?? seen.now).getTime();
    if (life === 'grace' || life === 'ended') {
      const renewedUntil = new Date(since + graceMs);
      if (goneSince === undefined)
        before.push({ do: 'retire', certificate: id, names, renewedUntil, reason: 'not-wanted' });
      if (life === 'grace') moments.push(renewedUntil.getTime());
    }
    const isOver = stored === undefined || stored.notAfter <= seen.now;
    if (life === 'replaced' || (life === 'ended' && isOver)) {
      if (!seen.targets.some(({ holds }) => holds.has(id)))
        after.push({
          do: 'remove',
          certificate: id,
          names: stored?.names ?? names,
          reason: life === 'replaced' ? 'replaced' : 'expired',
        });
    }
  }
  const next = moments.length === 0 ? undefined : new Date(moments.reduce((a, b) => Math.min(a, b)));
  return { before, after, checkAgainAt: next };
}

/** Is what the store says of its owner out of date? One without a record and without anything else needs none yet: the
 * order writes it, and with it the choice. */
function isNews({ key, goneSince, recorded, stored, order }: ObservedCertificate): boolean {
  if (goneSince !== undefined) return true;
  if (recorded === undefined) return stored !== undefined || order !== undefined;
  return recorded.key !== key;
}

/** Certificates that nobody wants, for people. Pure. */
export function retiredOf(
  { certificates, now }: Observation,
  { graceMs = GRACE_MS }: Pick<CertificatePolicy, 'graceMs'>,
): Retired[] {
  return certificates.flatMap(({ id, names, life, goneSince, stored }) => {
    if (life === 'wanted') return [];
    const since = goneSince ?? now;
    const renewedUntil = new Date(since.getTime() + graceMs);
    const removedAt = life === 'ended' ? stored?.notAfter : undefined;
    return [{ certificate: id, names, life, since, renewedUntil, removedAt }];
  });
}
