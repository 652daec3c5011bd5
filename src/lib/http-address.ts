import { CertathonError } from './errors.ts';
import { maskSecrets } from './mask.ts';

/** @param service the other side, as the error calls it   @throws CONFIG_INVALID */
export function parseBase(text: string, service: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  const shown = maskSecrets(text);
  throw new CertathonError('CONFIG_INVALID', `The address of ${service} is no http(s) address: ${shown}`);
}

/** What errors and logs may show of an address. */
export function withoutCredentials(url: URL): string {
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}
