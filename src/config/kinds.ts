// pure
import { isIP } from 'node:net';
import { parseCaSettings } from './ca-settings.ts';
import { parseCas, parseUrl } from './ca-url.ts';
import { parseHmacKey, parsePrivateKey, parseServiceAccount, parseToken } from './credentials.ts';
import { durationMs, isCron } from './times.ts';
import { parseUser } from './user.ts';
import { parseWindows } from './windows.ts';

/** What the text of an option became, or why it cannot; the problem reads on after the quoted value. */
export type Parsed<T> = { value: T; note?: string } | { problem: string };

/** The bounds that an entry of the table may set; a kind reads those that mean something to it. */
export interface KindRules {
  choices?: readonly string[];
  /** Least and greatest value, as one would write them. */
  range?: readonly [string, string];
  /** Short names that stand for a URL. */
  named?: Readonly<Record<string, string>>;
  /** Whether user and password may stand in the URL. */
  credentials?: boolean;
  /** Whether a duration may be a bare number, which means seconds. */
  bareSeconds?: boolean;
  /** A value as one would write it, where the default is none. Messages of some kinds show it. */
  example?: string;
}

/** Nothing that an operator writes is longer; a chain of PEM in a variable stays below 128 KiB. */
const LONGEST_TEXT = 64 * 1024;

/** One parser a kind. Texts arrive trimmed and never empty. */
export const KINDS = {
  text: (text) => ok(text),
  secret: (text) => ok(text),
  path: (text) => (text.includes('\0') ? bad('is not a path') : ok(text)),
  email: (text) =>
    /^[^\s@,<>:]+@[^\s@,<>:]+$/.test(text)
      ? ok(text)
      : bad('is not an e-mail address such as ops@example.com'),
  list: (text) => ok(splitList(text)),
  words: parseWords,
  boolean: parseBoolean,
  integer: parseInteger,
  port: (text) => parseInteger(text, { range: ['1', '65535'] }, 'a port'),
  share: parseShare,
  percentage: parsePercentage,
  duration: parseDuration,
  choice: (text, { choices = [] }) =>
    choices.includes(text) ? ok(text) : bad(`is not one of ${choices.join(', ')}`),
  url: parseUrl,
  urls: parseUrls,
  cas: parseCas,
  caSettings: parseCaSettings,
  host: parseHost,
  address: (text) => (isIP(text) > 0 ? ok(text) : bad('is not an IP address')),
  servers: parseServers,
  appId: parseAppId,
  appIds: parseAppIds,
  variable: parseVariable,
  cron: parseCron,
  windows: parseWindows,
  timeZone: parseTimeZone,
  privateKey: parsePrivateKey,
  token: parseToken,
  hmacKey: parseHmacKey,
  serviceAccount: parseServiceAccount,
  user: parseUser,
} as const satisfies Record<string, (text: string, rules: KindRules) => Parsed<unknown>>;

export type Kind = keyof typeof KINDS;
/** What a kind yields. Durations are milliseconds, shares numbers between 0 and 1. */
export type KindValue<K extends Kind> = Extract<ReturnType<(typeof KINDS)[K]>, { value: unknown }>['value'];

/** Reads one option's text as its kind. */
export function parseKind(kind: Kind, text: string, rules: KindRules): Parsed<unknown> {
  if (text.length > LONGEST_TEXT) return bad(`is longer than ${LONGEST_TEXT} characters`);
  const line = isList(kind) ? text.replace(/\s/g, ' ') : text;
  if (!OF_LINES.has(kind) && CONTROL.test(line)) return bad('has control characters in it');
  return KINDS[kind](text, rules);
}
const CONTROL = /\p{Cc}/u;
const OF_LINES: ReadonlySet<Kind> = new Set(['privateKey', 'serviceAccount', 'caSettings']);

/** Kinds of several items, which are empty when unset. */
export function isList(kind: Kind): boolean {
  return LISTS.has(kind);
}
const LISTS: ReadonlySet<Kind> = new Set(['list', 'words', 'appIds', 'urls', 'cas', 'servers', 'windows']);

function ok<const T>(value: T): Parsed<T> {
  return { value };
}

function bad(problem: string): { problem: string } {
  return { problem };
}

/** Commas, white space or both part the items; doubled ones are dropped. */
export function splitList(text: string): readonly string[] {
  return [...new Set(text.split(/[\s,]+/).filter((item) => item !== ''))];
}

/** Several of the choices. */
function parseWords(text: string, { choices = [] }: KindRules): Parsed<readonly string[]> {
  const value = splitList(text);
  return value.every((word) => choices.includes(word))
    ? { value }
    : bad(`is not a list of ${choices.join(', ')}`);
}

function parseBoolean(text: string): Parsed<boolean> {
  if (/^(true|yes|on|1)$/i.test(text)) return { value: true };
  if (/^(false|no|off|0)$/i.test(text)) return { value: false };
  return bad('is neither true nor false');
}

function parseInteger(text: string, { range }: KindRules, noun = 'a whole number'): Parsed<number> {
  const [least, most] = [Number(range?.[0] ?? 0), Number(range?.[1] ?? Number.MAX_SAFE_INTEGER)];
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? { value } : bad(`is not ${noun} from ${least} to ${most}`);
}

/** `1/3` and `0.33` are shares of a whole; `auto` leaves it to the program. */
function parseShare(text: string, { range = ['0', '1'] }: KindRules): Parsed<number | 'auto'> {
  if (text === 'auto') return ok(text);
  const match = /^(\d{1,6})\/(\d{1,6})$/.exec(text);
  const decimal = /^(0|1)?(\.\d{1,12})?$/.test(text) ? Number(text) : Number.NaN;
  const value = match === null ? decimal : Number(match[1]) / Number(match[2]);
  const isInside = value >= Number(range[0]) && value <= Number(range[1]);
  return isInside
    ? { value }
    : bad(`is neither auto nor a share such as 1/3 or 0.33 from ${range[0]} to ${range[1]}`);
}

/** `5%` or `0.05`, as a number from 0 to 1. */
function parsePercentage(text: string, { range = ['0', '1'] }: KindRules): Parsed<number> {
  const match = /^(\d{1,3}(?:\.\d{1,6})?)%$/.exec(text);
  const decimal = /^(0|1)?(\.\d{1,12})?$/.test(text) && text !== '' ? Number(text) : Number.NaN;
  const value = match === null ? decimal : Number(match[1]) / 100;
  const isInside = value >= Number(range[0]) && value <= Number(range[1]);
  return isInside ? { value } : bad(`is not a percentage such as 5% or 0.05 from ${range[0]} to ${range[1]}`);
}

/** `90s`, `10m`, `2h`, `1d` (and `500ms`) as milliseconds; `90` too where bare seconds are usual. */
function parseDuration(
  text: string,
  { range = ['0s', '365d'], bareSeconds = false }: KindRules,
): Parsed<number> {
  const value = durationMs(bareSeconds && /^\d+$/.test(text) ? `${text}s` : text);
  const isInside = value >= durationMs(range[0]) && value <= durationMs(range[1]);
  const examples = `90s, 10m, 2h or 1d${bareSeconds ? ', or of seconds such as 90,' : ''}`;
  return isInside ? { value } : bad(`is not a duration such as ${examples} from ${range[0]} to ${range[1]}`);
}

/** Several http(s) addresses of one service. The base path of a proxy stays, a trailing slash goes. */
function parseUrls(
  text: string,
  { credentials = false, example = 'http://marathon.mesos:8080' }: KindRules,
): Parsed<readonly string[]> {
  const items = splitList(text);
  const value = items.map((item) => {
    const url = URL.canParse(item) ? new URL(item) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol)) return undefined;
    if (url.search !== '' || url.hash !== '') return undefined;
    if (!credentials && `${url.username}${url.password}` !== '') return undefined;
    return url.href.replace(/\/+$/, '');
  });
  const isWhole = value.length > 0 && value.every((item) => item !== undefined);
  return isWhole ? { value } : bad(`is not a list of addresses such as ${example}`);
}

const LABEL = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?';
const HOST = new RegExp(`^(?=.{1,253}$)${LABEL}(\\.${LABEL})*$`);

function parseHost(text: string): Parsed<string> {
  const value = text.toLowerCase();
  return HOST.test(value) && isIP(value) === 0 ? { value } : bad('is not a host name such as acme.internal');
}

/** Addresses with or without a port. The resolver of Node takes no host names here. */
function parseServers(text: string): Parsed<readonly string[]> {
  const value = splitList(text);
  const isServer = (item: string) => {
    const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(item);
    const address = match?.[1] ?? match?.[2] ?? item;
    const port = Number(match?.[3] ?? 53);
    return isIP(address) > 0 && port > 0 && port < 65_536;
  };
  return value.every(isServer)
    ? { value }
    : bad('is not a list of addresses such as 10.0.0.2 or 10.0.0.2:53');
}

const SEGMENT = '(([a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9])\\.)*([a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9])';
const APP_ID = new RegExp(`^(/${SEGMENT})+$`);

/** An absolute app id; a missing leading slash is added. The reserved endings cannot be read back by
 * `GET /v2/apps/{id}` on any version. Marathon docs, "application id". */
function parseAppId(text: string): Parsed<string> {
  const value = text.startsWith('/') ? text : `/${text}`;
  const isReserved = /\/(restart|tasks|versions)$/.test(value);
  return value.length <= 1024 && APP_ID.test(value) && !isReserved
    ? { value }
    : bad('is not an app id such as /marathon-lb');
}

function parseAppIds(text: string): Parsed<readonly string[]> {
  const items = splitList(text).map((item) => parseAppId(item));
  const value = items.flatMap((item) => ('value' in item ? [item.value] : []));
  return value.length === items.length && value.length > 0
    ? { value: [...new Set(value)] }
    : bad('is not a list of app ids such as /marathon-lb, /marathon-lb-internal');
}

/** marathon-lb reads HAPROXY_SSL_CERT and, when that is set, HAPROXY_SSL_CERT0 to HAPROXY_SSL_CERT100. */
function parseVariable(text: string): Parsed<string> {
  return /^HAPROXY_SSL_CERT(\d|[1-9]\d|100)?$/.test(text)
    ? { value: text }
    : bad('is neither HAPROXY_SSL_CERT nor one of HAPROXY_SSL_CERT0 to HAPROXY_SSL_CERT100');
}

function parseCron(text: string): Parsed<string> {
  return isCron(text)
    ? { value: text }
    : bad('is not a cron expression such as 17 4,16 * * *, or never comes due');
}

function parseTimeZone(text: string): Parsed<string> {
  try {
    if (!/^[A-Za-z]/.test(text)) throw new RangeError(text);
    return { value: new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone };
  } catch {
    return bad('is not a time zone such as UTC or Europe/Berlin');
  }
}
