import type { RenewalInfo } from '../../src/certificates/store-schema.ts';
import { daysFrom, NOW, OURS } from './observations.ts';

/** What the CA said an hour ago about the certificate of observations.ts: 43 hours around two thirds of its 90 days. */
export function told(changes: Partial<RenewalInfo> = {}): RenewalInfo {
  return {
    fingerprint: OURS,
    directoryUrl: 'https://acme.example/directory',
    window: { start: daysFrom(49.1), end: daysFrom(50.9) },
    since: daysFrom(-10),
    seenAt: daysFrom(-1 / 24, NOW),
    askAt: daysFrom(5 / 24, NOW),
    failures: 0,
    ...changes,
  };
}

/** The window that Let's Encrypt names: a fiftieth of the lifetime wide, around two thirds of it, or around the half of one
 * under ten days.   @source Boulder, core/objects.go, RenewalInfoSimple() */
export function windowOf({ notBefore, notAfter }: { notBefore: Date; notAfter: Date }): {
  start: Date;
  end: Date;
} {
  const lifetimeMs = notAfter.getTime() - notBefore.getTime() + 1000;
  const middleMs = notBefore.getTime() + lifetimeMs * (lifetimeMs < 10 * 86_400_000 ? 1 / 2 : 2 / 3);
  return { start: new Date(middleMs - lifetimeMs / 100), end: new Date(middleMs + lifetimeMs / 100) };
}
