import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';

export interface Credentials {
  user: string;
  password: string;
}

/** Is this an address that nobody but this machine can reach? */
export const isLoopback = (address: string) =>
  (isIP(address) === 4 && address.startsWith('127.')) || address === '::1';

/** Does the request name this server as its host, and come from no page of another one? A web page that a
 * person at this machine has open could otherwise drive the lab through the browser. */
export function isForUs(headers: IncomingHttpHeaders, names: ReadonlySet<string>): boolean {
  if (!names.has((headers.host ?? '').toLowerCase())) return false;
  const { origin } = headers;
  return origin === undefined || [...names].some((name) => origin.toLowerCase() === `http://${name}`);
}

/** The values of Host that are ours: the address, `localhost` and agreed names, with the port. */
export function ownNames(address: string, port: number, allowedHosts: string[]): Set<string> {
  const host = isIP(address) === 6 ? `[${address}]` : address;
  const names = [host, 'localhost', ...allowedHosts].map((name) => name.toLowerCase());
  return new Set([
    ...names.map((name) => `${name}:${port}`),
    ...allowedHosts.map((name) => name.toLowerCase()),
  ]);
}

/** Basic authentication, compared in constant time. */
export function isAuthorized(header: string | undefined, credentials: Credentials | undefined): boolean {
  if (!credentials) return true;
  const [scheme = '', encoded = ''] = (header ?? '').split(' ', 2);
  if (scheme.toLowerCase() !== 'basic') return false;
  const wanted = `${credentials.user}:${credentials.password}`;
  return timingSafeEqual(digest(Buffer.from(encoded, 'base64')), digest(Buffer.from(wanted)));
}

const digest = (value: Buffer) => createHash('sha256').update(value).digest();
