import type { AcmeClient } from '../acme/client.ts';
import type { RenewalInfo as Told } from '../acme/renewal-answer.ts';
import { renewalId } from '../acme/renewal-id.ts';
import type { Clock } from '../lib/clock.ts';
import { asCertathonError, CertathonError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { mapBounded } from '../lib/parallel.ts';
import {
  afterFailure,
  isMoved,
  lookAgainMs,
  restAfter,
  type Subject,
  WITHOUT_INFO_MS,
} from './look-again.ts';
import { infoOf, knowingCa } from './renewal-info.ts';
import type { LookHold, RenewalInfo } from './store-schema.ts';
import type { StoreSet } from './store-set.ts';
import type { StoredCertificate } from './stored-model.ts';
import type { Observation, ObservedCertificate, PassStep } from './world.ts';

export type RenewalClient = Pick<AcmeClient, 'directory' | 'renewalInfo' | 'close'>;

export interface LookTools {
  stores: Pick<StoreSet, 'of' | 'looks'>;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  /** A client that needs no account; who opened it closes it. */
  openRenewalInfo: (directoryUrl: string, signal: AbortSignal) => RenewalClient;
}

/** Let's Encrypt takes a thousand looks a second from one address; each of ours takes a few hundredths of one. */
const SIDE_BY_SIDE = 16;
/** So many looks in vain, and none that went well: it is the CA. */
const VAIN = 3;

/** Asks the CAs when they want these certificates renewed, and writes down what they say. A look that fails is made again
 * later; it never fails the pass, since the other triggers do not wait for it (renewal-triggers.ts).
 * @throws the reason of an aborted signal alone */
export async function askRenewal(
  { certificates }: Extract<PassStep, { do: 'ask-renewal' }>,
  seen: Pick<Observation, 'certificates' | 'lookHolds'>,
  tools: LookTools,
): Promise<void> {
  const ids = new Set(certificates);
  const byCa = Map.groupBy(
    seen.certificates.filter(({ id }) => ids.has(id)),
    knowingCa,
  );
  await Promise.all(
    [...byCa].map(([directoryUrl, asked]) =>
      askCa(directoryUrl, asked, seen.lookHolds?.get(directoryUrl), tools).catch((error: unknown) => {
        if (tools.signal.aborted) throw tools.signal.reason;
        tellFailure(directoryUrl, asCertathonError(error), asked.length, undefined, tools);
      }),
    ),
  );
}

async function askCa(
  directoryUrl: string,
  asked: readonly ObservedCertificate[],
  before: LookHold | undefined,
  tools: LookTools,
): Promise<void> {
  const { stores, clock, signal } = tools;
  const hold = async (waitMs: number, failures: number): Promise<Date> => {
    const since = new Date(clock.nowMs());
    const until = new Date(since.getTime() + waitMs);
    await stores.looks.saveHold(directoryUrl, { since, until, failures });
    return until;
  };
  const failures: CertathonError[] = [];
  let told = 0;
  let isGivenUp = false;
  const client = tools.openRenewalInfo(directoryUrl, signal);
  try {
    if ((await client.directory()).renewalInfo === undefined) {
      await hold(WITHOUT_INFO_MS, 0);
      return;
    }
    await mapBounded(asked, SIDE_BY_SIDE, async (certificate) => {
      if (isGivenUp) return;
      const failure = await lookAt(certificate, client, tools);
      if (failure === undefined) told += 1;
      else failures.push(failure);
      isGivenUp ||= told === 0 && failures.filter(isOfCa).length >= Math.min(VAIN, asked.length);
    });
  } catch (error) {
    failures.push(asCertathonError(error));
    isGivenUp = true;
  } finally {
    await client.close();
  }
  signal.throwIfAborted();
  const last = failures.at(-1);
  if (last === undefined || !isGivenUp) {
    if (before !== undefined && told > 0) await stores.looks.removeHold(directoryUrl);
    if (last !== undefined) tellFailure(directoryUrl, last, failures.length, undefined, tools);
    return;
  }
  const count = (before?.failures ?? 0) + 1;
  const until = await hold(lookAgainMs(last, count, clock.nowMs()), count);
  tellFailure(directoryUrl, last, asked.length - told, until, tools);
}

/** Not a word about one certificate, but trouble with the CA. */
function isOfCa({ code }: CertathonError): boolean {
  return code === 'ACME_UNREACHABLE' || code === 'ACME_RATE_LIMITED';
}

/** @returns why it could not be learned; then the certificate itself is asked for later */
async function lookAt(
  certificate: ObservedCertificate,
  client: RenewalClient,
  tools: LookTools,
): Promise<CertathonError | undefined> {
  const { id, stored } = certificate;
  if (stored === undefined) return undefined;
  const store = tools.stores.of(id);
  const { fingerprint } = stored;
  const before = infoOf(certificate);
  const subject = await subjectOf(certificate, stored, before, tools);
  try {
    const certId = renewalId((await store.version(fingerprint))?.pem ?? '');
    if (certId === undefined)
      throw new CertathonError('CERTIFICATE_UNUSABLE', `${id} names no key of its issuer`);
    const answer = await client.renewalInfo(certId);
    if (answer === undefined)
      throw new CertathonError('ACME_ANSWER_INVALID', 'CA stopped telling of renewals');
    tellNews(certificate, before, answer, tools);
    const { window, explanationUrl, askAgainAt } = answer;
    await store.saveRenewal({
      ...subject,
      window,
      ...(explanationUrl === undefined ? {} : { explanationUrl }),
      seenAt: new Date(tools.clock.nowMs()),
      askAt: askAgainAt,
      failures: 0,
    });
    return undefined;
  } catch (error) {
    tools.signal.throwIfAborted();
    const failure = asCertathonError(error);
    await store.saveRenewal(afterFailure(subject, before, failure, tools.clock.nowMs()));
    return failure;
  }
}

async function subjectOf(
  certificate: ObservedCertificate,
  stored: StoredCertificate,
  before: RenewalInfo | undefined,
  { stores, clock }: LookTools,
): Promise<Subject> {
  const about = { fingerprint: stored.fingerprint, directoryUrl: knowingCa(certificate) };
  const nowMs = clock.nowMs();
  const { since = new Date(nowMs), restUntil = restAfter(await previousOf(), stored, nowMs) } = before ?? {};
  return { ...about, since, ...(restUntil === undefined ? {} : { restUntil }) };

  /** What was written down of the certificate before it. */
  async function previousOf(): Promise<RenewalInfo | undefined> {
    if (before !== undefined) return undefined;
    const kept = await stores.of(certificate.id).renewal();
    const isOther = kept?.fingerprint !== about.fingerprint && kept?.directoryUrl === about.directoryUrl;
    return isOther ? kept : undefined;
  }
}

function tellNews(
  { id, names }: ObservedCertificate,
  before: RenewalInfo | undefined,
  { window, explanationUrl }: Told,
  { log }: LookTools,
): void {
  log.debug('renewal.looked', { certificate: id, window });
  if (isMoved(before, window))
    log.warn('renewal.moved', { certificate: id, names, before: before?.window, window });
  if (explanationUrl !== undefined && explanationUrl !== before?.explanationUrl)
    log.warn('renewal.explained', { certificate: id, names, window, explanationUrl });
}

/** One line for all of a CA. */
function tellFailure(
  directoryUrl: string,
  { code, message }: CertathonError,
  certificates: number,
  nextTryAt: Date | undefined,
  { log }: LookTools,
): void {
  log.warn('renewal.failed', { directoryUrl, code, reason: message, certificates, nextTryAt });
}
