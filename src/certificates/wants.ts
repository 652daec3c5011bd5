// pure

/** Which names want a certificate, and how. */

export interface RefusedName {
  name: string;
  /** Where the name came from: `domains` or the label with its app. */
  source: string;
  reason: string;
  /** Only an option is refused, and `name` is what was asked for: the names keep what holds without it. */
  option?: true;
}

/** How a certificate is wanted, where that differs from what the operator configured for all. */
export interface CertificateChoice {
  keyType?: string | undefined;
  profile?: string | undefined;
  /** The CA. */
  directoryUrl?: string | undefined;
  /** Each such name has a certificate for itself alone. */
  own?: true | undefined;
}

/** One name that wants a certificate. */
export interface Want {
  /** Lower-case, in the ASCII form of RFC 5890. */
  name: string;
  /** Who wants it, sorted: `own` for our own lists and labels, else the deployment group or id of an app. */
  keys: string[];
  choice: CertificateChoice;
}

export interface WantedNames {
  /** Sorted, each once. */
  names: string[];
  /** One for each name, in the same order. */
  wants: Want[];
  refused: RefusedName[];
}
