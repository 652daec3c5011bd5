// pure
import { createHash } from 'node:crypto';
import type { CertificateFacts } from '../delivery/bundle.ts';

/** A file of the loaded directory, as far as the plan needs it. */
export interface DirectoryFile {
  file: string;
  content:
    | { kind: 'unreadable'; problem: string }
    | { kind: 'empty' }
    | { kind: 'certificate'; facts: CertificateFacts; ours: boolean };
}

export interface InDirectory {
  /** The file that our bundle goes to. */
  file: string;
  /** The file whose content counts as what is delivered now. */
  holder: string;
  /** Files that our bundle makes superfluous: they carry names of ours only, and HAProxy might prefer them. */
  superfluous: readonly string[];
  /** Files of somebody else that carry one of our names and others too. */
  rivals: readonly string[];
}

/** The files of the loaded directory by name, by the names that their certificates carry, and by fingerprint. */
export interface DirectoryIndex {
  byFile: ReadonlyMap<string, DirectoryFile>;
  byName: ReadonlyMap<string, Concerned[]>;
  byFingerprint: ReadonlyMap<string, Concerned>;
}

interface Concerned {
  name: string;
  facts: CertificateFacts;
  ours: boolean;
}

/** Pure. */
export function indexOf(files: readonly DirectoryFile[]): DirectoryIndex {
  const byName = new Map<string, Concerned[]>();
  const byFingerprint = new Map<string, Concerned>();
  for (const { file, content } of files) {
    if (content.kind !== 'certificate') continue;
    const found = { name: file, facts: content.facts, ours: content.ours };
    if (!byFingerprint.has(content.facts.fingerprint)) byFingerprint.set(content.facts.fingerprint, found);
    for (const name of content.facts.names) {
      const same = byName.get(name);
      if (same === undefined) byName.set(name, [found]);
      else same.push(found);
    }
  }
  return { byFile: new Map(files.map((each) => [each.file, each])), byName, byFingerprint };
}

/** Which files of the loaded directory concern a certificate. Pure. A bundle goes to a file of its own; HAProxy
 * chooses by the names in the certificates, the first file that has the name wins, so what else carries one of ours
 * has to go or to be named. What is in use for another certificate of ours stays.
 * @param wanted its names   @param keeps the fingerprint of the stored certificate: the file that holds it is where
 *   it is delivered to   @param file where it goes; default by its first name, as marathon-acme names them
 * @source HAProxy src/ssl_sock.c, ssl_sock_put_ckch_into_bind: the first loaded of equal names */
export function inDirectory(
  { byFile, byName, byFingerprint }: DirectoryIndex,
  wanted: readonly string[],
  keeps: string | undefined,
  { file = fileOf(wanted[0] ?? 'default'), isOthers = () => false }: PlaceOptions = {},
): InDirectory {
  // Of ten thousand certificates nearly all are so: in their file, and their names in no other.
  const alone = keeps === undefined ? undefined : byFingerprint.get(keeps);
  if (alone?.name === file && wanted.every((name) => isOnly(alone, byName.get(name))))
    return { file: alone.name, holder: alone.name, superfluous: NONE, rivals: NONE };
  const named = new Set(wanted);
  const concerned = [...new Set(wanted.flatMap((name) => byName.get(name) ?? []))].filter(
    ({ facts }) => facts.fingerprint === keeps || !isOthers(facts.fingerprint),
  );
  const kept = keeps === undefined ? undefined : byFingerprint.get(keeps);
  const isTaken = byFile.has(file) && byFile.get(file)?.content.kind !== 'empty';
  const newest = concerned.toSorted((a, b) => b.facts.notBefore.getTime() - a.facts.notBefore.getTime())[0];
  const holder = kept?.name ?? (isTaken ? file : (newest?.name ?? file));
  const others = concerned.filter(({ name }) => name !== file && name !== holder).sort(byPlace);
  const isOnlyOurs = ({ facts, ours }: Concerned) => ours || facts.names.every((each) => named.has(each));
  return {
    file,
    holder,
    superfluous: [
      ...(holder === file ? [] : [holder]),
      ...others.filter(isOnlyOurs).map(({ name }) => name),
    ].filter((name, index, all) => all.indexOf(name) === index && byFile.has(name)),
    rivals: others.filter((each) => !isOnlyOurs(each)).map(({ name }) => name),
  };
}

const NONE: readonly string[] = [];

function isOnly(one: Concerned, all: readonly Concerned[] | undefined): boolean {
  return all === undefined || (all.length === 1 && all[0] === one);
}

export interface PlaceOptions {
  file?: string;
  /** Is this in use for another certificate of ours? */
  isOthers?: (fingerprint: string) => boolean;
}

function byPlace(a: Concerned, b: Concerned): number {
  return a.name < b.name ? -1 : 1;
}

/** A longer name than a file may have is cut, and told apart by a hash. */
const LONGEST = 180;

export function fileOf(name: string): string {
  if (name.length <= LONGEST) return `${name}.pem`;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 12);
  return `${name.slice(0, LONGEST - 13)}-${hash}.pem`;
}
