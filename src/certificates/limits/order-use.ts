// pure
import { infoOf } from '../renewal-info.ts';
import type { ObservedCertificate } from '../world.ts';
import type { LimitName, Published } from './published.ts';
import { ALL, setKey } from './state.ts';

/** What an order is to the CA that counts. */
export interface OrderUse {
  names: readonly string[];
  /** It was made before: the CA has counted and checked it, but not its certificate. */
  isBegun: boolean;
  /** `all`: it replaces a certificate inside the window that the CA named (ARI). `renewal`: the CA issued one for
   * exactly these names not long ago. */
  exempt: 'all' | 'renewal' | undefined;
}

/** One bucket that an order has to do with. */
export interface BucketUse {
  key: string;
  limit: LimitName;
  /** What it is for, for sentences. */
  of: string;
  /** Whether the certificate, or the order itself, takes a token from it; otherwise it must only have one. */
  spends: 'order' | 'certificate' | undefined;
}

const RENEWAL_WITHIN_MS = 120 * 86_400_000;

/** Pure. @param certificate with what is stored of it, as far as it is known */
export function useOf(
  certificate: Pick<ObservedCertificate, 'stored' | 'renewal' | 'directoryUrl'>,
  names: readonly string[],
  isBegun: boolean,
  { isIssuer }: Published,
  now: Date,
): OrderUse {
  const { stored } = certificate;
  const isRecent = stored !== undefined && now.getTime() - stored.notBefore.getTime() < RENEWAL_WITHIN_MS;
  const isRenewal = isRecent && isIssuer(stored.issuer) && setKey(stored.names) === setKey(names);
  return { names, isBegun, exempt: isInWindow(certificate, now) ? 'all' : isRenewal ? 'renewal' : undefined };
}

/** The CA that issued it wants it replaced now, and the order will say what it replaces (RFC 9773 5). */
function isInWindow(
  certificate: Pick<ObservedCertificate, 'stored' | 'renewal' | 'directoryUrl'>,
  now: Date,
): boolean {
  const window = infoOf(certificate)?.window;
  if (window === undefined || certificate.stored?.issuedBy?.directoryUrl !== certificate.directoryUrl)
    return false;
  return window.start <= now && now < window.end;
}

/** The buckets of an order at a CA. Pure. Spent by the order, or only when the certificate is issued; failures are
 * only looked at.
 * @source letsencrypt.org/docs/rate-limits; boulder ratelimits/transaction.go */
export function bucketsOf(
  { names, exempt }: OrderUse,
  { limits }: Published,
  domainOf: (name: string) => string,
): BucketUse[] {
  if (exempt === 'all') return [];
  const uses: BucketUse[] = [];
  const isNew = exempt === undefined;
  if (limits.orders !== undefined && isNew)
    uses.push({ key: 'orders', limit: 'orders', of: '', spends: 'order' });
  if (limits.domain !== undefined && isNew)
    for (const domain of new Set(names.map(domainOf)))
      uses.push({ key: `domain:${domain}`, limit: 'domain', of: domain, spends: 'certificate' });
  if (limits.set !== undefined)
    uses.push({ key: setKey(names), limit: 'set', of: '', spends: 'certificate' });
  for (const limit of ['failures', 'row'] as const)
    if (limits[limit] !== undefined)
      for (const of of names) uses.push({ key: `${limit}:${of}`, limit, of, spends: undefined });
  return uses;
}

/** Whether what the CA said about a key concerns an order. Pure. Of domains it is told by the names, so that no list
 * of public suffixes is needed. */
export function isConcerned({ names, exempt }: OrderUse, key: string): boolean {
  if (key === ALL) return true;
  if (exempt === 'all') return false;
  if (key.startsWith('set:')) return key === setKey(names);
  const about = key.slice(key.indexOf(':') + 1);
  if (key.startsWith('domain:'))
    return exempt === undefined && names.some((name) => name === about || name.endsWith(`.${about}`));
  return key === 'orders' ? exempt === undefined : names.includes(about);
}
