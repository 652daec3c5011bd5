import { isIP } from 'node:net';
import { withoutCredentials } from '../lib/http-address.ts';
import { printable, quoted } from '../lib/printable.ts';
import type { Balancer, BalancerPorts } from './balancers.ts';
import { addressesOf, addressesOfAll, codeOf, type Resolve, type ServiceRecord } from './resolve.ts';

export interface FoundBalancers {
  /** Sorted by id, each once. */
  balancers: Balancer[];
  /** One sentence each: what was not found, and why. What is here hides nothing of the others. */
  problems: string[];
}

/** More is no set of balancers, but a name that means something else. */
const MOST_BALANCERS = 200;
const LONGEST_NAME = 260;

/** Balancers at the addresses of their admin endpoints: `http://10.0.0.5:9090`, `http://[2001:db8::5]:9090`,
 * `http://marathon-lb.marathon.mesos:9090`. A host name is resolved, and each address is one balancer; a URL
 * without a port (also `http://host:80`, which is the same URL) means the usual admin port. Never throws. */
export async function balancersAtUrls(
  urls: readonly string[],
  ports: BalancerPorts,
  resolve: Resolve,
): Promise<FoundBalancers> {
  const found = urls.map(async (text): Promise<FoundBalancers> => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol))
      return { balancers: [], problems: [`${quoted(text.replace(/\S*@/g, ''))} is no address of balancers`] };
    const admin = url.port === '' ? ports.admin : Number(url.port);
    const { addresses, problem } = await addressesOf(url.hostname.replace(/^\[|\]$/g, ''), resolve);
    const balancers = addresses.map((host) => balancerAt(host, { tls: ports.tls, admin }));
    return { balancers, problems: sentences(`at ${withoutCredentials(url)}`, balancers, problem) };
  });
  return mergedBalancers(await Promise.all(found));
}

/** Balancers by names in DNS. A name that begins with `_` is looked up as SRV, any other as A and AAAA, where each
 * address is a balancer with the usual ports. Mesos-DNS gives a record for each task and, when the name has no
 * label of a port, for each of its ports.
 *
 *   SRV name                             | ports at one address    | TLS port       | admin port
 *   _marathon-lb._tcp.marathon.mesos     | 80 443 9090             | usual (443)    | usual
 *   _https._marathon-lb._tcp.…           | 31001                   | 31001          | usual
 *   _marathon-lb._tcp.…                  | 9090 alone              | usual          | usual
 *   _marathon-lb._tcp.…                  | 31000 31001 31002       | usual          | usual
 *   _admin._marathon-lb._tcp.…           | 31002                   | usual          | 31002
 *   _admin._marathon-lb._tcp.…           | several                 | usual          | usual
 * Where another name finds the same address, `_admin` only adds the admin port to what was found there.
 * Never throws.
 * @source RFC 2782; Mesos-DNS docs, "Service naming" */
export async function balancersInDns(
  names: readonly string[],
  ports: BalancerPorts,
  resolve: Resolve,
): Promise<FoundBalancers> {
  const find = (name: string) =>
    name.startsWith('_') ? byService(name, ports, resolve) : byName(name, ports, resolve);
  const [served, admin] = await Promise.all(
    [false, true].map((wanted) => Promise.all(names.filter((name) => isAdmin(name) === wanted).map(find))),
  );
  return mergedBalancers(withAdminPorts(served ?? [], admin ?? []));
}

function isAdmin(name: string): boolean {
  return /^_admin\./i.test(name);
}

function withAdminPorts(
  served: readonly FoundBalancers[],
  admin: readonly FoundBalancers[],
): readonly FoundBalancers[] {
  const ports = new Map(
    admin.flatMap(({ balancers }) => balancers.map(({ host, adminPort }) => [host, adminPort] as const)),
  );
  const known = new Set(served.flatMap(({ balancers }) => balancers.map(({ host }) => host)));
  return [
    ...served.map(({ balancers, problems }) => ({
      balancers: balancers.map((each) => ({ ...each, adminPort: ports.get(each.host) ?? each.adminPort })),
      problems,
    })),
    ...admin.map(({ balancers, problems }) => ({
      balancers: balancers.filter(({ host }) => !known.has(host)),
      problems,
    })),
  ];
}

async function byName(name: string, ports: BalancerPorts, resolve: Resolve): Promise<FoundBalancers> {
  const { addresses, problem } = await addressesOf(name, resolve);
  const balancers = addresses.map((host) => balancerAt(host, ports));
  return { balancers, problems: sentences(`by the name ${shown(name)}`, balancers, problem) };
}

async function byService(name: string, ports: BalancerPorts, resolve: Resolve): Promise<FoundBalancers> {
  const what = `by the service ${shown(name)}`;
  let records: ServiceRecord[];
  try {
    records = (await resolve.resolveSrv(name)).filter((record) => record.name !== '' && record.port > 0);
  } catch (error) {
    return { balancers: [], problems: sentences(what, [], codeOf(error)) };
  }
  const all = [...new Set(records.map((record) => record.name.toLowerCase()))].sort();
  const targets = all.slice(0, MOST_BALANCERS);
  const problems = all.length > targets.length ? [tooMany(`targets are found ${what}`, all.length)] : [];
  const answers = await addressesOfAll(targets, resolve);
  const portsAt = new Map<string, Set<number>>();
  for (const [index, { addresses, problem }] of answers.entries()) {
    const target = targets[index] as string;
    problems.push(...sentences(`at ${shown(target)}, a target of ${shown(name)}`, addresses, problem));
    const own = records.filter((record) => record.name.toLowerCase() === target).map(({ port }) => port);
    for (const address of addresses) portsAt.set(address, new Set([...(portsAt.get(address) ?? []), ...own]));
  }
  const balancers = [...portsAt].map(([host, seen]) =>
    balancerAt(host, servicePorts(seen, isAdmin(name), ports)),
  );
  if (records.length === 0) problems.push(...sentences(what, [], 'no target'));
  return { balancers, problems };
}

/** Which ports stand for HAProxy's, of those that the records of one address name. */
function servicePorts(
  seen: ReadonlySet<number>,
  isAdminService: boolean,
  ports: BalancerPorts,
): BalancerPorts {
  const [only] = seen.size === 1 ? seen : [];
  if (isAdminService) return { tls: ports.tls, admin: only ?? ports.admin };
  const isTls = only !== undefined && only !== ports.admin;
  return { tls: isTls ? only : ports.tls, admin: ports.admin };
}

function balancerAt(host: string, { tls, admin }: BalancerPorts): Balancer {
  const id = `${isIP(host) === 6 ? `[${host}]` : host}:${tls}`;
  return { id, host, tlsPort: tls, adminPort: admin, version: undefined, isAlive: undefined };
}

function sentences(what: string, found: readonly unknown[], problem: string | undefined): string[] {
  if (problem === undefined) return [];
  const why = printable(problem, 200);
  return [
    found.length === 0 ? `No balancer is found ${what} (${why})` : `Some may be missing ${what} (${why})`,
  ];
}

function shown(name: string): string {
  return printable(name, LONGEST_NAME);
}

function tooMany(what: string, count: number): string {
  return `${count} ${what}; only the first ${MOST_BALANCERS} are looked at`;
}

/** The first of an id wins; names are looked at in the order of the configuration. */
export function mergedBalancers(found: readonly FoundBalancers[]): FoundBalancers {
  const byId = new Map<string, Balancer>();
  for (const { balancers } of found)
    for (const balancer of balancers) if (!byId.has(balancer.id)) byId.set(balancer.id, balancer);
  const all = [...byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  const problems = [...new Set(found.flatMap((each) => each.problems))];
  if (all.length > MOST_BALANCERS) problems.push(tooMany('balancers are found', all.length));
  return { balancers: all.slice(0, MOST_BALANCERS), problems };
}
