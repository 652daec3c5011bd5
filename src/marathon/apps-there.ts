import { CertathonError } from '../lib/errors.ts';
import type { App } from './app-schema.ts';
import type { MarathonClient } from './client.ts';

export interface AppsThere {
  apps: App[];
  missing: CertathonError[];
}

/** Several apps of which one is not there (any more) do not hide the others.
 * @throws APP_MISSING when none is there, MARATHON_* */
export async function appsThere(
  ids: readonly string[],
  marathon: MarathonClient,
  signal: AbortSignal,
): Promise<AppsThere> {
  const read = await Promise.all(
    ids.map((id) =>
      marathon.app(id, signal).catch((error: unknown) => {
        if (error instanceof CertathonError && error.code === 'APP_MISSING') return error;
        throw error;
      }),
    ),
  );
  const apps = read.filter((each): each is App => !(each instanceof CertathonError));
  const missing = read.filter((each): each is CertathonError => each instanceof CertathonError);
  if (apps.length === 0 && missing[0] !== undefined) throw missing[0];
  return { apps, missing };
}
