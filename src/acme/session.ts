import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from '../lib/clock.ts';
import { CertathonError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { accountKeyPkcs8 } from './account-key.ts';
import { deactivated, externalAccountMissing, isUnauthorized } from './account-refusal.ts';
import { type AccountSeen, type Directory, readAccount, readDirectory } from './answers.ts';
import { createNoncePool } from './nonces.ts';
import { parseProblem, problemWord } from './problem.ts';
import { type AcmeAnswer, invalidAnswer, refusalClass, refusalError, wasClosed } from './refusal.ts';
import { createSigner, type ExternalAccount, type Signer } from './signing.ts';
import type { RequestKind, Transport } from './transport.ts';

const DIRECTORY_MAX_AGE_MS = 24 * 60 * 60 * 1000;

export interface Registration {
  /** Addresses of the operator as URLs (`mailto:ops@example.com`); CAs may refuse or ignore them. */
  contact?: string[];
  termsOfServiceAgreed: true;
}

export interface SessionOptions {
  directoryUrl: string;
  accountKeyPem: string;
  accountUrl?: string;
  externalAccount?: ExternalAccount;
  transport: Transport;
  clock: Clock;
  log: Log;
}

export interface SignedRequest {
  kind: RequestKind;
  url: string;
  /** Undefined is POST-as-GET: an empty payload (RFC 8555 6.3). */
  payload?: object;
  /** For messages: `the order for shop.example.com`. */
  what: string;
}

/** Signed requests of one account to one CA: directory, nonces, account URL. */
export interface Session {
  directory(): Promise<Directory>;
  /** Signs with the account and sends; re-registers the same key once when the CA lost the account.
   * @throws ACCOUNT_DEACTIVATED when the account is over, else the errors of refusalError() for every status of 300
   * or more, and those of Transport.send() */
  post(request: SignedRequest): Promise<AcmeAnswer>;
  /** POST-as-GET. It changes nothing, so it is sent once more when the connection was closed instead of an
   * answer, as happens to connections that were kept open. Throws what post() throws. */
  read(request: Omit<SignedRequest, 'payload'>): Promise<AcmeAnswer>;
  /** Signs with another key than the account's, which the CA takes for a revocation only (RFC 8555 6.2).
   * @param privateKey PKCS#8 PEM   Throws what post() throws. */
  postByKey(request: SignedRequest, privateKey: string): Promise<AcmeAnswer>;
  /** A JWS by another key, as part of a request: no nonce, the key in its header (RFC 8555 7.3.5). */
  signedBy(privateKey: string, url: string, payload: object): Promise<object>;
  /** The account of the key, as the CA shows it; never makes one.
   * @returns undefined when the CA knows none; without URL when it refuses to speak of it, since it is over */
  lookUp(): Promise<AccountSeen | undefined>;
  /** newAccount: creates, or finds by key. No request is made when the URL is known already.
   * @throws EXTERNAL_ACCOUNT_MISSING when the CA wants an external account and none was given; ACCOUNT_DEACTIVATED */
  register(registration: Registration): Promise<{ accountUrl: string; created: boolean }>;
  accountUrl(): string | undefined;
  /** Requests that the CA refused with badNonce so far. */
  refusedNonces(): number;
}

export function createSession(options: SessionOptions): Session {
  const { transport, clock, directoryUrl } = options;
  const accountKey = accountKeyPkcs8(options.accountKeyPem);
  const kinds = new AsyncLocalStorage<RequestKind>();
  const nonces = createNoncePool(clock, fetchNonce);
  let accountSigner: Promise<Signer> | undefined;
  let directoryRead: { atMs: number; value: Promise<Directory> } | undefined;
  let accountUrl = options.accountUrl;
  let registration: Registration = { termsOfServiceAgreed: true };
  let registering: Promise<{ accountUrl: string; created: boolean }> | undefined;
  let refusedNonces = 0;

  const signerFor = (privateKey: string): Promise<Signer> => {
    const { externalAccount } = options;
    return createSigner({
      directoryUrl,
      privateKey,
      externalAccount,
      request: sendSigned,
      getNonce: nonces.take,
    });
  };

  async function sendSigned(url: string, _method: string, { data }: { data?: unknown } = {}) {
    const kind = kinds.getStore() ?? 'order';
    const answer = await transport.send({ kind, method: 'POST', url, body: JSON.stringify(data) });
    // acme-client repeats with the nonce of this very answer; pooled as well it would be used twice.
    if (isBadNonce(answer)) refusedNonces += 1;
    else nonces.put(answer.headers['replay-nonce']);
    return answer;
  }

  async function fetchNonce(): Promise<string> {
    const url = (await directory()).newNonce;
    const answer = await transport.send({ kind: 'nonce', method: 'HEAD', url });
    if (answer.status >= 300) throw refusalError('a nonce', url, answer, clock.nowMs());
    const nonce = answer.headers['replay-nonce'];
    if (nonce === undefined) throw invalidAnswer('newNonce', url, answer, 'Replay-Nonce is missing');
    return nonce;
  }

  function directory(): Promise<Directory> {
    const known = directoryRead;
    if (known !== undefined && clock.nowMs() - known.atMs < DIRECTORY_MAX_AGE_MS) return known.value;
    const read = { atMs: clock.nowMs(), value: fetchDirectory() };
    directoryRead = read;
    read.value.catch(() => {
      if (directoryRead === read) directoryRead = undefined;
    });
    return read.value;
  }

  async function fetchDirectory(): Promise<Directory> {
    const answer = await transport.send({ kind: 'directory', method: 'GET', url: directoryUrl });
    if (answer.status >= 300) throw refusalError('the directory', directoryUrl, answer, clock.nowMs());
    return readDirectory(answer, directoryUrl);
  }

  function byAccount(): Promise<Signer> {
    accountSigner ??= signerFor(accountKey);
    return accountSigner;
  }

  async function sign(
    request: SignedRequest,
    by: { kid?: string; includeExternalAccountBinding?: boolean },
    signer: Promise<Signer>,
  ): Promise<AcmeAnswer> {
    const http = await signer;
    const payload = request.payload === undefined ? null : { ...request.payload };
    const answer = await kinds.run(request.kind, () => http.signedRequest(request.url, payload, by));
    if (answer.status >= 300) throw refusalError(request.what, request.url, answer, clock.nowMs());
    return answer;
  }

  async function post(request: SignedRequest): Promise<AcmeAnswer> {
    const kid = accountUrl;
    if (kid === undefined) {
      throw new CertathonError('UNEXPECTED', `Asked for ${request.what} before the account was registered`);
    }
    try {
      return await sign(request, { kid }, byAccount());
    } catch (error) {
      if (refusalClass(error) !== 'register') throw await reasonOf(error);
      // A CA that was set up anew (a private one) knows no account of before; others may have noticed already.
      if (accountUrl === kid) accountUrl = undefined;
      const again = await register(registration);
      return await sign(request, { kid: again.accountUrl }, byAccount());
    }
  }

  /** A request may be unauthorized for several reasons; the account itself is the one that ends everything. */
  async function reasonOf(error: unknown): Promise<unknown> {
    if (!isUnauthorized(error)) return error;
    const seen = await lookUp().catch(() => undefined);
    return seen === undefined || seen.status === 'valid' ? error : deactivated(seen, directoryUrl, error);
  }

  async function lookUp(): Promise<AccountSeen | undefined> {
    const { newAccount: url } = await directory();
    const payload = { onlyReturnExisting: true };
    try {
      const answer = await sign({ kind: 'account', url, what: 'the account', payload }, {}, byAccount());
      const { location } = answer.headers;
      return readAccount(
        answer,
        location !== undefined && URL.canParse(location) ? location : undefined,
        url,
      );
    } catch (error) {
      if (refusalClass(error) === 'register') return undefined;
      if (isUnauthorized(error)) return { status: 'deactivated' };
      throw error;
    }
  }

  function register(wanted: Registration): Promise<{ accountUrl: string; created: boolean }> {
    registration = wanted;
    if (accountUrl !== undefined) return Promise.resolve({ accountUrl, created: false });
    registering ??= newAccount(wanted).finally(() => {
      registering = undefined;
    });
    return registering;
  }

  async function newAccount(wanted: Registration): Promise<{ accountUrl: string; created: boolean }> {
    const { newAccount: url, meta } = await directory();
    const unbound = meta.externalAccountRequired === true && options.externalAccount === undefined;
    const request: SignedRequest = {
      kind: 'account',
      url,
      what: 'the account',
      // A key that was bound once is found again without the binding.
      payload: unbound ? { onlyReturnExisting: true } : wanted,
    };
    const answer = await sign(request, { includeExternalAccountBinding: !unbound }, byAccount()).catch(
      (error: unknown) => {
        if (unbound) throw externalAccountMissing(directoryUrl, error);
        const isPlain = options.externalAccount === undefined && isUnauthorized(error);
        throw isPlain ? deactivated({ status: 'deactivated' }, directoryUrl, error) : error;
      },
    );
    const status = (answer.data as { status?: unknown } | null)?.status;
    const { location } = answer.headers;
    if (location === undefined || !URL.canParse(location)) {
      throw invalidAnswer('newAccount', url, answer, 'Location is missing');
    }
    if (typeof status === 'string' && status !== 'valid') {
      throw deactivated({ url: location, status }, directoryUrl, undefined);
    }
    accountUrl = location;
    const created = answer.status === 201;
    options.log.info('account.registered', { directoryUrl, accountUrl, created });
    return { accountUrl, created };
  }

  return {
    directory,
    post,
    postByKey: (request, privateKey) => sign(request, {}, signerFor(privateKey)),
    read: (request) =>
      post(request).catch((error: unknown) => {
        if (!wasClosed(error)) throw error;
        return post(request);
      }),
    signedBy: async (privateKey, url, payload) =>
      (await signerFor(privateKey)).createSignedBody(url, payload),
    lookUp,
    register,
    accountUrl: () => accountUrl,
    refusedNonces: () => refusedNonces,
  };
}

function isBadNonce({ status, data }: AcmeAnswer): boolean {
  const problem = status === 400 ? parseProblem(data) : undefined;
  return problem !== undefined && problemWord(problem) === 'badNonce';
}
