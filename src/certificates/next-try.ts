import { isHeld } from './backoff.ts';
import type { ExecuteTools } from './execute.ts';
import { SOON_MS } from './pass-result.ts';
import type { Observation, ObservedTarget } from './world.ts';

/** The earliest end of a hold; soon, when what failed has none. */
export async function nextTry(
  { clock, stores }: ExecuteTools,
  seen: Observation | undefined,
  planned: Date | undefined,
): Promise<Date> {
  const nowMs = clock.nowMs();
  const now = new Date(nowMs);
  const held = await heldUntil(stores, seen?.targets ?? [], now).catch(() => []);
  const ends = [planned, ...held].flatMap((end) =>
    end !== undefined && end.getTime() > nowMs ? [end.getTime()] : [],
  );
  const first = ends.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  return new Date(held.length > 0 ? first : Math.min(nowMs + SOON_MS, first));
}

async function heldUntil(
  stores: ExecuteTools['stores'],
  targets: readonly ObservedTarget[],
  now: Date,
): Promise<Date[]> {
  const [entries, ...holds] = await Promise.all([
    stores.list(),
    ...targets.map(({ id }) => stores.targets.hold(id)),
  ]);
  return [...entries.map(({ hold }) => hold), ...holds].flatMap((hold) =>
    isHeld(hold, now) ? [hold.until] : [],
  );
}
