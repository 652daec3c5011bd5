// pure

import { join } from 'node:path';

/** A directory shared with marathon-lb, laid out as marathon-acme does it, and two of ours beside:
 *   certs/        loaded by HAProxy (`--ssl-certs DIR/certs,DIR/default.pem`): finished bundles and nothing else
 *   default.pem   self-signed, so that HAProxy starts while certs/ is empty
 *   staging/      files that are being written; a rename brings them into certs/
 *   replaced/     what was taken out of certs/, the newest few of each name
 *   unmanaged-certs/, client.key   other people's: never touched
 * HAProxy 2.0 loads every plain file of the directory, `.tmp` and dot files too, so nothing is ever written there. */
export interface DirectoryPlaces {
  root: string;
  certs: string;
  defaultPem: string;
  staging: string;
  replaced: string;
  /** Changes that no balancer has proven yet. */
  record: string;
}

export function placesIn(root: string): DirectoryPlaces {
  const staging = join(root, 'staging');
  return {
    root,
    certs: join(root, 'certs'),
    defaultPem: join(root, 'default.pem'),
    staging,
    replaced: join(root, 'replaced'),
    record: join(staging, 'delivery.json'),
  };
}

const FILE = /^[a-z0-9*_][a-z0-9.*_-]{0,200}\.pem$/;
/** Beside the bundles themselves, these hold what belongs to one of the same name. */
const BESIDE_A_BUNDLE = /\.(issuer|ocsp|sctl)$/;
const KEPT = /^(?<file>.+)\.(?<at>\d{8}T\d{9}Z)-[0-9a-f]{12}$/;

/** May a bundle have this file name? It is joined to a path, so it can hold no slash and begin with no dot. */
export function isBundleFile(file: string): boolean {
  return FILE.test(file);
}

/** May a file of this name be taken out of certs/? Other people name theirs as they like. */
export function isFileName(file: string): boolean {
  return Buffer.byteLength(file) <= 210 && !/[/\0]/.test(file) && !['', '.', '..'].includes(file);
}

/** Would some version of HAProxy load a plain file of this name from a directory? From 2.2 on `*.key` and from 2.6
 * on dot files are left out too, but marathon-lb ships 2.0.
 * @source HAProxy src/ssl_sock.c, ssl_sock_load_cert() */
export function isLoaded(file: string): boolean {
  return !BESIDE_A_BUNDLE.test(file);
}

/** The name under which a file taken out of certs/ is kept.
 * @param unique 12 hex digits */
export function keptName(file: string, at: Date, unique: string): string {
  return `${file}.${at.toISOString().replaceAll(/[-:.]/g, '')}-${unique}`;
}

/** Is this the name under which a former content of that file is kept? */
export function isKeptName(kept: string, file: string): boolean {
  return !kept.includes('/') && KEPT.exec(kept)?.groups?.file === file;
}

/** Which of the kept files are no longer needed: of each file all but the newest. */
export function overdueNames(kept: readonly string[], keep: number): string[] {
  const byFile = Map.groupBy(
    kept.filter((name) => KEPT.test(name)),
    (name) => KEPT.exec(name)?.groups?.file,
  );
  const at = (name: string): string => KEPT.exec(name)?.groups?.at ?? '';
  return [...byFile.values()].flatMap((names) =>
    names.sort((a, b) => at(b).localeCompare(at(a))).slice(keep),
  );
}
