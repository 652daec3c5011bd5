// pure
import { KNOWN_CAS } from '../../config/known-cas.ts';
import { isStaging } from '../staging.ts';
import type { Limit } from './bucket.ts';

/** What a CA counts. `orders`: of the account. `domain`: certificates for a registered domain. `set`: certificates for
 * exactly these names. `failures`: failed validations of a name. `row`: those that no success came between, after
 * which the CA takes no order with that name until a person says so. */
export const LIMIT_NAMES = ['orders', 'domain', 'set', 'failures', 'row'] as const;
export type LimitName = (typeof LIMIT_NAMES)[number];

/** The limits of one CA, as far as they are known. */
export interface Published {
  limits: Partial<Record<LimitName, Limit>>;
  /** Whether a certificate of this issuer counts as one of this CA: only its renewal is exempt. */
  isIssuer: (issuer: string) => boolean;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const isLetsEncrypt = (issuer: string): boolean => /let's encrypt/i.test(issuer);

/** Of the test CA, those of certificates (30,000 a second, 30,000 a week) are out of reach.
 * @source letsencrypt.org/docs/rate-limits and /docs/staging-environment, as of 2026-08-05 */
const PUBLISHED: Readonly<Record<string, Published>> = {
  [KNOWN_CAS.letsencrypt]: {
    limits: {
      orders: { of: 300, inMs: 3 * HOUR_MS },
      domain: { of: 50, inMs: 7 * DAY_MS },
      set: { of: 5, inMs: 7 * DAY_MS },
      failures: { of: 5, inMs: HOUR_MS },
      row: { of: 1152, inMs: 1152 * DAY_MS },
    },
    isIssuer: (issuer) => isLetsEncrypt(issuer) && !isStaging(issuer),
  },
  [KNOWN_CAS['letsencrypt-staging']]: {
    limits: {
      orders: { of: 1500, inMs: 3 * HOUR_MS },
      failures: { of: 200, inMs: HOUR_MS },
      row: { of: 3600, inMs: 6 * HOUR_MS },
    },
    isIssuer: isStaging,
  },
};

const NOTHING: Published = { limits: {}, isIssuer: () => false };

/** Of any other CA nothing is known but what it says when it refuses. Pure. */
export function publishedBy(directoryUrl: string): Published {
  return Object.hasOwn(PUBLISHED, directoryUrl) ? (PUBLISHED[directoryUrl] ?? NOTHING) : NOTHING;
}

/** For who was granted more than the published numbers: only what the CA says when it refuses counts. Pure. */
export function nothingPublished(directoryUrl: string): Published {
  return { ...publishedBy(directoryUrl), limits: {} };
}
