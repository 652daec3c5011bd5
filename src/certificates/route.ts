import { Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import { mapBounded } from '../lib/parallel.ts';
import { printable } from '../lib/printable.ts';
import { Agent, request } from '../lib/undici.ts';

/** What came back through the public route of one name at one of its addresses. */
export interface RouteReport {
  name: string;
  address: string;
  ok: boolean;
  /** In words, escaped: what a person needs to see. */
  found: string;
  /** Task of the balancer that was asked on its own address, instead of the name's public one. */
  balancer?: string;
}

/** A balancer on its own address. */
export interface RouteBalancer {
  id: string;
  host: string;
  /** Where it listens for what the CA sends to port 80. */
  port: number;
}

export interface RouteCheck {
  /** The path's last part and the body that must come back. */
  token: string;
  /** Any of these bodies is ours (a stateless instance answers from its thumbprint). */
  answers: readonly string[];
  httpPort: number;
  httpsPort: number;
  dnsServers: readonly string[];
  /** Asked one by one as well: the CA looks from several places at once and reaches any of them. */
  balancers?: readonly RouteBalancer[];
  /** For each request; default 8 s. */
  timeLimitMs?: number;
  signal: AbortSignal;
}

/** As the CA does it (Boulder va/http.go): so many redirects, by these statuses only, to these ports only. */
const MOST_REDIRECTS = 10;
const REDIRECTS = [301, 302, 307, 308];
const MOST_BYTES = 1024;
const TIME_LIMIT_MS = 8_000;
const MOST_ADDRESSES = 8;
const PARALLEL = 10;

/** Tries http://NAME/.well-known/acme-challenge/TOKEN at every address of every name, as the CA will. What does
 * not come back here is likely to fail there, where it costs rate limit; what does may still fail from
 * elsewhere, so the caller decides what a failure means. Never throws, except when stopped. */
export async function checkRoutes(names: readonly string[], check: RouteCheck): Promise<RouteReport[]> {
  const resolver = new Resolver({ timeout: 3_000, tries: 2 });
  if (check.dnsServers.length > 0) resolver.setServers(check.dnsServers);
  const stop = (): void => resolver.cancel();
  check.signal.addEventListener('abort', stop);
  try {
    const reports = await mapBounded(names, PARALLEL, async (name) => {
      const inside = (check.balancers ?? []).map(async ({ id, host, port }) => ({
        ...(await tryAddress(name, { address: host, port }, resolver, check)),
        balancer: id,
      }));
      const addresses = await resolve(resolver, name);
      if (typeof addresses === 'string')
        return [{ name, address: '', ok: false, found: addresses }, ...(await Promise.all(inside))];
      const outside = addresses
        .slice(0, MOST_ADDRESSES)
        .map((address) => tryAddress(name, { address, port: check.httpPort }, resolver, check));
      return Promise.all([...outside, ...inside]);
    });
    check.signal.throwIfAborted();
    return reports.flat();
  } finally {
    check.signal.removeEventListener('abort', stop);
  }
}

/** IPv6 first, as the CA tries it. @returns addresses, or in words why there are none */
async function resolve(resolver: Resolver, name: string): Promise<string[] | string> {
  const [six, four] = await Promise.allSettled([resolver.resolve6(name), resolver.resolve4(name)]);
  const addresses = [six, four].flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
  if (addresses.length > 0) return addresses;
  const reason = four.status === 'rejected' ? (four.reason as NodeJS.ErrnoException).code : 'no address';
  return `the name has no address in the DNS (${reason})`;
}

async function tryAddress(
  name: string,
  { address, port }: { address: string; port: number },
  resolver: Resolver,
  check: RouteCheck,
): Promise<RouteReport> {
  const report = (ok: boolean, found: string): RouteReport => ({ name, address, ok, found });
  const path = `/.well-known/acme-challenge/${check.token}`;
  let url = new URL(`http://${name}:${check.httpPort}${path}`);
  let host = address;
  const seen = new Set<string>();
  try {
    for (let hop = 0; hop <= MOST_REDIRECTS; hop += 1) {
      if (seen.has(url.href)) return report(false, `a redirect loop at ${printable(url.href, 200)}`);
      seen.add(url.href);
      const answer = await fetchOnce(url, host, hop === 0 ? port : undefined, check);
      if (answer.status === 200 && check.answers.includes(answer.body.trimEnd())) {
        return report(true, hop === 0 ? 'our answer' : `our answer after ${hop} redirects`);
      }
      if (!REDIRECTS.includes(answer.status) || answer.location === undefined) {
        return report(
          false,
          `status ${answer.status} and ${printable(JSON.stringify(answer.body.slice(0, 200)), 300)}`,
        );
      }
      const next = redirectTarget(answer.location, url, check);
      if (typeof next === 'string') return report(false, next);
      const addresses = next.hostname === name ? [address] : await resolve(resolver, next.hostname);
      if (typeof addresses === 'string')
        return report(false, `a redirect to ${printable(next.hostname, 200)}: ${addresses}`);
      const first = addresses[0] as string;
      // A redirect is other people's input: it must not make this program look into the machine's own network.
      if (first !== address && isLinkLocal(first))
        return report(false, `a redirect to the link-local address ${first}`);
      url = next;
      host = first;
    }
    return report(false, `more than ${MOST_REDIRECTS} redirects`);
  } catch (error) {
    if (check.signal.aborted) throw check.signal.reason;
    const { code, message, name: kind } = error as NodeJS.ErrnoException;
    return report(
      false,
      kind === 'TimeoutError'
        ? `no answer within ${(check.timeLimitMs ?? TIME_LIMIT_MS) / 1000} s`
        : printable(`no answer: ${code ?? message}`, 200),
    );
  }
}

function redirectTarget(location: string, from: URL, check: RouteCheck): URL | string {
  const shown = printable(location, 200);
  if (!URL.canParse(location, from.href)) return `a redirect to "${shown}", which is no address`;
  const next = new URL(location, from.href);
  if (next.protocol !== 'http:' && next.protocol !== 'https:')
    return `a redirect to "${shown}", which is neither http nor https`;
  // A test CA's ports stand for 80 and 443; written out or not, the CA follows to no others.
  const usual = next.protocol === 'http:' ? check.httpPort : check.httpsPort;
  if (next.port === '') next.port = String(usual);
  const port = next.port === '' ? (next.protocol === 'http:' ? 80 : 443) : Number(next.port);
  if (port !== check.httpPort && port !== check.httpsPort)
    return `a redirect to port ${port}; the CA follows only to 80 and 443`;
  if (isIP(next.hostname.replace(/^\[|\]$/g, '')) !== 0)
    return `a redirect to the address ${shown} instead of a name`;
  if (next.href.length > 2000) return 'a redirect to an address of more than 2000 characters';
  return next;
}

/** @param firstPort where to connect to on the first hop; a balancer gets the Host as the front passes it on */
async function fetchOnce(
  url: URL,
  address: string,
  firstPort: number | undefined,
  { signal, timeLimitMs = TIME_LIMIT_MS }: RouteCheck,
): Promise<{ status: number; location: string | undefined; body: string }> {
  const secure = url.protocol === 'https:';
  // The CA does not verify certificates on its way to a challenge (RFC 8555 8.3 knows only HTTP), and the name
  // may not have a valid one yet: what counts is the body.
  const agent = new Agent({
    connect: { rejectUnauthorized: false, servername: url.hostname, timeout: timeLimitMs },
    maxHeaderSize: 16_384,
  });
  try {
    const at = isIP(address) === 6 ? `[${address}]` : address;
    const usual = url.port === '' ? (secure ? 443 : 80) : Number(url.port);
    const port = firstPort ?? usual;
    const { statusCode, headers, body } = await request(
      `${url.protocol}//${at}:${port}${url.pathname}${url.search}`,
      {
        dispatcher: agent,
        headers: {
          host: port === usual ? url.host : url.hostname,
          'user-agent': 'certathon route check',
          accept: '*/*',
        },
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeLimitMs)]),
      },
    );
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of body) {
      chunks.push(chunk as Buffer);
      bytes += (chunk as Buffer).length;
      if (bytes >= MOST_BYTES) break;
    }
    const location = headers.location;
    return {
      status: statusCode,
      location: typeof location === 'string' ? location : undefined,
      body: Buffer.concat(chunks).subarray(0, MOST_BYTES).toString('latin1'),
    };
  } finally {
    await agent.destroy();
  }
}

function isLinkLocal(address: string): boolean {
  return /^(?:::ffff:)?169\.254\.|^fe[89ab][0-9a-f]:|^::ffff:a9fe:/i.test(address);
}
