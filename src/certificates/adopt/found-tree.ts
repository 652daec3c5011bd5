// pure
import type { Bundle } from '../../delivery/bundle.ts';

/** Which program left a directory behind, by the name of its image. */
export type TreeKind = 'letsencrypt-dcos' | 'marathon-acme' | 'maibornwolff';

/** Where each of them keeps its files unless told otherwise. */
export const STOCK_PATHS: Readonly<Record<TreeKind, string>> = {
  'letsencrypt-dcos': '/etc/letsencrypt',
  'marathon-acme': '/var/lib/marathon-acme',
  maibornwolff: '/letsencrypt/.lego',
};

/** What was found in the storage of a predecessor. Holds private keys: never log or print it. */
export interface FoundTree {
  /** `unreadable`: something is at this path that this user may not list; `problems` says why. */
  kind: TreeKind | 'unreadable';
  path: string;
  accounts: FoundAccount[];
  /** Each fingerprint once; in order of their paths. */
  certificates: FoundCertificate[];
  problems: TreeProblem[];
}

/** An account at a CA, with its private key. */
export interface FoundAccount {
  /** The file of the key, absolute. */
  path: string;
  /** Host of the CA with its port, as far as the tree tells; marathon-acme's does not. */
  host: string | undefined;
  /** Directory of the CA; that of v2 where the tree names a v1 host. lego keeps the host only. */
  directoryUrl: string | undefined;
  /** Registered by ACME v1: the CA may have to be told of the same key once more. */
  isOld: boolean;
  /** PKCS#8 PEM, whatever form it was kept in. */
  keyPem: string;
  /** RFC 7638; may be shown. */
  thumbprint: string;
  email: string | undefined;
  /** Only one of ACME v2, at the host of the directory. */
  accountUrl: string | undefined;
  createdAt: Date;
  /** Some certificate of the tree is renewed by this account. */
  isInUse: boolean;
}

export interface FoundCertificate {
  /** The file or the directory of a lineage, absolute. */
  path: string;
  bundle: Bundle;
}

/** What could not be read, and why. No contents of files are ever in the message. */
export interface TreeProblem {
  /** Absolute. */
  path: string;
  message: string;
}
