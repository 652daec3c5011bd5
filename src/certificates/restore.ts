import { bundleKey, keyHash } from '../delivery/bundle.ts';
import type { Clock } from '../lib/clock.ts';
import { CertathonError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { ExecuteTools } from './execute.ts';
import type { Problem } from './model.ts';
import type { Store } from './store.ts';
import { revokedBy } from './store-revocations.ts';
import type { CertificateRecord } from './store-schema.ts';
import type { StoreSet } from './store-set.ts';
import type { ObservedCertificate, PassStep } from './world.ts';

type Why = NonNullable<CertificateRecord['aside']>[number]['why'];

/** Remembered of one certificate. */
const MOST_ASIDE = 50;

export interface RestoreTools extends Pick<ExecuteTools, 'faultOf'> {
  stores: Pick<StoreSet, 'of' | 'revocations'>;
  clock: Clock;
  log: Log;
}

/** Makes an earlier version the current one, after the install gate. May be repeated, and may follow a crash at any
 * line. One that a person put back is not renewed by its age for half of the time that it has left: the one before is
 * mostly due already when its successor turns out to be wrong. One that does not pass although nobody asked for it is
 * never tried again.
 * @throws CERTIFICATE_UNUSABLE, CLOCK_WRONG, DELIVERY_TOO_LARGE when a person asked for it */
export async function restoreVersion(
  { fingerprint, reason }: Extract<PassStep, { do: 'restore' }>,
  certificate: ObservedCertificate,
  { stores, faultOf, clock, log }: RestoreTools,
): Promise<Problem[]> {
  const { id, stored, names } = certificate;
  const store = stores.of(id);
  const isAsked = reason === 'asked';
  const fault = await faultIn();
  if (fault !== undefined) {
    if (isAsked) throw new CertathonError(fault.code, `${id} can not go back: ${fault.message}`);
    log.warn('certificate.failed', { certificate: id, fingerprint, code: fault.code, reason: fault.message });
    await setAside(store, fingerprint, 'unusable');
    return [];
  }
  if (isAsked && stored !== undefined) await setAside(store, stored.fingerprint, 'rolled-back');
  if (isAsked) await takeBack(store, fingerprint);
  await forgetFinished(store);
  const version = (await store.versions()).find((each) => each.fingerprint === fingerprint);
  const notAfter = (await store.version(fingerprint))?.facts.notAfter;
  const now = new Date(clock.nowMs());
  const halfMs = ((notAfter ?? now).getTime() - now.getTime()) / 2;
  await store.restore(fingerprint, {
    storedAt: version?.writtenAt ?? now,
    keptUntil: isAsked ? new Date(now.getTime() + halfMs) : undefined,
  });
  log.info('certificate.restored', { certificate: id, names, fingerprint, reason, expiresAt: notAfter });
  return [];

  async function faultIn(): Promise<
    { code: 'CERTIFICATE_UNUSABLE' | 'CLOCK_WRONG' | 'DELIVERY_TOO_LARGE'; message: string } | undefined
  > {
    const bundle = await store.version(fingerprint);
    const unusable = (message: string) => ({ code: 'CERTIFICATE_UNUSABLE' as const, message });
    if (bundle === undefined) return unusable('the store has no such version');
    const { fingerprints, lostKeys } = revokedBy(await stores.revocations.list());
    if (fingerprints.has(fingerprint)) return unusable('that version was revoked');
    if (lostKeys.has(keyHash(bundleKey(bundle))))
      return unusable('the key of that version was reported as lost');
    // What was taken over may serve names of others, which must not go dark.
    const others = isAsked && stored?.origin === 'adopted' ? stored.names : [];
    return faultOf(certificate, bundle, [...new Set([...names, ...others])]);
  }
}

/** The order that brought what is in use now can bring nothing else. */
async function forgetFinished(store: Store): Promise<void> {
  const begun = await store.order();
  if (begun?.url !== undefined && begun.url === (await store.currentOrderUrl())) await store.removeOrder();
}

/** Never takes the version into use again by itself. */
export async function setAside(
  store: Pick<Store, 'record' | 'saveRecord'>,
  fingerprint: string,
  why: Why,
): Promise<void> {
  const record = (await store.record()) ?? { key: 'own', choice: {} };
  const others = (record.aside ?? []).filter((each) => each.fingerprint !== fingerprint);
  await store.saveRecord({ ...record, aside: [...others, { fingerprint, why }].slice(-MOST_ASIDE) });
}

async function takeBack(store: Pick<Store, 'record' | 'saveRecord'>, fingerprint: string): Promise<void> {
  const record = await store.record();
  if (record?.aside === undefined) return;
  await store.saveRecord({
    ...record,
    aside: record.aside.filter((each) => each.fingerprint !== fingerprint),
  });
}
