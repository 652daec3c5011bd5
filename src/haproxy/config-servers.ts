// pure

/** A server line of HAProxy's configuration. */
export interface ConfigServer {
  backend: string;
  name: string;
  /** As written, an IPv6 address without brackets. */
  address: string;
  port: number | undefined;
  isDisabled: boolean;
}

const MOST_SERVERS = 200_000;
/** Words that begin a section; only in these two are servers that requests go to. */
const SECTION =
  /^(global|defaults|frontend|backend|listen|userlist|peers|resolvers|mailers|cache|program|ring|http-errors|fcgi-app|log-forward|crt-store|traces|acme)$/;

/** The server lines of a configuration, as `/_haproxy_getconfig` gives it: of the process that answers, as it read it
 * when it started. Statistics have no addresses in marathon-lb's configuration, so this is where a line is found whose
 * name a changed template has made another.
 * @source HAProxy configuration manual, 2.2 (quoting), 5.2 (server) */
export function parseServers(configText: string): ConfigServer[] {
  const servers: ConfigServer[] = [];
  let section = '';
  let backend = '';
  for (const line of configText.split('\n')) {
    const [keyword, name = '', where = '', ...options] = wordsOf(line);
    if (keyword === undefined) continue;
    if (SECTION.test(keyword)) [section, backend] = [keyword, name];
    else if (keyword === 'server' && /^(backend|listen)$/.test(section) && servers.length < MOST_SERVERS)
      servers.push({ backend, name, ...placeOf(where), isDisabled: isDisabled(options) });
  }
  return servers;
}

/** The lines that send to an address, `BACKEND/SERVER`, as statistics name them. Pure. */
export function listenersAt(
  servers: readonly ConfigServer[],
  place: { address: string; port: number },
): string[] {
  return servers
    .filter(({ address, port }) => address === place.address && port === place.port)
    .map(({ backend, name }) => `${backend}/${name}`);
}

/** Words of a line up to its comment; a quotation or a backslash holds spaces together. */
function wordsOf(line: string): string[] {
  const words = line.match(/#.*|(?:\\.|"(?:\\.|[^"\\])*"|'[^']*'|[^\s#"'\\])+/g) ?? [];
  const comment = words.findIndex((word) => word.startsWith('#'));
  return words
    .slice(0, comment < 0 ? undefined : comment)
    .map((word) => word.replace(/\\(.)|["']/g, (_whole, escaped?: string) => escaped ?? ''));
}

/** `10.0.0.5:80`, `[2001:db8::5]:80`, `2001:db8::5:80`, `name:80`, with a family in front; the last colon parts. */
function placeOf(where: string): { address: string; port: number | undefined } {
  const plain = where.replace(/^(ipv[46]|tcp[46]?)@/, '');
  const match = /^(.*):(\d{1,5})$/.exec(plain);
  const address = (match?.[1] ?? plain).replace(/^\[(.*)\]$/, '$1');
  return { address, port: match === null ? undefined : Number(match[2]) };
}

/** The last word about it holds. */
function isDisabled(options: readonly string[]): boolean {
  return options.lastIndexOf('disabled') > options.lastIndexOf('enabled');
}
