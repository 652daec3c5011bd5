// pure
import type { CertificatePolicy, Problem } from './model.ts';
import { infoOf, knowingCa } from './renewal-info.ts';
import { isStaging } from './staging.ts';
import type { RenewalInfo } from './store-schema.ts';
import type { Observation, ObservedCertificate, PassStep } from './world.ts';

/** Looks of one pass. A store of ten thousand certificates of which nothing is known yet is looked through in an hour
 * and a half, and each pass stays short. */
export const MOST_LOOKS = 500;
/** Looks wait for the next of these marks: thousands of certificates must not mean thousands of passes. Where the marks
 * are is another matter in each store, so that not everybody asks a CA on the minute. */
const MARK_MS = 5 * 60_000;
/** No look is put off for longer (acme/renewal-answer.ts); what says otherwise was written by a wrong clock. */
const LONGEST_WAIT_MS = 86_400_000 + MARK_MS;
/** What came into the store so lately is delivered first: its renewal is far off. */
const NEW_MS = 60 * 60_000;

export interface Looks {
  /** Before anything is ordered: what the CA says may make it due. */
  before: PassStep[];
  /** After the deliveries. */
  after: PassStep[];
  checkAgainMs: number;
}

/** For which certificates the CAs are asked now when they want them renewed. Pure. Not for those that are over or
 * replaced, and not at CAs that do not speak of it or are in trouble.
 * @param asked fingerprints for which that was tried in this pass
 * @source RFC 9773 4.3: "Clients SHOULD NOT poll after the certificate has expired or been replaced" */
export function lookSteps(
  { certificates, now, lookHolds }: Pick<Observation, 'certificates' | 'now' | 'lookHolds'>,
  { asksRenewal = false }: Pick<CertificatePolicy, 'asksRenewal'>,
  asked: ReadonlySet<string> = NONE,
): Looks {
  const looks: Looks = { before: [], after: [], checkAgainMs: Number.POSITIVE_INFINITY };
  if (!asksRenewal) return looks;
  const nowMs = now.getTime();
  const due: ObservedCertificate[] = [];
  let nextMs = Number.POSITIVE_INFINITY;
  const isTest = testCas();
  for (const certificate of certificates) {
    if (!isLookedAt(certificate, nowMs, isTest)) continue;
    const atMs = Math.max(lookMs(infoOf(certificate), nowMs), heldUntilMs(certificate, lookHolds, nowMs));
    if (atMs > nowMs) nextMs = Math.min(nextMs, atMs);
    else if (asked.has(certificate.stored?.fingerprint ?? '')) nextMs = nowMs + 1;
    else due.push(certificate);
  }
  const room = Math.max(0, MOST_LOOKS - asked.size);
  if (due.length > room) nextMs = nowMs + 1;
  looks.checkAgainMs = markAfter(nextMs, certificates);
  const first = due.length > room ? due.sort((a, b) => endMs(a) - endMs(b)).slice(0, room) : due;
  const isNew = ({ stored, renewal }: ObservedCertificate): boolean =>
    renewal?.fingerprint !== stored?.fingerprint && nowMs - (stored?.storedAt?.getTime() ?? 0) < NEW_MS;
  looks.before = stepFor(first.filter((each) => !isNew(each)));
  looks.after = stepFor(first.filter(isNew));
  return looks;
}

/** Why CAs want certificates renewed, where they name a page about it: an incident has one page for thousands. Pure. */
export function explanations(
  { certificates }: Pick<Observation, 'certificates'>,
  { asksRenewal = false }: Pick<CertificatePolicy, 'asksRenewal'>,
): Problem[] {
  const byUrl = new Map<string, string[]>();
  for (const certificate of certificates) {
    if (!asksRenewal || certificate.renewal?.explanationUrl === undefined) continue;
    const url = infoOf(certificate)?.explanationUrl;
    if (url !== undefined) push(byUrl, url, certificate.id);
  }
  return [...byUrl].map(([url, [first, ...more]]) => ({
    code: 'RENEWAL_EXPLAINED',
    message: `The CA explains when it wants ${first}${more.length > 0 ? ` and ${more.length} more` : ''} renewed: ${url}`,
  }));
}

const NONE: ReadonlySet<string> = new Set();

function push(lists: Map<string, string[]>, key: string, value: string): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

function stepFor(certificates: readonly ObservedCertificate[]): PassStep[] {
  if (certificates.length === 0) return [];
  return [{ do: 'ask-renewal', certificates: certificates.map(({ id }) => id), reason: 'look-due' }];
}

function isLookedAt(
  { stored, life, revoked, directoryUrl }: ObservedCertificate,
  nowMs: number,
  isTest: (directoryUrl: string) => boolean,
): boolean {
  if (stored === undefined || revoked === true || (life !== 'wanted' && life !== 'grace')) return false;
  if (stored.notAfter.getTime() <= nowMs) return false;
  // Where the CA is not written down: what is plainly of another one.
  return (
    stored.issuedBy !== undefined || (!stored.selfSigned && isStaging(stored.issuer) === isTest(directoryUrl))
  );
}

/** Nearly all certificates are of one CA: the last answer mostly does. */
function testCas(): (directoryUrl: string) => boolean {
  let last: { url: string; isTest: boolean } | undefined;
  return (url) => {
    if (last?.url !== url) last = { url, isTest: isStaging(url) };
    return last.isTest;
  };
}

function lookMs(info: RenewalInfo | undefined, nowMs: number): number {
  const atMs = info?.askAt.getTime() ?? nowMs;
  return atMs > nowMs + LONGEST_WAIT_MS ? nowMs : atMs;
}

function heldUntilMs(
  certificate: ObservedCertificate,
  holds: Observation['lookHolds'],
  nowMs: number,
): number {
  const hold = holds === undefined || holds.size === 0 ? undefined : holds.get(knowingCa(certificate));
  return hold === undefined || hold.since.getTime() > nowMs + MARK_MS ? nowMs : hold.until.getTime();
}

function markAfter(ms: number, certificates: readonly ObservedCertificate[]): number {
  const first = certificates.find(({ stored }) => stored !== undefined)?.stored?.fingerprint ?? '0';
  const offsetMs = Number.parseInt(first.slice(0, 8), 16) % MARK_MS;
  return Math.ceil((ms - offsetMs) / MARK_MS) * MARK_MS + offsetMs;
}

function endMs({ stored }: ObservedCertificate): number {
  return stored?.notAfter.getTime() ?? 0;
}
