// pure
import { urgentAt } from '../delivery/timing.ts';
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
 *   any time, last tenth | all that are wanted    | replaced | no      | no        | once no target holds it
 * The last row is for one that was not renewed: HAProxy would show it for those names also when it is over.
 * @param isCovered whether current certificates of ours that are wanted cover a name */
export function lifeOf(
  stored: StoredCertificate | undefined,
  goneSince: Date | undefined,
  isCovered: (name: string) => boolean,
  {
    now,
    graceMs = GRACE_MS,
    isWanted = () => false,
  }: { now: Date; graceMs?: number | undefined; isWanted?: (name: string) => boolean },
): Exclude<Life, 'wanted'> {
  if (stored === undefined) return 'replaced';
  if (stored.names.every(isCovered)) return 'replaced';
  const isLeftOver = stored.names.some(isCovered) && stored.names.filter(isWanted).every(isCovered);
  // One that was found may serve names that are somebody else's, to its very end.
  const endsAt = stored.origin === 'issued' ? urgentAt(stored) : stored.notAfter;
  if (isLeftOver && now >= endsAt) return 'replaced';
  // A time in the future was written by a wrong clock: the grace begins anew.
  const since = goneSince === undefined || goneSince > now ? now : goneSince;
  return now.getTime() < since.getTime() + graceMs ? 'grace' : 'ended';
}

/** Is it of no use any more, so that it leaves its places and then the store? Pure. Asked of one that ended. */
export function isOver(
  { stored, forgotten, revoked }: Pick<ObservedCertificate, 'stored' | 'forgotten' | 'revoked'>,
  now: Date,
): boolean {
  return stored === undefined || stored.notAfter <= now || forgotten === true || revoked === true;
}

/** Steps that write down for whom certificates are, and that take out those that nobody needs. Pure. */
export function lifeSteps(
  seen: Observation,
  { graceMs = GRACE_MS }: Pick<CertificatePolicy, 'graceMs'>,
  isForgotten: (id: string) => boolean = () => false,
): { before: PassStep[]; after: PassStep[]; checkAgainAt: Date | undefined } {
  const [before, after]: [PassStep[], PassStep[]] = [[], []];
  const moments: number[] = [];
  for (const certificate of seen.certificates) {
    const { id, key, names, life, goneSince, stored } = certificate;
    if (life !== 'wanted' && certificate.forgotten !== true && isForgotten(id)) {
      before.push({ do: 'forget', certificate: id, names, reason: 'asked' });
      continue;
    }
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
    if (life === 'replaced' || (life === 'ended' && isOver(certificate, seen.now))) {
      const isAsked = seen.revoked?.asked.some((each) => each.certificate === id) === true;
      if (!isAsked && !seen.targets.some(({ holds }) => holds.has(id)))
        after.push({
          do: 'remove',
          certificate: id,
          names: stored?.names ?? names,
          reason: whyRemoved(certificate),
        });
    }
  }
  const next = moments.length === 0 ? undefined : new Date(moments.reduce((a, b) => Math.min(a, b)));
  return { before, after, checkAgainAt: next };
}

function whyRemoved({
  life,
  forgotten,
  revoked,
}: ObservedCertificate): Extract<PassStep, { do: 'remove' }>['reason'] {
  if (forgotten === true) return 'forgotten';
  if (life === 'replaced') return 'replaced';
  return revoked === true ? 'revoked' : 'expired';
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
  return certificates.flatMap(({ id, names, life, goneSince, stored, forgotten, revoked }) => {
    if (life === 'wanted') return [];
    const since = goneSince ?? now;
    const renewedUntil = new Date(since.getTime() + graceMs);
    const goesAt = forgotten === true || revoked === true ? now : stored?.notAfter;
    const removedAt = life === 'ended' ? goesAt : undefined;
    return [{ certificate: id, names, life, since, renewedUntil, removedAt }];
  });
}
