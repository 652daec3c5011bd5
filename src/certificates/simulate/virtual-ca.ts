// pure
import type { CertificateFacts } from '../../delivery/bundle.ts';
import { CertathonError } from '../../lib/errors.ts';
import type { RenewalInfo } from '../store-schema.ts';
import type { Random } from './random.ts';

/** The CA of a simulation: it issues, tells when it wants certificates renewed, and counts what is asked for by limits of
 * its own, which know nothing of the planner's model of them. */
export interface VirtualCa {
  /** @param replaced what the order replaces, with the window that was told   @throws CertathonError as the real one */
  order(names: readonly string[], replaced: CertificateFacts | undefined, nowMs: number): CertificateFacts;
  /** @throws CertathonError */
  renewalInfo(facts: CertificateFacts, nowMs: number): Pick<RenewalInfo, 'window' | 'askAt'>;
  windowOf(facts: CertificateFacts): { startMs: number; endMs: number };
  /** The most that was used of each limit at any time, and how many orders it refused by them. */
  used(): { limit: string; most: number; of: number }[];
  refused(): number;
}

export const ISSUER = "C=US, O=Let's Encrypt, CN=E1";
const [MINUTE_MS, HOUR_MS, DAY_MS] = [60_000, 3_600_000, 86_400_000];

/** @source letsencrypt.org/docs/rate-limits, as of 2026-08-05 */
const LIMITS = {
  orders: { words: 'orders of an account in 3 hours', of: 300, inMs: 3 * HOUR_MS },
  domain: { words: 'certificates of a registered domain in 7 days', of: 50, inMs: 7 * DAY_MS },
  set: { words: 'certificates of exactly the same names in 7 days', of: 5, inMs: 7 * DAY_MS },
  failures: { words: 'failed validations of a name in an hour', of: 5, inMs: HOUR_MS },
} as const;
type LimitName = keyof typeof LIMITS;

/** @param failing share of the requests that fail, in [0, 1)   @param domainOf registered domain of a name */
export function virtualCa({
  lifetimeMs,
  failing,
  random,
  domainOf,
}: {
  lifetimeMs: number;
  failing: number;
  random: Random;
  domainOf: (name: string) => string;
}): VirtualCa {
  const left = new Map<string, { tokens: number; atMs: number }>();
  const most = new Map<LimitName, number>();
  let [issued, refused] = [0, 0];

  const tokens = (limit: LimitName, key: string, nowMs: number): number => {
    const { of, inMs } = LIMITS[limit];
    const bucket = left.get(`${limit} ${key}`);
    return bucket === undefined ? of : Math.min(of, bucket.tokens + ((nowMs - bucket.atMs) * of) / inMs);
  };
  const take = (limit: LimitName, key: string, nowMs: number): void => {
    const rest = tokens(limit, key, nowMs) - 1;
    left.set(`${limit} ${key}`, { tokens: rest, atMs: nowMs });
    // What has come back in part is gone no more than that.
    const used = Math.ceil(LIMITS[limit].of - rest - 1e-6);
    most.set(limit, Math.max(most.get(limit) ?? 0, used));
  };
  const windowOf = ({ notBefore, notAfter }: CertificateFacts) => {
    const lastsMs = notAfter.getTime() - notBefore.getTime() + 1000;
    const middleMs = notBefore.getTime() + lastsMs * (lastsMs < 10 * DAY_MS ? 1 / 2 : 2 / 3);
    return { startMs: Math.round(middleMs - lastsMs / 100), endMs: Math.round(middleMs + lastsMs / 100) };
  };

  return {
    windowOf,
    used: () =>
      (Object.keys(LIMITS) as LimitName[]).map((limit) => ({
        limit: LIMITS[limit].words,
        most: most.get(limit) ?? 0,
        of: LIMITS[limit].of,
      })),
    refused: () => refused,
    renewalInfo(facts, nowMs) {
      if (random() < failing) throw unreachable();
      const { startMs, endMs } = windowOf(facts);
      const askAt = new Date(nowMs + Math.round((0.8 + 0.4 * random()) * 6 * HOUR_MS));
      return { window: { start: new Date(startMs), end: new Date(endMs) }, askAt };
    },
    order(names, replaced, nowMs) {
      const window = replaced === undefined ? undefined : windowOf(replaced);
      const isExempt = window !== undefined && nowMs >= window.startMs && nowMs < window.endMs;
      const isRenewal = replaced !== undefined && replaced.names.join() === names.join();
      const [domain, set] = [domainOf(names[0] ?? ''), names.join()];
      const isNew = !isExempt && !isRenewal;
      const counted: [LimitName, string][] = [
        ...(isNew ? [['orders', 'account'] satisfies [LimitName, string]] : []),
        ...(isNew ? [['domain', domain] satisfies [LimitName, string]] : []),
        ...(isExempt ? [] : [['set', set] satisfies [LimitName, string]]),
      ];
      const checked: [LimitName, string][] = [
        ...counted,
        ...names.map((name): [LimitName, string] => ['failures', name]),
      ];
      const spent = checked.find(([limit, key]) => tokens(limit, key, nowMs) < 1);
      if (spent !== undefined) {
        refused += 1;
        throw rateLimited(LIMITS[spent[0]].words, nowMs + LIMITS[spent[0]].inMs / LIMITS[spent[0]].of);
      }
      if (random() < failing) {
        const kind = random();
        if (kind < 0.25) throw unreachable();
        if (kind < 0.5) throw rateLimited('requests at all', nowMs + MINUTE_MS + random() * HOUR_MS);
        for (const [limit, key] of counted) if (limit === 'orders') take(limit, key, nowMs);
        for (const name of names) take('failures', name, nowMs);
        throw new CertathonError('ACME_CHALLENGE_FAILED', `CA did not validate ${names[0]}`, {
          facts: { name: names[0] },
        });
      }
      for (const [limit, key] of counted) take(limit, key, nowMs);
      issued += 1;
      // Let's Encrypt sets the beginning back by an hour (3600 s less a second stays within the lifetime).
      const beginsMs = nowMs - HOUR_MS;
      return {
        names: [...names],
        fingerprint: fingerprint(issued),
        issuer: ISSUER,
        notBefore: new Date(beginsMs),
        notAfter: new Date(beginsMs + lifetimeMs - 1000),
        selfSigned: false,
      };
    },
  };
}

function unreachable(): CertathonError {
  return new CertathonError('ACME_UNREACHABLE', 'CA did not answer', { facts: { outcome: 'unknown' } });
}

function rateLimited(words: string, atMs: number): CertathonError {
  return new CertathonError('ACME_RATE_LIMITED', `CA refused: too many ${words}`, {
    retryAt: new Date(atMs),
  });
}

/** Spread over all values, as a hash is, and never twice the same. */
function fingerprint(count: number): string {
  let text = '';
  for (let part = 0; part < 8; part += 1) {
    let mixed = Math.imul(count + part * 0x9e3779b9, 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    text += ((mixed ^ (mixed >>> 16)) >>> 0).toString(16).padStart(8, '0');
  }
  return text;
}
