// pure
import type { X509Certificate } from 'node:crypto';
import { type Bundle, bundleChain, type CertificateFacts } from '../delivery/bundle.ts';
import { toVariable } from '../delivery/variable.ts';
import { differenceInWords, trustedNow } from './clock-skew.ts';
import { chainFault, type IssuerTrust } from './issuer-roots.ts';
import type { StoredCertificate } from './model.ts';
import { coversAll } from './renewal.ts';
import { isStaging, realInPlace } from './staging.ts';

export interface Expectations {
  names: readonly string[];
  /** `exactly` for what was ordered; what was there before may cover more. */
  cover: 'exactly' | 'at-least';
  /** Our clock, epoch milliseconds. */
  nowMs: number;
  /** How far the CA's clock is ahead of ours; undefined when the CA was not asked. */
  skewMs: number | undefined;
  trust: IssuerTrust;
  /** Room in the target, measured as in a variable, where a line end takes two characters. */
  mostBytes: number;
  /** What it would take the place of. */
  replaces: Pick<StoredCertificate, 'issuer' | 'notAfter' | 'selfSigned' | 'issuedBy'> | undefined;
  /** It comes from a test CA, also where its issuer does not say so. */
  isTest?: boolean | undefined;
}

/** Why a bundle may not be installed; the message reads on after a colon. */
export interface InstallFault {
  code: 'CERTIFICATE_UNUSABLE' | 'CLOCK_WRONG' | 'DELIVERY_TOO_LARGE';
  message: string;
  /** Another certificate of this CA would have it too: what is wrong are the options, or the roots known here. */
  ofEveryOne?: true;
}

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
/** CAs set notBefore an hour back; clocks that differ by less than this are not wrong. */
const CLOCK_TOLERANCE_MS = 5 * 60_000;

/** The install gate: everything that must hold before a bundle replaces anything, whether it was just issued, is
 * put back or taken over. Pure. That the key fits and each link of the chain holds, parseBundle() has seen.
 * @returns the first fault, undefined when there is none */
export function installFault(bundle: Bundle, expected: Expectations): InstallFault | undefined {
  const { facts, pem } = bundle;
  const chain = bundleChain(bundle);
  const { now } = trustedNow(expected.skewMs, expected.nowMs);
  const unusable =
    namesFault(facts.names, expected) ??
    usageFault(chain[0] as X509Certificate) ??
    stagingFault(facts.issuer, expected, now);
  if (unusable !== undefined) return { code: 'CERTIFICATE_UNUSABLE', message: unusable };
  const dates = datesFault(facts, expected);
  if (dates !== undefined) return dates;
  const wrong = chainFault(chain, expected.trust, now);
  if (wrong !== undefined) return { code: 'CERTIFICATE_UNUSABLE', ...wrong };
  const bytes = Buffer.byteLength(toVariable(pem));
  if (bytes <= expected.mostBytes) return undefined;
  return {
    code: 'DELIVERY_TOO_LARGE',
    message: `it takes ${bytes} bytes, and there is room for ${expected.mostBytes}`,
  };
}

function namesFault(names: readonly string[], { names: wanted, cover }: Expectations): string | undefined {
  const holds = cover === 'exactly' ? names.join() === [...wanted].sort().join() : coversAll(names, wanted);
  if (holds) return undefined;
  const verb = cover === 'exactly' ? 'was ordered' : 'is wanted';
  return `it names ${names.join(', ') || 'nothing'}, but ${wanted.join(', ')} ${verb}`;
}

function usageFault(leaf: X509Certificate): string | undefined {
  if (leaf.ca) return 'it is a CA certificate';
  const uses = leaf.keyUsage as string[] | undefined; // Node calls the extended key usages keyUsage.
  if (uses === undefined || uses.includes(SERVER_AUTH)) return undefined;
  return 'it is not meant for TLS servers (extended key usage)';
}

function stagingFault(issuer: string, { replaces, isTest }: Expectations, now: Date): string | undefined {
  const real = isTest === true || isStaging(issuer) ? realInPlace(replaces, now) : undefined;
  return real === undefined ? undefined : `it is of the test CA and would take the place of ${real}`;
}

type Dates = Pick<CertificateFacts, 'notBefore' | 'notAfter'>;

/** The CA's clock decides, since it is right for everybody else; that ours differs is a finding of its own
 * (clock-skew.ts). CLOCK_WRONG when the dates hold by our clock and not by the CA's, so that one of the two is
 * off; and when something was issued in the future of a clock that could not be compared. */
function datesFault(facts: Dates, { nowMs, skewMs }: Expectations): InstallFault | undefined {
  const { now, skewMs: noticedMs } = trustedNow(skewMs, nowMs);
  const wrong = datesInWords(facts, now);
  if (wrong === undefined) return undefined;
  if (noticedMs !== 0 && datesInWords(facts, new Date(nowMs)) === undefined)
    return {
      code: 'CLOCK_WRONG',
      message: `${wrong} by the clock of the CA, but not by ours. ${differenceInWords(noticedMs)}`,
    };
  if (skewMs === undefined && now < facts.notBefore)
    return { code: 'CLOCK_WRONG', message: `${wrong}, so the clock of this machine seems to be behind` };
  return { code: 'CERTIFICATE_UNUSABLE', message: wrong };
}

function datesInWords({ notBefore, notAfter }: Dates, now: Date): string | undefined {
  if (notBefore.getTime() > now.getTime() + CLOCK_TOLERANCE_MS)
    return `it is not valid before ${notBefore.toISOString()}`;
  return notAfter <= now ? `it expired at ${notAfter.toISOString()}` : undefined;
}
