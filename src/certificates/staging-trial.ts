import { createCertificateKey, createCsr } from '../acme/csr.ts';
import { refusalClass } from '../acme/refusal.ts';
import type { Clock } from '../lib/clock.ts';
import { asCertathonError, CertathonError, describeError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { type AccountTools, openAccount } from './account.ts';
import { proveNames } from './authorizations.ts';
import type { ChallengeStore } from './store-challenges.ts';

export interface TrialTools extends AccountTools {
  directoryUrl: string;
  challenges: ChallengeStore;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}

const WITHIN_MS = 3 * 60_000;
/** These say nothing of the names. */
const ITS_OWN = new Set(['ACME_UNREACHABLE', 'ACME_RATE_LIMITED', 'ACME_ANSWER_INVALID', 'STORE_UNUSABLE']);

/** Orders the names at the test CA of a CA at which they failed before, where failures cost nothing: only when it
 * issues is the real one asked again. Key and certificate are thrown away. A test CA that is in trouble itself, or
 * wants something of a person, is passed over with a warning.
 * @throws ACME_CHALLENGE_FAILED, ACME_REFUSED, ACME_ORDER_INVALID, as the real CA would have refused
 * @source letsencrypt.org/docs/integration-guide, "Retrying failures" */
export async function tryAtStaging(names: readonly string[], tools: TrialTools): Promise<void> {
  const { directoryUrl, clock, log } = tools;
  const at = new URL(directoryUrl).host;
  try {
    const acme = await openAccount(tools);
    try {
      const deadlineMs = clock.nowMs() + WITHIN_MS;
      const order = await acme.newOrder({ names });
      if (order.status === 'pending') await proveNames(order, acme, { ...tools, deadlineMs });
      const ready = await acme.waitForOrder(order.url, 'ready', { deadlineMs });
      const csr = await createCsr(names, await createCertificateKey());
      const final = ready.status === 'ready' ? await acme.finalize(ready, csr) : ready;
      await acme.waitForOrder(final, 'valid', { deadlineMs });
      log.info('order.staged', { names, directoryUrl });
    } finally {
      await acme.close();
    }
  } catch (error) {
    tools.signal.throwIfAborted();
    const failure = asCertathonError(error);
    if (ITS_OWN.has(failure.code) || refusalClass(failure) === 'operator') {
      const reason = describeError(failure);
      log.warn('order.staging-skipped', { names, directoryUrl, code: failure.code, reason });
      return;
    }
    if (failure.code === 'UNEXPECTED') throw error;
    throw new CertathonError(failure.code, `At the test CA ${at}: ${failure.message}`, {
      cause: failure,
      facts: { ...failure.facts, atTestCa: true },
    });
  }
}
