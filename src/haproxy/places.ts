import { hostAndPort } from '../lib/host-and-port.ts';
import { printable, quoted } from '../lib/printable.ts';
import type { AdminPlace } from './admin.ts';
import { addressesOf, type Resolve } from './resolve.ts';

/** A balancer that a rollout looks at. */
export interface BalancerPlace extends AdminPlace {
  /** As reports call it, and by which it is known again. */
  id: string;
}

export interface FoundPlaces {
  /** Sorted by id, each once. */
  places: BalancerPlace[];
  /** One sentence each: what was not found, and why. */
  problems: string[];
}

const ADMIN_PORT = 9090;
/** More is no set of balancers, but a name that means something else. */
const MOST_PLACES = 200;

/** Where balancers answer, by the URLs of their admin endpoints: each address of a host, IPv4 and IPv6, is one.
 *   http://marathon-lb              10.0.0.5:9090, 10.0.0.6:9090, [2001:db8::5]:9090
 *   http://marathon-lb:9191         10.0.0.5:9191 …; a port that is written holds, 80 too
 *   http://user:password@10.0.0.5   10.0.0.5:9090, with basic authentication
 *   https://lb.example:9443         10.0.0.5:9443, with a certificate that is good for lb.example
 * Asked again at each call, since balancers come and go. Never throws.
 * @param caPem trusted for https instead of the system's */
export async function placesAtUrls(
  urls: readonly string[],
  resolve: Resolve,
  { caPem }: { caPem?: string | undefined } = {},
): Promise<FoundPlaces> {
  const found = await Promise.all(urls.map((text) => placesAt(text, resolve, caPem)));
  const byId = new Map<string, BalancerPlace>();
  // The first of an id holds, in the order of the configuration.
  for (const place of found.flatMap(({ places }) => places))
    if (!byId.has(place.id)) byId.set(place.id, place);
  const places = [...byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  const problems = [...new Set(found.flatMap((each) => each.problems))];
  if (places.length > MOST_PLACES)
    problems.push(`${places.length} balancers are found; only the first ${MOST_PLACES} are looked at`);
  return { places: places.slice(0, MOST_PLACES), problems };
}

async function placesAt(text: string, resolve: Resolve, caPem: string | undefined): Promise<FoundPlaces> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const shown = quoted(text.replace(/^(\s*https?:\/\/)?\S*@/i, '$1'));
  if (url === undefined || !/^https?:$/.test(url.protocol))
    return { places: [], problems: [`${shown} is no address of balancers`] };
  const name = url.hostname.replace(/^\[|\]$/g, '');
  const { addresses, problem } = await addressesOf(name, resolve);
  const places = addresses.map((host): BalancerPlace => {
    const adminPort = writtenPort(text) ?? ADMIN_PORT;
    return {
      ...{ id: hostAndPort(host, adminPort), host, adminPort, auth: credentialsOf(url) },
      tls: url.protocol === 'https:' ? { host: name, caPem } : undefined,
    };
  });
  if (problem === undefined) return { places, problems: [] };
  const what = places.length === 0 ? 'No balancer is found' : 'Some balancers may be missing';
  return { places, problems: [`${what} at ${shown} (${printable(problem, 200)})`] };
}

/** `new URL()` forgets a port that is the usual one of its scheme. */
function writtenPort(text: string): number | undefined {
  const port = /^\s*https?:\/\/(?:[^/?#]*@)?(?:\[[^\]]*\]|[^/?#:@]*):(\d{1,5})(?:[/?#]|\s*$)/i.exec(
    text,
  )?.[1];
  return port === undefined ? undefined : Number(port);
}

function credentialsOf({ username, password }: URL): { user: string; password: string } | undefined {
  if (username === '' && password === '') return undefined;
  return { user: decoded(username), password: decoded(password) };
}

/** A lone percent sign is one. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
