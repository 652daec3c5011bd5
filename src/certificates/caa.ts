// pure

/** CAA records: which CAs the owner of a domain allows. @source RFC 8659, RFC 8657 */

/** One record as node:dns gives it: the flag, and the value under the name of its tag. */
export interface CaaRecord {
  critical: number;
  [tag: string]: unknown;
}

/** Who asks: one account at one CA. */
export interface CaaIdentity {
  /** "hostnames that the ACME server recognizes as referring to itself" (RFC 8555 7.1.1). */
  identities: readonly string[];
  /** Undefined while there is no account: then no record about accounts counts. */
  accountUrl: string | undefined;
  /** `http-01` */
  method: string;
}

/** Tags whose meaning is known here, or does not concern certificates of TLS servers. */
const KNOWN_TAGS: ReadonlySet<string> = new Set([
  'issue',
  'issuewild',
  'iodef',
  'issuemail',
  'issuevmc',
  'contactemail',
  'contactphone',
]);

/** Where records of a name may stand: it and all above it, without the root. Pure.
 *   *.www.example.com → www.example.com, example.com, com   @source RFC 8659 3 */
export function placesOf(name: string): string[] {
  const labels = name.replace(/^\*\./, '').split('.');
  return labels.map((_label, index) => labels.slice(index).join('.'));
}

/** Why the records forbid a certificate, in words; undefined when they allow it. Pure.
 * @param records those of the first place that has any   @source RFC 8659 4.2, 4.3; RFC 8657 3, 4 */
export function caaFault(name: string, records: readonly CaaRecord[], who: CaaIdentity): string | undefined {
  const strange = records.find(
    ({ critical, ...tags }) => (critical & 128) !== 0 && Object.keys(tags).some((tag) => !isKnown(tag)),
  );
  if (strange !== undefined)
    return `a critical record that is none of issue and issuewild (${Object.keys(strange)
      .filter((tag) => tag !== 'critical' && tag !== 'type')
      .join()})`;
  const wild = name.startsWith('*.') ? valuesOf(records, 'issuewild') : [];
  const values = wild.length > 0 ? wild : valuesOf(records, 'issue');
  if (values.length === 0) return undefined;
  const faults = values.map((value) => issueFault(value, who));
  if (faults.includes(undefined)) return undefined;
  const own = faults.find((fault) => fault !== OTHER_CA);
  const allowed = values.map((value) => `"${value}"`).join(', ');
  return own ?? `they allow ${allowed}, and not ${who.identities.join(' or ')}`;
}

const OTHER_CA = 'another CA';

function issueFault(value: string, { identities, accountUrl, method }: CaaIdentity): string | undefined {
  const read = readIssue(value);
  if (read === undefined || !identities.some((each) => sameHost(each, read.issuer))) return OTHER_CA;
  const accounts = read.parameters.filter(([tag]) => tag === 'accounturi').map(([, uri]) => uri);
  // "a property containing multiple accounturi parameters … is unsatisfiable"
  if (accounts.length > 1) return `"${value}" names several accounts`;
  if (accounts.length === 1 && accountUrl !== undefined && accounts[0] !== accountUrl)
    return `"${value}" allows another account than ${accountUrl}`;
  const methods = read.parameters.filter(([tag]) => tag === 'validationmethods').map(([, list]) => list);
  const isMethod = methods.every((list) => list.split(',').some((each) => each.trim() === method));
  return isMethod ? undefined : `"${value}" does not allow ${method}`;
}

/** `letsencrypt.org; accounturi=https://…; validationmethods=http-01`; undefined for what can not be read, which allows
 * nobody (RFC 8659 4.2), as does an empty issuer. */
function readIssue(value: string): { issuer: string; parameters: [string, string][] } | undefined {
  const [issuer = '', ...rest] = value.split(';').map((part) => part.trim());
  const parameters: [string, string][] = [];
  for (const part of rest) {
    if (part === '') continue;
    const match = /^([A-Za-z0-9][A-Za-z0-9-]*)\s*=\s*([!-:<-~]*)$/.exec(part);
    if (match === null) return undefined;
    parameters.push([(match[1] as string).toLowerCase(), match[2] as string]);
  }
  return issuer === '' ? undefined : { issuer, parameters };
}

function valuesOf(records: readonly CaaRecord[], tag: string): string[] {
  return records.flatMap((record) => {
    const value = record[tag];
    return typeof value === 'string' ? [value] : [];
  });
}

function isKnown(tag: string): boolean {
  return tag === 'type' || KNOWN_TAGS.has(tag.toLowerCase());
}

function sameHost(left: string, right: string): boolean {
  const bare = (host: string) => host.toLowerCase().replace(/\.$/, '');
  return bare(left) === bare(right);
}
