import { lookup, Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import { mapBounded } from '../lib/parallel.ts';

/** One record of a service: where it runs. */
export interface ServiceRecord {
  /** A name with addresses of its own. */
  name: string;
  port: number;
}

/** Questions to the DNS; each rejects with what Node says (`ENOTFOUND`, `ENODATA`, `ETIMEOUT` …). */
export interface Resolve {
  resolve4(name: string): Promise<string[]>;
  resolve6(name: string): Promise<string[]>;
  resolveSrv(name: string): Promise<ServiceRecord[]>;
  /** What the machine itself finds, /etc/hosts included; missing when only given servers are to be asked. */
  lookup?: (name: string) => Promise<string[]>;
}

/** Per try; a name takes two tries at each server. */
const TIMEOUT_MS = 3_000;
const LOOKUP_MS = 10_000;

/** @param servers asked instead of those of this machine, and then nothing else is: `10.0.0.2`, `10.0.0.2:53` */
export function createResolver(
  servers: readonly string[],
  { timeoutMs = TIMEOUT_MS }: { timeoutMs?: number } = {},
): Resolve {
  // One for each question: it holds a socket and reads the machine's servers when it is made.
  const resolver = () => {
    const made = new Resolver({ timeout: timeoutMs, tries: 2 });
    if (servers.length > 0) made.setServers(servers);
    return made;
  };
  const resolve: Resolve = {
    resolve4: (name) => resolver().resolve4(name),
    resolve6: (name) => resolver().resolve6(name),
    resolveSrv: (name) => resolver().resolveSrv(name),
  };
  return servers.length > 0 ? resolve : { ...resolve, lookup: machineLookup };
}

/** Has no timeout of its own, and a lost server may hold it for long. */
async function machineLookup(name: string): Promise<string[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const error = Object.assign(new Error('no answer of this machine'), { code: 'ETIMEOUT' });
    timer = setTimeout(() => reject(error), LOOKUP_MS);
  });
  try {
    const found = await Promise.race([lookup(name, { all: true }), late]);
    return found.map(({ address }) => address);
  } finally {
    clearTimeout(timer);
  }
}

export interface FoundAddresses {
  /** IPv4 and IPv6, sorted, each once. */
  addresses: string[];
  /** Why there are none, or why there may be more: the codes of the answers. */
  problem: string | undefined;
}

/** All addresses of a host name; an address stands for itself. A kind of address that the name does not have is
 * no problem while it has another. Never throws. */
export async function addressesOf(host: string, resolve: Resolve): Promise<FoundAddresses> {
  if (isIP(host) !== 0) return { addresses: [host], problem: undefined };
  const answers = await Promise.allSettled([resolve.resolve4(host), resolve.resolve6(host)]);
  const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  const codes = answers.flatMap((answer) => (answer.status === 'rejected' ? codeOf(answer.reason) : []));
  const failed = [...new Set(codes)].filter((code) => !isAbsence(code));
  if (found.length === 0 && resolve.lookup !== undefined) {
    const looked = await resolve.lookup(host).catch(() => []);
    if (looked.length > 0) return { addresses: sorted(looked), problem: undefined };
  }
  const why =
    failed.length > 0 ? failed : found.length === 0 ? [...new Set(codes), 'no address'].slice(0, 1) : [];
  return { addresses: sorted(found), problem: why.length === 0 ? undefined : why.join(', ') };
}

const PARALLEL = 10;

/** The addresses of many names at once, in their order. */
export function addressesOfAll(hosts: readonly string[], resolve: Resolve): Promise<FoundAddresses[]> {
  return mapBounded(hosts, PARALLEL, (host) => addressesOf(host, resolve));
}

/** What went wrong, in Node's word for it. */
export function codeOf(error: unknown): string {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  return typeof code === 'string' ? code : String(message ?? error);
}

/** The DNS answered, and has no such name or no such record. */
function isAbsence(code: string): boolean {
  return code === 'ENOTFOUND' || code === 'ENODATA';
}

function sorted(addresses: readonly string[]): string[] {
  return [...new Set(addresses)].sort();
}
