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
  superfluous: string[];
  /** Files of somebody else that carry one of our names and others too. */
  rivals: string[];
}

/** Which files of the loaded directory concern the wanted names. Pure. A bundle goes to the file of its first
 * name, as marathon-acme names them; HAProxy chooses by the names in the certificates, the first file that has
 * the name wins, so what else carries one of ours has to go or to be named.
 * @param keeps the fingerprint of the stored certificate: the file that holds it is where it is delivered to
 * @source HAProxy src/ssl_sock.c, ssl_sock_put_ckch_into_bind: the first loaded of equal names */
export function inDirectory(
  files: readonly DirectoryFile[],
  wanted: readonly string[],
  keeps: string | undefined,
): InDirectory {
  const file = fileOf(wanted[0] ?? 'default');
  const named = new Set(wanted);
  const concerned = files.flatMap(({ file: name, content }) =>
    content.kind === 'certificate' && content.facts.names.some((each) => named.has(each))
      ? [{ name, facts: content.facts, ours: content.ours }]
      : [],
  );
  const kept = concerned.find(({ facts }) => facts.fingerprint === keeps);
  const isTaken = files.some(({ file: name, content }) => name === file && content.kind !== 'empty');
  const newest = concerned.toSorted((a, b) => b.facts.notBefore.getTime() - a.facts.notBefore.getTime())[0];
  const holder = kept?.name ?? (isTaken ? file : (newest?.name ?? file));
  const others = concerned.filter(({ name }) => name !== file && name !== holder);
  const isOnlyOurs = ({ facts, ours }: (typeof concerned)[number]) =>
    ours || facts.names.every((each) => named.has(each));
  return {
    file,
    holder,
    superfluous: [
      ...(holder === file ? [] : [holder]),
      ...others.filter(isOnlyOurs).map(({ name }) => name),
    ].filter((name, index, all) => all.indexOf(name) === index && files.some((each) => each.file === name)),
    rivals: others.filter((each) => !isOnlyOurs(each)).map(({ name }) => name),
  };
}

/** A longer name than a file may have is cut, and told apart by a hash. */
const LONGEST = 180;

function fileOf(name: string): string {
  if (name.length <= LONGEST) return `${name}.pem`;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 12);
  return `${name.slice(0, LONGEST - 13)}-${hash}.pem`;
}
