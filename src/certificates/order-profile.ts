import { CertathonError } from '../lib/errors.ts';
import type { OrderTools } from './order.ts';
import { profileToSend } from './profiles.ts';

/** What is sent of the profile that is wanted. What the CA offers is remembered, since it bounds how names are packed.
 * @throws PROFILE_UNAVAILABLE */
export async function profileFor(
  offered: readonly string[],
  names: readonly string[],
  {
    profile,
    isProfileRequired,
    accounts,
    directoryUrl,
    log,
  }: Pick<OrderTools, 'profile' | 'isProfileRequired' | 'accounts' | 'directoryUrl' | 'log'>,
): Promise<string | undefined> {
  await accounts.saveProfiles(offered);
  const { send, missing } = profileToSend(profile, offered);
  if (missing === undefined) return send;
  const words = offered.length === 0 ? 'none at all' : offered.join(', ');
  if (isProfileRequired === true)
    throw new CertathonError(
      'PROFILE_UNAVAILABLE',
      `CA ${directoryUrl} does not offer the profile ${missing}, which is required, but ${words}`,
    );
  log.warn('order.profile-dropped', { names, directoryUrl, profile: missing, offered });
  return undefined;
}
