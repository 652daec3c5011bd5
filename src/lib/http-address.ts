import { CertathonError } from './errors.ts';
import { maskSecrets, registerSecret } from './mask.ts';

export interface Credentials {
  user: string;
  password: string;
}

/** @param service the other side, as the error calls it   @throws CONFIG_INVALID */
export function parseBase(text: string, service: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  const shown = maskSecrets(text);
  throw new CertathonError('CONFIG_INVALID', `The address of ${service} is no http(s) address: ${shown}`);
}

/** The header value for credentials given apart, else for those written into the first address. */
export function basicAuthorization(auth: Credentials | undefined, first: URL): string | undefined {
  const user = auth?.user ?? decodeURIComponent(first.username);
  const password = auth?.password ?? decodeURIComponent(first.password);
  if (user === '' && password === '') return undefined;
  // Also in this spelling they must never leave the process in text.
  registerSecret(`${user}:${password}`);
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

/** What errors and logs may show of an address. */
export function withoutCredentials(url: URL): string {
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}
