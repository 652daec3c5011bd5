import { CertathonError } from '../lib/errors.ts';
import type { App } from '../marathon/app-schema.ts';
import type { AppDefinitionJson } from './definition.ts';
import { readGroup } from './observe.ts';
import type { RolloutTools } from './tools.ts';

const POLL_MS = 1_000;

export interface Creation {
  group: string;
  next: AppDefinitionJson;
  last: App | undefined;
  /** How long another deployment may hold the old colour, or an app of that name may take to end. */
  lockWaitMs: number;
}

/** Waits until nothing holds the old colour, and creates the new one. The creation itself is the lock of the group:
 * of two that begin at once, one finds the app there.
 * @throws ROLLOUT_CREATE_FAILED, ROLLOUT_ACTIVE, APP_LOCKED, ROLLOUT_READ_FAILED */
export async function createColour(creation: Creation, tools: RolloutTools): Promise<void> {
  const { group, next, last, lockWaitMs } = creation;
  const { clock, marathon, signal } = tools;
  const deadlineMs = clock.monotonicMs() + lockWaitMs;
  for (let isUnsure = false; ; ) {
    const apps = await readGroup(tools, group);
    const there = apps.find(({ id }) => id === next.id);
    if (there !== undefined) {
      if (isUnsure && isOurs(there, next)) return;
      throw new CertathonError(
        'ROLLOUT_ACTIVE',
        `${next.id} was created by somebody else at the same moment`,
      );
    }
    const holding = apps.find(({ id }) => id === last?.id)?.deployments ?? [];
    if (holding.length === 0) {
      const result = await marathon.createApp(next, signal).catch((error: unknown) => {
        signal.throwIfAborted();
        throw new CertathonError('ROLLOUT_CREATE_FAILED', `${next.id} was not created`, { cause: error });
      });
      if (result.kind === 'accepted') return;
      isUnsure ||= result.kind === 'unknown';
    }
    if (clock.monotonicMs() >= deadlineMs)
      throw new CertathonError(
        'APP_LOCKED',
        holding.length > 0
          ? `${last?.id} is held by deployment ${holding.join(', ')}`
          : `${next.id} can not be created: an app of that name is still being ended, or Marathon does not answer`,
      );
    await tools.wait(POLL_MS);
  }
}

/** No two rollouts of a group begin in one microsecond. */
function isOurs({ labels }: App, next: AppDefinitionJson): boolean {
  const name = 'HAPROXY_DEPLOYMENT_STARTED_AT';
  return labels[name] === next.labels[name];
}
