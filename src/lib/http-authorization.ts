import type { Readable } from 'node:stream';
import { registerSecret } from './mask.ts';

export interface Credentials {
  user: string;
  password: string;
}

/** What proves to a service who we are, where that changes with time. */
export interface Authorization {
  /** Asked before each request. @returns the value of the header; undefined sends none
   * @throws what shall end the request instead of sending it */
  header(signal: AbortSignal): Promise<string | undefined>;
  /** Told that a request with this value was answered 401. @returns another value, with which the request is
   *   sent once more; undefined lets the 401 stand   @throws what shall end the request */
  renewed(refused: string | undefined, signal: AbortSignal): Promise<string | undefined>;
}

/** Credentials given apart, else those written into the first address, as a header that never changes. */
export function authorizationOf(auth: Credentials | Authorization | undefined, first: URL): Authorization {
  return auth !== undefined && 'header' in auth
    ? auth
    : fixedAuthorization(
        basicHeader({
          user: auth?.user ?? decodeURIComponent(first.username),
          password: auth?.password ?? decodeURIComponent(first.password),
        }),
      );
}

/** An answer to what `send` sends, the second one where the first was a 401 and there is another value. A 401 says
 * that nothing was carried out, so that even a write may be repeated. */
export async function withAuthorization<T extends { status: number; body: Readable }>(
  authorization: Authorization,
  signal: AbortSignal,
  send: (header: string | undefined) => Promise<T>,
): Promise<T> {
  const header = await authorization.header(signal);
  const answer = await send(header);
  if (answer.status !== 401) return answer;
  const drop = () => answer.body.on('error', () => undefined).destroy();
  try {
    const other = await authorization.renewed(header, signal);
    if (other === undefined) return answer;
    drop();
    return await send(other);
  } catch (error) {
    drop();
    throw error;
  }
}

export function fixedAuthorization(header: string | undefined): Authorization {
  return { header: async () => header, renewed: async () => undefined };
}

/** The first colon ends the user, so a password may hold as many as it likes.
 * @source RFC 7617 2 */
function basicHeader({ user, password }: Credentials): string | undefined {
  if (user === '' && password === '') return undefined;
  // Also in this spelling they must never leave the process in text.
  registerSecret(`${user}:${password}`);
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
