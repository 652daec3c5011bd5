import { setTimeout as delay } from 'node:timers/promises';

const LOOK_MS = 40;

/** Looks until there is something to see. A look that throws counts as nothing seen yet.
 * @throws Error with the last words of the look when nothing comes in time */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  withinMs = 90_000,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  let last: unknown;
  for (;;) {
    try {
      const seen = await look();
      if (seen !== undefined && seen !== false) return seen;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`Not within ${withinMs / 1000} s: ${what}`, { cause: last });
    await delay(LOOK_MS);
  }
}
