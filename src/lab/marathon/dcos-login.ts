import { createHmac, randomBytes, timingSafeEqual, verify } from 'node:crypto';
import { z } from 'zod';
import { type Answer, json } from './answer.ts';

export interface DcosOptions {
  /** Public keys (PEM) of service accounts, by uid. */
  accounts: Readonly<Record<string, string>>;
  /** The clock by which tokens end, in epoch milliseconds; the machine's when left out. */
  nowMs?: () => number;
}

/** Where DC/OS takes logins. */
export const LOGIN_PATH = '/acs/api/v1/auth/login';

const DEFAULT_LIFE_S = 5 * 24 * 3600;

const loginBody = z.object({ uid: z.string(), token: z.string(), exp: z.number().optional() });
const claims = z.object({ uid: z.string(), exp: z.number() });

/** The login of DC/OS: whoever shows a fresh statement signed by the key of a service account gets a token, a JWT
 * that ends when the client asked for, or after five days.
 * @source DC/OS documentation, "Provisioning a service account" and "Authentication API"; marathon-lb common.py */
export class DcosLogin {
  readonly #options: DcosOptions;
  #secret = randomBytes(32);

  constructor(options: DcosOptions) {
    this.#options = options;
  }

  /** Answers `POST /acs/api/v1/auth/login`. */
  answer(method: string, body: string): Answer {
    if (method !== 'POST') return refusal(405, 'ERR_METHOD', `${method} is not allowed`);
    const login = loginBody.safeParse(parsed(body));
    if (!login.success) return refusal(400, 'ERR_MALFORMED', 'uid and token are needed');
    const { uid, exp } = login.data;
    const problem = this.#problemOf(uid, login.data.token);
    if (problem !== undefined) return refusal(401, 'ERR_INVALID_CREDENTIALS', problem);
    const token = this.#issue({ uid, exp: exp ?? this.#nowS() + DEFAULT_LIFE_S });
    return json({ token }, 200, { 'Set-Cookie': `dcos-acs-auth-cookie=${token}; Path=/; HttpOnly` });
  }

  /** Is this the header of a request that may pass: `token=…`, ours and not ended? */
  lets(authorization: string | undefined): boolean {
    const [, token = ''] = /^token=(.+)$/.exec(authorization ?? '') ?? [];
    const [head = '', payload = '', signature = ''] = token.split('.');
    const wanted = this.#sign(`${head}.${payload}`);
    const given = Buffer.from(signature, 'base64url');
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return false;
    const read = claims.safeParse(partOf(payload));
    return read.success && read.data.exp > this.#nowS();
  }

  /** Ends every token that was given out. */
  revokeAll(): void {
    this.#secret = randomBytes(32);
  }

  /** Why this statement proves nothing, or nothing. */
  #problemOf(uid: string, statement: string): string | undefined {
    const publicKey = Object.hasOwn(this.#options.accounts, uid) ? this.#options.accounts[uid] : undefined;
    if (publicKey === undefined) return `No service account ${uid}`;
    const [head = '', payload = '', signature = ''] = statement.split('.');
    const { alg } = (partOf(head) ?? {}) as { alg?: unknown };
    if (alg !== 'RS256') return 'Not signed by RS256';
    const isSigned = verify(
      'RSA-SHA256',
      Buffer.from(`${head}.${payload}`),
      publicKey,
      Buffer.from(signature, 'base64url'),
    );
    if (!isSigned) return 'Signature verification failed';
    const read = claims.safeParse(partOf(payload));
    if (!read.success || read.data.uid !== uid) return 'Claims of another user';
    return read.data.exp > this.#nowS() ? undefined : 'Signature has expired';
  }

  #issue(payload: object): string {
    const content = [{ alg: 'HS256', typ: 'JWT' }, payload].map(encoded).join('.');
    return `${content}.${this.#sign(content).toString('base64url')}`;
  }

  #sign(content: string): Buffer {
    return createHmac('sha256', this.#secret).update(content).digest();
  }

  #nowS(): number {
    return (this.#options.nowMs ?? Date.now)() / 1000;
  }
}

/** The form in which DC/OS says no; its words are not told anywhere, so these are ours. */
const refusal = (status: number, code: string, description: string) =>
  json({ title: 'Login failed', description, code }, status);

const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
const partOf = (part: string) => parsed(Buffer.from(part, 'base64url').toString('utf8'));

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
