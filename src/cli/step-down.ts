import type { User } from '../config/user.ts';
import { CertathonError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';

/** What the system can do to this process; a test has its own. */
export interface Identity {
  getuid?(): number;
  setgroups?(groups: number[]): void;
  setgid?(id: number): void;
  setuid?(id: number): void;
}

/** Goes on as the user, when started as root, for good. Groups first: without root they can not be given up.
 * @param whyRoot why root is needed, where it is   @throws CONFIG_INVALID when the system does not let it */
export function stepDown(
  identity: Identity,
  user: User | undefined,
  whyRoot: string | undefined,
  log: Log,
): void {
  if (identity.getuid?.() !== 0) return;
  if (user === undefined || user.uid === 0) {
    if (whyRoot !== undefined) log.info('service.user', { uid: 0, reason: whyRoot });
    return;
  }
  try {
    identity.setgroups?.([user.gid]);
    identity.setgid?.(user.gid);
    identity.setuid?.(user.uid);
  } catch (cause) {
    throw new CertathonError('CONFIG_INVALID', `Cannot become user ${user.uid}, group ${user.gid}`, {
      cause,
    });
  }
  log.debug('service.user', { ...user });
}
