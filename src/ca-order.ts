import { holdAt } from './certificates/choose-ca.ts';
import type { Hold, Problem } from './certificates/model.ts';
import type { Store } from './certificates/store.ts';
import type { ObservedCertificate } from './certificates/world.ts';
import type { Clock } from './lib/clock.ts';
import { CertathonError } from './lib/errors.ts';
import type { Log } from './lib/log.ts';

/** How long a CA is passed over that CAA records forbid. They change seldom, and are looked up again at every renewal. */
const FORBIDDEN_MS = 6 * 60 * 60_000;

export interface CaOrderTools {
  /** The CAs that certificates may come from, the first one first. */
  cas: readonly string[];
  caaMode: 'off' | 'warn' | 'require';
  store: Pick<Store, 'saveHold'>;
  clock: Pick<Clock, 'nowMs'>;
  log: Log;
}

/** Orders from the CA that was chosen, or from the next one that the CAA records allow: a CA that they forbid is passed
 * over, and held, so that the next passes choose the other one as well. Where they forbid all, the mode decides: a
 * warning and the chosen one, or a failure that names the names.
 * @param order from the CA that is named in the certificate, with that care for CAA records
 * @throws what `order` throws, with the CA in its facts when it is another one than was chosen; CAA_FORBIDS */
export async function orderWhereAllowed(
  certificate: ObservedCertificate,
  order: (certificate: ObservedCertificate, caaMode: CaOrderTools['caaMode']) => Promise<Problem[]>,
  { cas, caaMode, store, clock, log }: CaOrderTools,
): Promise<Problem[]> {
  const { id, names, choice, directoryUrl: chosen, insteadOf, holds = [] } = certificate;
  const tell = (directoryUrl: string, passed: { directoryUrl: string; reason: string }): void =>
    log.warn('ca.passed-over', {
      ...{ certificate: id, names, directoryUrl },
      ...{ insteadOf: passed.directoryUrl, reason: passed.reason },
    });
  if (insteadOf !== undefined) tell(chosen, insteadOf);
  const others = choice.directoryUrl === undefined ? cas.filter((each) => each !== chosen) : [];
  if (caaMode === 'off' || others.length === 0) return order(certificate, caaMode);
  const now = new Date(clock.nowMs());
  const isFree = (directoryUrl: string): boolean =>
    !((holdAt(holds, directoryUrl, cas[0] ?? '')?.until ?? now) > now);
  let forbidden: CertathonError | undefined;
  for (const directoryUrl of [chosen, ...others.filter(isFree)]) {
    try {
      if (forbidden !== undefined) {
        // Written before the other one is asked: what holds that back must not be forgotten for this one.
        await store.saveHold(forbiddenHold(forbidden, chosen, now));
        tell(directoryUrl, { directoryUrl: chosen, reason: forbidden.message });
      }
      return await order({ ...certificate, directoryUrl }, 'require');
    } catch (error) {
      const isForbidden = error instanceof CertathonError && error.code === 'CAA_FORBIDS';
      if (!isForbidden) throw forbidden === undefined ? error : asOf(directoryUrl, error);
      forbidden ??= error;
    }
  }
  if (forbidden === undefined) throw new CertathonError('UNEXPECTED', `No CA was asked for ${id}`);
  // Those that are held may be allowed: the names are not at fault.
  if (!others.every(isFree)) throw asOf(chosen, forbidden, { names: undefined });
  if (caaMode === 'require') throw forbidden;
  return order(certificate, 'warn');
}

function forbiddenHold({ code, message }: CertathonError, directoryUrl: string, now: Date): Hold {
  const until = new Date(now.getTime() + FORBIDDEN_MS);
  return { since: now, until, code, reason: message, failures: 0, byCa: false, directoryUrl };
}

/** A failure with the CA that it happened at. */
function asOf(directoryUrl: string, error: unknown, more: Record<string, unknown> = {}): unknown {
  if (!(error instanceof CertathonError)) return error;
  const { code, message, retryAt, facts, cause } = error;
  return new CertathonError(code, message, {
    ...(cause === undefined ? {} : { cause }),
    ...(retryAt === undefined ? {} : { retryAt }),
    facts: { ...facts, ...more, directoryUrl },
  });
}
