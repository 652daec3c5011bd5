import { asCertathonError, CertathonError } from '../lib/errors.ts';
import type { ExecuteTools } from './execute.ts';
import { isKeyLost } from './store-revocations.ts';
import type { PassStep } from './world.ts';

/** After these the CA will never do it. */
const FINAL = new Set(['ACME_REFUSED', 'ACCOUNT_DEACTIVATED', 'CERTIFICATE_UNUSABLE', 'CONFIG_INVALID']);

/** Has a certificate revoked that a person asked for. May be repeated: a CA that did it before says so. What the CA
 * refuses is not asked for again; the certificate is replaced all the same when its key is lost.
 * @throws ACME_*, CERTIFICATE_UNUSABLE, STORE_UNUSABLE */
export async function revokeCertificate(
  { certificate, fingerprint }: Extract<PassStep, { do: 'revoke' }>,
  {
    stores,
    revoke,
    clock,
    log,
    signal,
  }: Pick<ExecuteTools, 'stores' | 'revoke' | 'clock' | 'log' | 'signal'>,
): Promise<void> {
  const { revocations } = stores;
  const revocation = (await revocations.list()).find((each) => each.fingerprint === fingerprint);
  if (revocation === undefined) return;
  const { names, reason, by } = revocation;
  try {
    const bundle = await stores.of(certificate).version(fingerprint);
    if (bundle === undefined)
      throw new CertathonError(
        'CERTIFICATE_UNUSABLE',
        `The certificate to revoke, ${fingerprint}, is not in the store any more`,
      );
    const state = await revoke(revocation, bundle, signal);
    await revocations.save({ ...revocation, state });
    const at = new Date(clock.nowMs());
    log.info('certificate.revoked', { certificate, names, fingerprint, reason, by, state, at });
  } catch (error) {
    if (signal.aborted) throw error;
    if (isFinal(error)) {
      if (isKeyLost(revocation)) await revocations.save({ ...revocation, state: 'refused' });
      else await revocations.remove(fingerprint);
    }
    throw error;
  }
}

/** Will the CA never do it, however often it is asked? */
export function isFinal(error: unknown): boolean {
  return FINAL.has(asCertathonError(error).code);
}
