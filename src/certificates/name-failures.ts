import type { CertathonError } from '../lib/errors.ts';
import { holdAfter } from './backoff.ts';
import type { ExecuteTools } from './execute.ts';
import type { Hold } from './model.ts';
import { failedNames } from './set-aside.ts';
import type { Observation, PassStep } from './world.ts';

type Tools = Pick<ExecuteTools, 'stores' | 'clock' | 'log'>;

/** Sets the names aside to which the failure of an order is due, each with the time of its next try.
 * @returns whether there are such, and others are left that can be ordered without them */
export async function setNamesAside(
  { certificate: id, names }: Extract<PassStep, { do: 'order' }>,
  failure: CertathonError,
  { certificates, nameHolds }: Observation,
  { stores, clock, log }: Tools,
): Promise<boolean> {
  const failed = failedNames(failure, names);
  if (failed.length === 0) return false;
  const now = new Date(clock.nowMs());
  const stored = certificates.find((each) => each.id === id)?.stored;
  const holds = new Map(
    failed.map((name) => {
      const endsAt = stored?.names.includes(name) === true ? stored.notAfter : undefined;
      const hold = holdAfter(failure, nameHolds?.get(name), now, endsAt);
      return [name, { ...hold, reason: wordsFor(name, failure) }];
    }),
  );
  await stores.names.change(holds, now);
  for (const [name, { code, reason, until, failures }] of holds)
    log.warn('name.set-aside', { name, certificate: id, code, reason, failures, nextTryAt: until });
  return true;
}

/** Names that were issued have no failures any more. */
export async function forgetFailures(
  names: readonly string[],
  { nameHolds }: Observation,
  { stores, clock }: Tools,
): Promise<void> {
  const known = names.filter((name) => nameHolds?.has(name));
  if (known.length === 0) return;
  const none: [string, Hold | undefined][] = known.map((name) => [name, undefined]);
  await stores.names.change(new Map(none), new Date(clock.nowMs()));
}

/** What was said of this one alone, where several failed together. */
function wordsFor(name: string, { facts, message }: CertathonError): string {
  const words = (facts.words as Record<string, unknown> | undefined)?.[name];
  return typeof words === 'string' ? words : message;
}
