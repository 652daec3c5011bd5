// pure
import { type KindRules, type Parsed, splitList } from './kinds.ts';

/** One address, or a name that stands for one; https, except on this very machine (RFC 8555 6.1). */
export function parseUrl(text: string, { named = {} }: KindRules): Parsed<string> {
  const known = Object.hasOwn(named, text) ? named[text] : undefined;
  if (known !== undefined) return { value: known };
  const names = Object.keys(named);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSecure =
    url?.protocol === 'https:' ||
    (url?.protocol === 'http:' && /^(localhost|127\.[\d.]+|\[::1\])$/.test(url.hostname));
  if (url === undefined || !isSecure || url.username !== '' || url.password !== '' || url.hash !== '')
    return problem(`is neither an https address nor one of ${names.join(', ')}`);
  const successor = DEAD_DIRECTORIES[url.hostname];
  if (successor === undefined) return { value: url.href };
  return {
    value: named[successor] ?? url.href,
    note: `${url.hostname} has ended; ${successor} is asked instead`,
  };
}

/** ACME v1 ended in June 2021; definitions written for the tools of that time still name it. */
const DEAD_DIRECTORIES: Readonly<Record<string, string>> = {
  'acme-v01.api.letsencrypt.org': 'letsencrypt',
  'acme-staging.api.letsencrypt.org': 'letsencrypt-staging',
};

/** Several CAs, each as one is written: a short name or an address. */
export function parseCas(
  text: string,
  rules: KindRules,
): Parsed<readonly { name: string; directoryUrl: string }[]> {
  const value: { name: string; directoryUrl: string }[] = [];
  for (const name of splitList(text)) {
    const url = parseUrl(name, rules);
    if ('problem' in url) return problem(`holds "${name}", which ${url.problem}`);
    value.push({ name, directoryUrl: url.value });
  }
  return { value };
}

function problem(words: string): { problem: string } {
  return { problem: words };
}
