// pure

const PRODUCTION = 'https://acme-v02.api.letsencrypt.org/directory';
const STAGING = 'https://acme-staging-v02.api.letsencrypt.org/directory';

/** What is asked today in place of each host of Let's Encrypt. */
const TODAY: Readonly<Record<string, { directoryUrl: string; isOld: boolean }>> = {
  'acme-v01.api.letsencrypt.org': { directoryUrl: PRODUCTION, isOld: true },
  'acme-staging.api.letsencrypt.org': { directoryUrl: STAGING, isOld: true },
  'acme-v02.api.letsencrypt.org': { directoryUrl: PRODUCTION, isOld: false },
  'acme-staging-v02.api.letsencrypt.org': { directoryUrl: STAGING, isOld: false },
};

export interface OldDirectory {
  /** Host and port. */
  host: string;
  /** Undefined when only the host is known. */
  directoryUrl: string | undefined;
  isOld: boolean;
}

/** The directory of a CA as trees name it: host, port and perhaps path, without scheme. Pure.
 *   'acme-v01.api.letsencrypt.org/directory' → that of v2, old
 *   'acme.zerossl.com/v2/DV90'               → 'https://acme.zerossl.com/v2/DV90'
 *   'ca.example:14000'                       → host only
 * @returns undefined when it is none */
export function oldDirectory(place: string): OldDirectory | undefined {
  const url = placeUrl(place);
  if (url === undefined) return undefined;
  const known = Object.hasOwn(TODAY, url.host) ? TODAY[url.host] : undefined;
  if (known !== undefined) return { host: url.host, ...known };
  return { host: url.host, directoryUrl: place.includes('/') ? url.href : undefined, isOld: false };
}

/** An account URL of a tree that can be used today: of ACME v2, at this host. Pure. v1 had
 * `https://acme-v01.api.letsencrypt.org/acme/reg/1`. */
export function accountUrlToday(url: string | undefined, host: string): string | undefined {
  if (url === undefined || !URL.canParse(url)) return undefined;
  const parsed = new URL(url);
  const isToday =
    parsed.host === host && TODAY[host]?.isOld !== true && !parsed.pathname.startsWith('/acme/reg/');
  return parsed.protocol === 'https:' && isToday && `${parsed.username}${parsed.password}` === ''
    ? parsed.href
    : undefined;
}

/** Do two addresses name one directory? The scheme and a slash at the end are not in every tree. Pure. */
export function isSameDirectory(one: string, other: string): boolean {
  return withoutScheme(one) === withoutScheme(other);
}

export function hostOf(directoryUrl: string): string {
  return new URL(directoryUrl).host;
}

function withoutScheme(directoryUrl: string): string {
  const { host, pathname } = new URL(directoryUrl);
  return `${host}${pathname}`.replace(/\/+$/, '');
}

function placeUrl(place: string): URL | undefined {
  const text = `https://${place}`;
  if (place.length > 1000 || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isPlain = url.search === '' && url.hash === '' && !place.includes('@') && !/[\s\\]/.test(place);
  return isPlain ? url : undefined;
}
