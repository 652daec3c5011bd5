// pure

/** A name to ask for, to be shown the certificate of `name`: a wildcard itself is no host that anybody visits. */
export function probeName(name: string): string {
  return name.replace(/^\*\./, 'certathon.');
}
