import { asCertathonError, type CertathonError } from '../lib/errors.ts';
import { mapBounded } from '../lib/parallel.ts';
import { holdAfter, RELOAD_AGAIN_MS } from './backoff.ts';
import { type ExecuteTools, execute } from './execute.ts';
import type { Problem } from './model.ts';
import { forgetFailures, setNamesAside } from './name-failures.ts';
import { endHolds, holdOrder } from './order-holds.ts';
import { isFinal } from './revoke.ts';
import type { Observation, PassStep } from './world.ts';

/** After these a target has shown that it works. */
const ENDS_HOLD = new Set<PassStep['do']>(['deliver', 'repair', 'verify']);

/** Certificates ordered side by side: one slow name delays no other. */
const ORDERS_SIDE_BY_SIDE = 16;

type Order = Extract<PassStep, { do: 'order' }>;

/** Carries out one step that is no order. A failure is recorded with the time of the next try.
 * @throws the reason of an aborted signal; UNEXPECTED and STORE_UNUSABLE, which end the pass */
export async function tryStep(
  step: PassStep,
  seen: Observation,
  mayBeOvertaken: boolean,
  tools: ExecuteTools,
): Promise<{ failure: CertathonError | undefined; found: Problem[] }> {
  if (step.do === 'revoke') return tryRevocation(step, seen, tools);
  const target = 'target' in step ? seen.targets.find(({ id }) => id === step.target) : undefined;
  try {
    const found = await execute(step, seen, tools);
    if (target?.hold !== undefined && ENDS_HOLD.has(step.do))
      await tools.stores.targets.removeHold(target.id);
    return { failure: undefined, found };
  } catch (error) {
    const failure = failureOf(error, tools);
    if (failure.code === 'DELIVERY_OVERTAKEN' && mayBeOvertaken) {
      tools.log.warn('delivery.failed', { code: failure.code, reason: failure.message, hint: failure.hint });
      return { failure, found: [] };
    }
    const isReload = step.do === 'repair' && target?.strategy === 'directory';
    const mostMs = isReload ? RELOAD_AGAIN_MS : undefined;
    const now = new Date(tools.clock.nowMs());
    const hold = holdAfter(failure, target?.hold, now, firstEnd(seen, target?.id), mostMs);
    if (target !== undefined) await tools.stores.targets.saveHold(target.id, hold);
    tools.log.error(step.do === 'restore' ? 'certificate.failed' : 'delivery.failed', {
      code: failure.code,
      reason: failure.message,
      hint: failure.hint,
      nextTryAt: hold.until,
    });
    return { failure, found: [] };
  }
}

/** Carries out steps one after another until one fails.
 * @throws as tryStep() */
export async function tryInTurn(
  steps: readonly PassStep[],
  seen: Observation,
  mayBeOvertaken: boolean,
  tools: ExecuteTools,
): Promise<{
  done: PassStep[];
  found: Problem[];
  failure: CertathonError | undefined;
  failedAt: PassStep | undefined;
}> {
  const done: PassStep[] = [];
  const found: Problem[] = [];
  for (const step of steps) {
    const ended = await tryStep(step, seen, mayBeOvertaken, tools);
    found.push(...ended.found);
    if (ended.failure !== undefined) return { done, found, failure: ended.failure, failedAt: step };
    done.push(step);
  }
  return { done, found, failure: undefined, failedAt: undefined };
}

/** The next order of the certificate waits for the same time: the CA is in trouble, or wants to be left alone. */
async function tryRevocation(
  step: Extract<PassStep, { do: 'revoke' }>,
  seen: Observation,
  tools: ExecuteTools,
): Promise<{ failure: CertathonError | undefined; found: Problem[] }> {
  const { certificate: id } = step;
  try {
    return { failure: undefined, found: await execute(step, seen, tools) };
  } catch (error) {
    const failure = failureOf(error, tools);
    const before = seen.certificates.find((each) => each.id === id);
    const of = seen.revoked?.asked.find((each) => each.fingerprint === step.fingerprint);
    const now = new Date(tools.clock.nowMs());
    const hold = isFinal(failure)
      ? undefined
      : await holdOrder(failure, before, tools.stores.of(id), now, of?.directoryUrl);
    tools.log.error('certificate.failed', {
      certificate: id,
      code: failure.code,
      reason: failure.message,
      hint: failure.hint,
      nextTryAt: hold?.until,
    });
    return { failure, found: [] };
  }
}

export interface EndedOrders {
  done: PassStep[];
  failures: CertathonError[];
  found: Problem[];
  /** Certificates of which some names were set aside: the others are ordered without those. */
  again: Set<string>;
}

/** Orders several certificates side by side. Each that fails is held back for itself, or only the names to which that
 * is due, where others are left.
 * @throws the reason of an aborted signal; UNEXPECTED and STORE_UNUSABLE, which end the pass */
export async function tryOrders(
  steps: readonly Order[],
  seen: Observation,
  tools: ExecuteTools,
): Promise<EndedOrders> {
  const ended: EndedOrders = { done: [], failures: [], found: [], again: new Set() };
  await tools.answering(() =>
    mapBounded(steps, ORDERS_SIDE_BY_SIDE, async (step) => {
      const certificate = seen.certificates.find(({ id }) => id === step.certificate);
      const store = tools.stores.of(step.certificate);
      try {
        ended.found.push(...(await execute(step, seen, tools)));
        await endHolds(store, new Date(tools.clock.nowMs()));
        await forgetFailures(step.names, seen, tools);
        ended.done.push(step);
      } catch (error) {
        const failure = failureOf(error, tools);
        // It was not sent; the next plan says until when it waits.
        if (failure.code === 'ACME_BUDGET_SPENT') return;
        if (await setNamesAside(step, failure, seen, tools)) {
          await endHolds(store, new Date(tools.clock.nowMs()));
          ended.again.add(step.certificate);
          return;
        }
        const now = new Date(tools.clock.nowMs());
        const hold = await holdOrder(failure, certificate, store, now);
        tools.log.error('certificate.failed', {
          certificate: step.certificate,
          code: failure.code,
          reason: failure.message,
          hint: failure.hint,
          nextTryAt: hold.until,
        });
        ended.failures.push(failure);
      }
    }),
  );
  return ended;
}

function failureOf(error: unknown, { signal }: ExecuteTools): CertathonError {
  if (signal.aborted) throw error;
  const failure = asCertathonError(error);
  if (failure.code === 'UNEXPECTED' || failure.code === 'STORE_UNUSABLE') throw failure;
  return failure;
}

/** When the first of the certificates of a target ends. */
function firstEnd({ certificates, targets }: Observation, id: string | undefined): Date | undefined {
  const places = targets.find((target) => target.id === id)?.places;
  const ends = certificates.flatMap(({ id: certificate, stored }) =>
    stored !== undefined && places?.has(certificate) === true ? [stored.notAfter.getTime()] : [],
  );
  return ends.length === 0 ? undefined : new Date(ends.reduce((a, b) => Math.min(a, b)));
}
