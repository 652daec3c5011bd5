// pure
import type { CertificateFacts } from '../../delivery/bundle.ts';
import { isStaging } from '../staging.ts';
import type { FoundAccount, FoundCertificate, FoundTree } from './found-tree.ts';
import { hostOf, isSameDirectory } from './old-directories.ts';

/** What will be taken over from a tree, and what will not. Holds private keys: never log or print it. */
export interface AdoptionPlan {
  /** At most one for each CA, under the directory that our store knows it by. */
  accounts: PlannedAccount[];
  /** The newest of each set of names. */
  certificates: FoundCertificate[];
  left: LeftOut[];
}

export interface PlannedAccount {
  directoryUrl: string;
  account: FoundAccount;
}

export interface LeftOut {
  /** Its path. */
  what: string;
  reason: LeftReason;
}

/** Why something of a tree is left where it is. */
export const LEFT_REASONS = {
  known: 'it was taken over before',
  'other-account': 'another account is in use at this CA',
  'newer-account': 'a newer account of this CA is taken over',
  'unknown-directory': 'the tree does not tell the directory of its CA, and it is not the one that is asked',
  expired: 'it has expired',
  'not-yet-valid': 'it is not valid yet',
  'self-signed': 'it is signed by itself',
  'test-certificate': 'it was issued by the test CA, and the real one is asked',
  nameless: 'it has no DNS name',
  older: 'there is a newer one for the same names',
} as const;
export type LeftReason = keyof typeof LEFT_REASONS;

/** What this program has already. */
export interface KnownAlready {
  /** Of all certificates in the store. */
  fingerprints: ReadonlySet<string>;
  /** The thumbprint of the account that the store has for a directory. */
  accountKeyOf: (directoryUrl: string) => string | undefined;
  /** Those in use: an older one of the same names is not taken over. */
  current?: readonly Pick<CertificateFacts, 'names' | 'notBefore'>[];
}

/** As in every check of a fresh certificate: clocks differ. */
const CLOCK_TOLERANCE_MS = 5 * 60_000;

/** Decides what to take over from a tree. Pure. With what was taken over known, the same tree gives nothing more.
 * @param wantedDirectoryUrl of the CA that this program asks */
export function planAdoption(
  tree: FoundTree,
  known: KnownAlready,
  now: Date,
  wantedDirectoryUrl: string,
): AdoptionPlan {
  const accounts = planAccounts(tree.accounts, known, wantedDirectoryUrl);
  const certificates = planCertificates(tree.certificates, known, now, wantedDirectoryUrl);
  return {
    accounts: accounts.taken,
    certificates: certificates.taken,
    left: [...accounts.left, ...certificates.left],
  };
}

function planAccounts(
  accounts: readonly FoundAccount[],
  known: KnownAlready,
  wanted: string,
): { taken: PlannedAccount[]; left: LeftOut[] } {
  const taken = new Map<string, FoundAccount>();
  const left: LeftOut[] = [];
  for (const account of [...accounts].sort(byUse)) {
    const directoryUrl = directoryFor(account, wanted);
    const ours = directoryUrl === undefined ? undefined : known.accountKeyOf(directoryUrl);
    const leave = (reason: LeftReason) => left.push({ what: account.path, reason });
    if (directoryUrl === undefined) leave('unknown-directory');
    else if (ours !== undefined) leave(ours === account.thumbprint ? 'known' : 'other-account');
    else if (taken.has(directoryUrl)) leave('newer-account');
    else taken.set(directoryUrl, account);
  }
  return { taken: [...taken].map(([directoryUrl, account]) => ({ directoryUrl, account })), left };
}

/** The account that is asked today first: at the host of today, renewing certificates, made last. */
function byUse(one: FoundAccount, other: FoundAccount): number {
  return (
    Number(one.isOld) - Number(other.isOld) ||
    Number(other.isInUse) - Number(one.isInUse) ||
    other.createdAt.getTime() - one.createdAt.getTime() ||
    (one.path < other.path ? -1 : 1)
  );
}

/** The spelling of the directory that is asked wins, since the store goes by it. An account without any host can
 * only be meant for it. */
function directoryFor({ host, directoryUrl }: FoundAccount, wanted: string): string | undefined {
  if (host === undefined) return wanted;
  if (directoryUrl === undefined) return host === hostOf(wanted) ? wanted : undefined;
  return isSameDirectory(directoryUrl, wanted) ? wanted : directoryUrl;
}

function planCertificates(
  certificates: readonly FoundCertificate[],
  known: KnownAlready,
  now: Date,
  wanted: string,
): { taken: FoundCertificate[]; left: LeftOut[] } {
  const taken: FoundCertificate[] = [];
  const left: LeftOut[] = [];
  const isOutdated = ({ names, notBefore }: CertificateFacts): boolean =>
    known.current?.some((each) => setOf(each.names) === setOf(names) && each.notBefore >= notBefore) ?? false;
  const seen = new Set<string>();
  for (const certificate of [...certificates].sort(byAge)) {
    const { facts } = certificate.bundle;
    const set = setOf(facts.names);
    const reason =
      faultOf(facts, known, now, wanted) ?? (seen.has(set) || isOutdated(facts) ? 'older' : undefined);
    if (reason === undefined) taken.push(certificate);
    else left.push({ what: certificate.path, reason });
    // One that was taken over before is the newest too.
    if (reason === undefined || reason === 'known') seen.add(set);
  }
  return { taken, left };
}

function faultOf(
  facts: CertificateFacts,
  known: KnownAlready,
  now: Date,
  wanted: string,
): LeftReason | undefined {
  if (known.fingerprints.has(facts.fingerprint)) return 'known';
  if (facts.selfSigned) return 'self-signed';
  if (facts.names.length === 0) return 'nameless';
  if (facts.notAfter <= now) return 'expired';
  if (facts.notBefore.getTime() > now.getTime() + CLOCK_TOLERANCE_MS) return 'not-yet-valid';
  return isStaging(facts.issuer) && !isStaging(wanted) ? 'test-certificate' : undefined;
}

/** The newest first; of two that were issued together, whichever is listed first by its fingerprint, always. */
function byAge({ bundle: one }: FoundCertificate, { bundle: other }: FoundCertificate): number {
  return (
    other.facts.notBefore.getTime() - one.facts.notBefore.getTime() ||
    (one.facts.fingerprint > other.facts.fingerprint ? -1 : 1)
  );
}

function setOf(names: readonly string[]): string {
  return [...names].sort().join(' ');
}
