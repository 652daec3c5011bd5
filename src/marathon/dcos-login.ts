import { createPrivateKey, type KeyObject } from 'node:crypto';
import type { ServiceAccount } from '../config/credentials.ts';
import type { Clock } from '../lib/clock.ts';
import { CertathonError } from '../lib/errors.ts';
import { createHttp, type Http, type HttpOptions } from '../lib/http.ts';
import type { Authorization } from '../lib/http-authorization.ts';
import { forgetSecret, registerSecret } from '../lib/mask.ts';
import { unlessAborted } from '../lib/unless-aborted.ts';
import { notAsked, tokenOf } from './dcos-answer.ts';
import { TOKEN_LIFE_S, usableMs } from './dcos-token.ts';

export type LoginOptions = Omit<HttpOptions, 'service' | 'codes' | 'baseUrls' | 'auth'>;

interface Held {
  token: string;
  header: string;
  /** By the monotonic clock. */
  renewAtMs: number;
}

/** For how long the signed statement may be used, which proves that we have the key. */
const STATEMENT_LIFE_S = 60;

/** The token of a service account of DC/OS: fetched by the first who needs it, shared by all, fetched anew before it
 * ends, and once after a 401 (it may have been taken back, or the clocks differ).
 * @source DC/OS documentation, "Provisioning a service account"; marathon-lb common.py, DCOSAuth */
export class DcosLogin implements Authorization {
  readonly #uid: string;
  readonly #key: KeyObject;
  readonly #path: string;
  readonly #http: Http;
  readonly #clock: Clock;
  #held: Held | undefined;
  #former: string | undefined;
  #login: Promise<Held> | undefined;

  constructor({ uid, privateKey, loginEndpoint }: ServiceAccount, options: LoginOptions) {
    const { origin, pathname, search } = new URL(loginEndpoint);
    this.#uid = uid;
    this.#key = createPrivateKey(privateKey);
    this.#path = `${pathname}${search}`;
    this.#clock = options.clock;
    this.#http = createHttp({
      ...options,
      service: 'The login of DC/OS',
      codes: { unreachable: 'MARATHON_UNREACHABLE', invalid: 'MARATHON_UNAUTHORIZED' },
      baseUrls: [origin],
      // It has to fail before the request that waits for it does, so that its own words are heard.
      timeoutMs: options.timeoutMs / 2,
    });
  }

  /** @throws MARATHON_UNAUTHORIZED when the login is refused; MARATHON_UNREACHABLE when it does not answer */
  async header(signal: AbortSignal): Promise<string> {
    const held = this.#held;
    if (held !== undefined && this.#clock.monotonicMs() < held.renewAtMs) return held.header;
    return (await this.#shared(signal)).header;
  }

  /** @throws as `header()` */
  async renewed(refused: string | undefined, signal: AbortSignal): Promise<string> {
    // Of several requests that are refused together the first one logs in for all.
    const held = this.#held;
    if (held !== undefined && held.header !== refused) return held.header;
    return (await this.#shared(signal)).header;
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  /** One login at a time. Whoever is aborted stops waiting; the login goes on for the others. */
  #shared(signal: AbortSignal): Promise<Held> {
    if (this.#login === undefined) {
      const login = this.#logIn().finally(() => {
        this.#login = undefined;
      });
      login.catch(() => undefined);
      this.#login = login;
    }
    return unlessAborted(this.#login, signal);
  }

  async #logIn(): Promise<Held> {
    const [startMs, nowMs] = [this.#clock.monotonicMs(), this.#clock.nowMs()];
    const nowS = Math.floor(nowMs / 1_000);
    const statement = await signedStatement(this.#uid, this.#key, nowS + STATEMENT_LIFE_S);
    registerSecret(statement);
    try {
      const body = JSON.stringify({ uid: this.#uid, token: statement, exp: nowS + TOKEN_LIFE_S });
      const answer = await this.#http.request({ method: 'POST', path: this.#path, body }).catch(notSent);
      const token = tokenOf(answer, this.#uid, this.#clock.nowMs());
      registerSecret(token);
      return this.#keep(token, startMs + usableMs(await endOf(token), nowMs));
    } finally {
      forgetSecret(statement);
    }
  }

  /** The token before it may still be on its way somewhere; those before that have ended. */
  #keep(token: string, renewAtMs: number): Held {
    if (this.#former !== undefined && this.#former !== token) forgetSecret(this.#former);
    this.#former = this.#held?.token;
    this.#held = { token, header: `token=${token}`, renewAtMs };
    return this.#held;
  }
}

async function signedStatement(uid: string, key: KeyObject, exp: number): Promise<string> {
  // jose costs 60 ms to load: only those pay for it who log in.
  const { SignJWT } = await import('jose');
  const statement = new SignJWT({ uid }).setProtectedHeader({ alg: 'RS256', typ: 'JWT' });
  return statement.setExpirationTime(exp).sign(key);
}

/** When a token ends, as it says itself; nobody but DC/OS can prove it. */
async function endOf(token: string): Promise<number | undefined> {
  const { decodeJwt } = await import('jose');
  try {
    return decodeJwt(token).exp;
  } catch {
    return undefined;
  }
}

/** Whatever became of the login: what waits for it was not sent, and may be repeated. */
function notSent(error: unknown): never {
  if (!(error instanceof CertathonError)) throw error;
  throw notAsked(error.code, 'Without a token Marathon can not be asked', error);
}
