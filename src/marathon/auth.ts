import type { ServiceAccount } from '../config/credentials.ts';
import { type Authorization, type Credentials, fixedAuthorization } from '../lib/http-authorization.ts';
import { registerSecret } from '../lib/mask.ts';
import { DcosLogin, type LoginOptions } from './dcos-login.ts';

/** How we tell Marathon who we are: one of three ways, or none. */
export interface MarathonCredentials {
  user?: string | undefined;
  password?: string | undefined;
  token?: string | undefined;
  serviceAccount?: ServiceAccount | undefined;
}

/** @returns what the HTTP client of Marathon takes as `auth`, and what ends the connections behind it
 * @source Marathon docs/docs/ssl-basic-access-authentication.md; DC/OS: `Authorization: token=…` */
export function createMarathonAuth(
  { user, password, token, serviceAccount }: MarathonCredentials,
  options: LoginOptions,
): { auth: Credentials | Authorization | undefined; close(): Promise<void> } {
  const close = async () => undefined;
  if (serviceAccount !== undefined) {
    const login = new DcosLogin(serviceAccount, options);
    return { auth: login, close: () => login.close() };
  }
  if (token !== undefined) {
    registerSecret(token);
    return { auth: fixedAuthorization(`token=${token}`), close };
  }
  return { auth: user === undefined ? undefined : { user, password: password ?? '' }, close };
}
