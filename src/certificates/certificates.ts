// pure
import { isHeld } from './backoff.ts';
import { chooseCa, holdAt } from './choose-ca.ts';
import type { CertificateChoice, Hold, WantedNames } from './model.ts';
import type { Owners } from './observe-targets.ts';
import { packingCounts, packNames } from './pack.ts';
import { PACK_MODES, type PackMode } from './pack-groups.ts';
import { lifeOf } from './retire.ts';
import { isNamesFailure, type NameHolds, withoutHeld } from './set-aside.ts';
import type { StoredEntry } from './store-catalogue.ts';
import type { ObservedCertificate, Revoked } from './world.ts';

/** How names become certificates. */
export interface CertificateRules {
  pack: PackMode;
  /** The most names of one certificate, by its profile. */
  mostNames: (choice: CertificateChoice) => number;
  /** The registered domain of a name; only asked when names are packed by it. */
  domainOf: () => Promise<(name: string) => string>;
  /** The CA that comes first. */
  directoryUrl: string;
  /** All that certificates may be ordered from, in order; that one alone unless given. */
  cas?: readonly string[] | undefined;
  graceMs: number;
}

/** Names that our own app and the configuration ask for. */
const OWN = 'own';

/** Every certificate that is wanted, or that is in the store. Pure, but for loading the list of public suffixes.
 * The first is the default one.
 * @param isComplete whether every app that could ask for a name was seen; otherwise what labels asked for before
 *   still counts as wanted */
export async function certificatesOf(
  wanted: WantedNames,
  entries: readonly StoredEntry[],
  { isComplete, now, revoked, nameHolds = NO_HOLDS, askedAt }: Circumstances,
  rules: CertificateRules,
): Promise<ObservedCertificate[]> {
  const domainOf = rules.pack === 'registered-domain' ? await rules.domainOf() : (name: string) => name;
  const packed = packNames({
    wants: wanted.wants,
    mode: rules.pack,
    mostNames: rules.mostNames,
    existing: entries.map(({ id, record, stored, order, issued }) => ({
      id,
      key: record?.key ?? OWN,
      names: stored?.names ?? order?.names ?? record?.names ?? [],
      choice: madeBy(record, issued) ?? {},
    })),
    domainOf,
  });
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  const certificates = packed.map(({ id, key, names, choice }) => {
    const what = { id, key, names, choice, life: 'wanted' as const };
    const certificate = observed(what, byId.get(id), rules, { revoked, now });
    return nameHolds.size === 0 ? certificate : leavingOut(certificate, nameHolds, now, askedAt);
  });
  const isPacked = new Set(packed.map(({ id }) => id));
  const rest = entries.filter(({ id }) => !isPacked.has(id));
  if (rest.length === 0) return certificates.sort(byOwner);
  const current = new Set(certificates.flatMap(({ stored }) => stored?.names ?? []));
  const names = new Set(wanted.names);
  for (const entry of rest) {
    const { id, record, stored } = entry;
    const key = record?.key ?? OWN;
    const life = lifeOf(stored, record?.goneSince, (name) => current.has(name), {
      now,
      graceMs: rules.graceMs,
      isWanted: (name) => names.has(name),
    });
    const isForgotten = record?.forgottenAt !== undefined;
    const isGone = record?.goneSince !== undefined || isForgotten;
    const isUnknown = !isComplete && !isGone && life !== 'replaced' && (rules.pack !== 'app' || key !== OWN);
    certificates.push(
      observed(
        {
          id,
          key,
          names: stored?.names ?? [],
          choice: madeBy(record, entry.issued) ?? {},
          life: isUnknown ? 'wanted' : isForgotten && stored !== undefined ? 'ended' : life,
        },
        entry,
        rules,
        { revoked, now },
      ),
    );
  }
  return certificates.sort(byOwner);
}

/** The packings that make fewer certificates of these names than the present one, in words. Pure, but for loading the
 * list of public suffixes. */
export async function packingWords(
  { wants }: WantedNames,
  { pack, mostNames, domainOf }: Pick<CertificateRules, 'pack' | 'mostNames' | 'domainOf'>,
): Promise<string> {
  const counts = packingCounts({ wants, mostNames, domainOf: await domainOf() });
  const fewer = PACK_MODES.filter((mode) => counts[mode] < counts[pack]);
  if (fewer.length === 0)
    return `no other packing makes fewer than ${counts[pack]} of the ${wants.length} names`;
  const words = fewer.map((mode) => `${counts[mode]} by --pack ${mode}`);
  return `--pack ${pack} makes ${counts[pack]} certificates of the ${wants.length} names, ${words.join(', ')}`;
}

export interface Circumstances {
  /** Whether every app that could ask for a name was seen. */
  isComplete: boolean;
  now: Date;
  revoked?: Revoked | undefined;
  nameHolds?: NameHolds | undefined;
  /** When a person asked for a try. */
  askedAt?: Date | undefined;
}

const NO_HOLDS: NameHolds = new Map();

/** Names that failed by themselves do not keep the others from their certificate. */
function leavingOut(
  certificate: ObservedCertificate,
  holds: NameHolds,
  now: Date,
  askedAt: Date | undefined,
): ObservedCertificate {
  if (!certificate.names.some((name) => holds.has(name))) return certificate;
  const { names, held, together } = withoutHeld(certificate.names, holds, now, askedAt);
  // A hold of the certificate itself that is over holds nobody back who is held for himself.
  const orderHold = isHeld(certificate.orderHold, now)
    ? certificate.orderHold
    : (together ?? certificate.orderHold);
  const left = { ...certificate, names, held, orderHold };
  // Those that are left need no test CA for what the others did.
  return names.some((name) => isNamesFailure(holds.get(name))) ? { ...left, hasFailed: true } : left;
}

function observed(
  what: Pick<ObservedCertificate, 'id' | 'key' | 'names' | 'choice' | 'life'>,
  entry: StoredEntry | undefined,
  rules: CertificateRules,
  { revoked, now }: { revoked: Revoked | undefined; now: Date },
): ObservedCertificate {
  const { id, key, names, choice, life } = what;
  const { order, record, stored } = entry ?? {};
  const holds = holdsOf(entry);
  const chosen =
    choice.directoryUrl !== undefined || holds === undefined || rules.cas === undefined
      ? { directoryUrl: choice.directoryUrl ?? rules.directoryUrl }
      : chooseCa({ cas: rules.cas, holds, stored, now });
  const { directoryUrl } = chosen;
  // Written out: of ten thousand objects those put together from others take several times as long.
  const certificate: ObservedCertificate = {
    id,
    key,
    names,
    choice,
    life,
    goneSince: record?.goneSince,
    recorded:
      record === undefined
        ? undefined
        : { key: record.key, choice: madeBy(record, entry?.issued ?? []) ?? record.choice },
    directoryUrl,
    stored,
    order:
      order === undefined || order.directoryUrl !== directoryUrl
        ? undefined
        : { names: order.names, url: order.url },
    orderHold: holds === undefined ? undefined : holdAt(holds, directoryUrl, rules.directoryUrl),
  };
  if (holds !== undefined) certificate.holds = holds;
  if ('insteadOf' in chosen && chosen.insteadOf !== undefined) certificate.insteadOf = chosen.insteadOf;
  if (record?.forgottenAt !== undefined) certificate.forgotten = true;
  if (stored !== undefined && revoked?.fingerprints.has(stored.fingerprint) === true)
    certificate.revoked = true;
  if (entry?.renewal !== undefined) certificate.renewal = entry.renewal;
  if (record?.aside !== undefined) certificate.aside = record.aside.map(({ fingerprint }) => fingerprint);
  return certificate;
}

/** Most have none. */
function holdsOf(entry: StoredEntry | undefined): readonly Hold[] | undefined {
  if (entry?.hold === undefined) return undefined;
  return [entry.hold, ...(entry.otherHolds ?? [])];
}

/** The choice by which what is stored was made: a crash may have kept that from being written down. */
function madeBy(record: StoredEntry['record'], issued: StoredEntry['issued']): CertificateChoice | undefined {
  const ordered = record?.ordered;
  return ordered !== undefined && issued.at(-1) !== ordered.after ? ordered.choice : record?.choice;
}

/** What our own app asks for comes first, then by id; what nobody wants last. */
function byOwner(a: ObservedCertificate, b: ObservedCertificate): number {
  const rank = ({ life, key }: ObservedCertificate): number => (life !== 'wanted' ? 2 : key === OWN ? 0 : 1);
  return rank(a) - rank(b) || (a.id < b.id ? -1 : 1);
}

/** To which certificate of the store a bundle belongs. Pure. */
export function ownersOf(entries: readonly StoredEntry[]): Owners {
  const current = new Map<string, StoredEntry>();
  const former = new Map<string, string>();
  const issued = new Set<string>();
  for (const entry of entries) {
    const { id, stored, record, issued: fingerprints } = entry;
    for (const { fingerprint } of record?.aside ?? []) former.set(fingerprint, id);
    for (const fingerprint of fingerprints) {
      if (fingerprint !== stored?.fingerprint) former.set(fingerprint, id);
      issued.add(fingerprint);
    }
    if (stored !== undefined) current.set(stored.fingerprint, entry);
  }
  return {
    ownerOf: (fingerprint) => current.get(fingerprint)?.id ?? former.get(fingerprint),
    isIssued: (fingerprint) => issued.has(fingerprint),
    currentOf: (fingerprint) => current.get(fingerprint)?.id,
    factsOf: (fingerprint) => current.get(fingerprint)?.stored,
  };
}
