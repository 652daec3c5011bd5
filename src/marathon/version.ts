// pure
import { CertathonError } from '../lib/errors.ts';

export interface MarathonVersion {
  major: number;
  minor: number;
}

/** `1.8.222`, `1.10.26-86475ddac`, `v1.5.1-SNAPSHOT` as numbers.
 * @throws MARATHON_ANSWER_INVALID when it does not begin like a version; MARATHON_TOO_OLD below 1.4, whose
 *   tasks have no instances, whose events can not be filtered and whose deployments die with the leader */
export function marathonVersion(text: string): MarathonVersion {
  const match = /^v?(\d{1,5})\.(\d{1,5})(?:[.\-+]|$)/.exec(text);
  if (match === null) {
    throw new CertathonError(
      'MARATHON_ANSWER_INVALID',
      `Marathon calls its version ${JSON.stringify(text.slice(0, 80))}`,
    );
  }
  const version = { major: Number(match[1]), minor: Number(match[2]) };
  if (isOlder(version, { major: 1, minor: 4 })) {
    throw new CertathonError('MARATHON_TOO_OLD', `Marathon is version ${text.slice(0, 80)}, older than 1.4`);
  }
  return version;
}

export function isOlder(version: MarathonVersion, than: MarathonVersion): boolean {
  return version.major < than.major || (version.major === than.major && version.minor < than.minor);
}
