import { type Bundle, bundleKey, keyHash } from '../delivery/bundle.ts';
import { readBundleFile } from '../delivery/directory-files.ts';
import { readVariable, type VariableContent } from '../delivery/variable.ts';
import { CertathonError } from '../lib/errors.ts';
import { askRenewal, type LookTools } from './ask-renewal.ts';
import { choiceKey } from './choice.ts';
import { type DeliverTools, deliverTo, prepareTarget, repairTarget, verifyTarget } from './deliver.ts';
import type { InstallFault } from './install-gate.ts';
import type { Limits } from './limits/budgets.ts';
import type { Problem } from './model.ts';
import { isByClock } from './renewal.ts';
import { restoreVersion, setAside } from './restore.ts';
import { revokeCertificate } from './revoke.ts';
import { revokedBy } from './store-revocations.ts';
import type { CertificateRecord, Revocation } from './store-schema.ts';
import type { Observation, ObservedCertificate, ObservedTarget, PassStep } from './world.ts';

/** What an order works with, beside what belongs to one certificate. */
export interface ExecuteTools extends DeliverTools, Pick<LookTools, 'openRenewalInfo'> {
  /** Obtains a certificate for these names into its store.
   * @returns what a person has to see although it was obtained */
  obtain: (
    certificate: ObservedCertificate,
    names: readonly string[],
    dueByClock: boolean,
    stagingFirst: boolean,
    signal: AbortSignal,
  ) => Promise<Problem[]>;
  /** The model of the limits of each CA; without one nothing waits before the CA refuses. */
  limits?: Limits | undefined;
  /** Why a version of a certificate may not be taken into use again: the install gate, for at least these names. */
  faultOf: (
    certificate: ObservedCertificate,
    bundle: Bundle,
    names: readonly string[],
  ) => InstallFault | undefined;
  /** Asks the CA to revoke a certificate. @returns `already` when it had been before */
  revoke: (revocation: Revocation, bundle: Bundle, signal: AbortSignal) => Promise<'revoked' | 'already'>;
  /** Runs the work while this program answers challenges. */
  answering: <T>(work: () => Promise<T>) => Promise<T>;
}

/** One entry for each kind of step, so that a new step without an executor does not compile. */
type Executors = {
  [K in PassStep['do']]: (
    step: Extract<PassStep, { do: K }>,
    seen: Observation,
    tools: ExecuteTools,
  ) => Promise<Problem[]>;
};

const EXECUTORS: Executors = {
  prepare: (_step, seen, tools) => nothingFound(prepareTarget(seen.wanted.names, tools)),
  adopt,
  restore: (step, seen, tools) => restoreVersion(step, certificateOf(step, seen), tools),
  revoke: (step, _seen, tools) => nothingFound(revokeCertificate(step, tools)),
  'ask-renewal': (step, seen, tools) => nothingFound(askRenewal(step, seen, tools)),
  order,
  wait: (step, _seen, { clock, signal }) =>
    nothingFound(clock.sleep(Math.max(0, step.until.getTime() - clock.nowMs()), signal)),
  deliver: (step, seen, tools) => nothingFound(deliverTo(targetOf(step, seen), step, seen, tools)),
  repair: (step, seen, tools) => nothingFound(repairTarget(targetOf(step, seen), step, seen, tools)),
  verify: (step, seen, tools) => nothingFound(verifyTarget(targetOf(step, seen), step, seen, tools)),
  assign: (step, seen, tools) => nothingFound(record(asRecorded(step, seen), undefined, tools)),
  retire: (step, seen, tools) =>
    nothingFound(record(asRecorded(step, seen), new Date(tools.clock.nowMs()), tools)),
  forget: async (step, seen, tools) => {
    const now = new Date(tools.clock.nowMs());
    await writeRecord(asRecorded(step, seen), { goneSince: now, forgottenAt: now }, tools);
    return [];
  },
  remove: async (step, _seen, { stores, log }) => {
    await stores.of(step.certificate).remove();
    log.info('certificate.removed', {
      certificate: step.certificate,
      names: step.names,
      reason: step.reason,
    });
    return [];
  },
};

/** Carries out one step. May be repeated, and may follow a crash at any line.
 * @param seen what the step was planned from
 * @returns what a person has to see although the step was done */
export async function execute(step: PassStep, seen: Observation, tools: ExecuteTools): Promise<Problem[]> {
  // Looks are made all day, and change nothing but the store.
  tools.log[step.do === 'ask-renewal' ? 'debug' : 'info']('pass.step', told(step));
  const executor = EXECUTORS[step.do] as (
    step: PassStep,
    seen: Observation,
    tools: ExecuteTools,
  ) => Promise<Problem[]>;
  return executor(step, seen, tools);
}

/** One line of the log, however many certificates go out. */
const MOST_TOLD = 20;

function told(step: PassStep): Record<string, unknown> {
  if ('certificates' in step && step.certificates.length > MOST_TOLD)
    return { ...step, certificates: step.certificates.slice(0, MOST_TOLD), of: step.certificates.length };
  if (step.do === 'deliver' && step.puts.length > MOST_TOLD)
    return { ...step, puts: step.puts.slice(0, MOST_TOLD), of: step.puts.length };
  return { ...step };
}

async function order(
  step: Extract<PassStep, { do: 'order' }>,
  seen: Observation,
  tools: ExecuteTools,
): Promise<Problem[]> {
  const certificate = certificateOf(step, seen);
  const { recorded, id } = certificate;
  const isOtherwise = recorded !== undefined && choiceKey(recorded.choice) !== choiceKey(certificate.choice);
  const isAnnounced = (await tools.stores.of(id).record())?.ordered !== undefined;
  if (recorded === undefined || (isAnnounced && !isOtherwise)) await record(certificate, undefined, tools);
  else if (isOtherwise) await announce(certificate, recorded.choice, tools);
  const before = isOtherwise ? await tools.stores.of(id).versions() : [];
  const found = await tools.obtain(
    certificate,
    step.names,
    isByClock(step.reason),
    step.stagingFirst === true,
    tools.signal,
  );
  // Only now it is by this choice.
  if (isOtherwise) {
    await record(certificate, undefined, tools);
    for (const { fingerprint } of before)
      await setAside(tools.stores.of(id), fingerprint, 'chosen-otherwise');
  }
  return found;
}

/** A certificate with the choice by which what is stored was made. */
function asRecorded(step: { certificate: string }, seen: Observation): ObservedCertificate {
  const certificate = certificateOf(step, seen);
  return { ...certificate, choice: certificate.recorded?.choice ?? certificate.choice };
}

/** Writes down for whom a certificate is. */
async function record(
  certificate: ObservedCertificate,
  goneSince: Date | undefined,
  tools: ExecuteTools,
): Promise<void> {
  await writeRecord(certificate, goneSince === undefined ? {} : { goneSince }, tools);
}

async function writeRecord(
  { id, key, choice, names }: ObservedCertificate,
  more: Pick<CertificateRecord, 'goneSince' | 'forgottenAt' | 'ordered'>,
  { stores }: ExecuteTools,
): Promise<void> {
  const store = stores.of(id);
  const aside = (await store.record())?.aside;
  await store.saveRecord({ key, choice, names, ...more, ...(aside === undefined ? {} : { aside }) });
}

/** Writes down that it is ordered by another choice, so that a crash after it was issued orders no other one. */
async function announce(
  certificate: ObservedCertificate,
  before: ObservedCertificate['choice'],
  tools: ExecuteTools,
): Promise<void> {
  const after = (await tools.stores.of(certificate.id).issued()).at(-1);
  const ordered = { choice: certificate.choice, ...(after === undefined ? {} : { after }) };
  await writeRecord({ ...certificate, choice: before }, { ordered }, tools);
}

/** Copies certificate and key from a target into the store. */
async function adopt(
  step: Extract<PassStep, { do: 'adopt' }>,
  seen: Observation,
  tools: ExecuteTools,
): Promise<Problem[]> {
  const target = targetOf(step, seen);
  const place = target.places.get(step.certificate);
  const content = place === undefined ? undefined : await contentIn(target, place, tools);
  if (content?.kind !== 'certificate' || content.facts.fingerprint !== step.fingerprint)
    throw new CertathonError('DELIVERY_OVERTAKEN', `${place?.place} was changed while it was read`);
  const store = tools.stores.of(step.certificate);
  const origin = (await store.issued()).includes(step.fingerprint) ? 'issued' : 'adopted';
  const certificate = certificateOf(step, seen);
  if (certificate.recorded === undefined) await record(certificate, undefined, tools);
  const { pem, facts } = content;
  const { lostKeys } = revokedBy(await tools.stores.revocations.list());
  if (lostKeys.has(keyHash(bundleKey({ pem, facts })))) {
    await setAside(store, step.fingerprint, 'unusable');
    tools.log.warn('certificate.failed', {
      certificate: step.certificate,
      fingerprint: step.fingerprint,
      code: 'CERTIFICATE_UNUSABLE',
      reason: 'It is not taken over: its key was reported as lost',
    });
    return [];
  }
  await store.save({ pem, facts }, origin, undefined, new Date(tools.clock.nowMs()));
  tools.log.info('certificate.adopted', {
    certificate: step.certificate,
    names: step.names,
    fingerprint: step.fingerprint,
    reason: step.reason,
    expiresAt: facts.notAfter,
  });
  return [];
}

async function contentIn(
  { id, strategy }: ObservedTarget,
  { at, place }: { at: string; place: string },
  { marathon, signal }: ExecuteTools,
): Promise<VariableContent | undefined> {
  if (strategy === 'directory') return readBundleFile(place);
  return readVariable((await marathon.app(id, signal)).env[at]);
}

export function targetOf(step: { target: string }, { targets }: Observation): ObservedTarget {
  const target = targets.find(({ id }) => id === step.target);
  if (target === undefined) throw new CertathonError('UNEXPECTED', `No target ${step.target} was seen`);
  return target;
}

function certificateOf(step: { certificate: string }, { certificates }: Observation): ObservedCertificate {
  const certificate = certificates.find(({ id }) => id === step.certificate);
  if (certificate === undefined)
    throw new CertathonError('UNEXPECTED', `No certificate ${step.certificate} was seen`);
  return certificate;
}

async function nothingFound(work: Promise<void>): Promise<Problem[]> {
  await work;
  return [];
}
