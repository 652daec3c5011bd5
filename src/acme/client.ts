import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { createAccount } from './account.ts';
import { accountThumbprint, keyAuthorization } from './account-key.ts';
import type { AccountSeen, Authorization, Directory, Order } from './answers.ts';
import { createAuthorizations } from './authorizations.ts';
import { createOrders, type OrderRequest } from './orders.ts';
import type { RenewalInfo } from './renewal-answer.ts';
import { createRenewalInfo } from './renewal-info.ts';
import type { RevocationRequest } from './revocation.ts';
import { createRevocation } from './revoke.ts';
import { createSession, type Registration } from './session.ts';
import type { ExternalAccount } from './signing.ts';
import { createTransport, type RequestKind, type TransportLimits } from './transport.ts';

export interface AcmeClientOptions {
  directoryUrl: string;
  accountKeyPem: string;
  /** When known from before, no request is spent on finding it. */
  accountUrl?: string;
  /** When given, exactly these certificates are trusted for the CA's own HTTPS. */
  caPem?: string;
  externalAccount?: ExternalAccount;
  /** Ends every request and wait; what was thrown is then its reason. */
  signal?: AbortSignal;
  log: Log;
  clock: Clock;
  limits?: Partial<TransportLimits>;
}

/** One account at one CA, driven step by step:
 *   ensureAccount → newOrder → each authorization: answer keyAuthorization(token), triggerChallenge,
 *   waitForAuthorization → finalize → waitForOrder 'valid' → download
 * which is seven requests for a certificate with one name. Several clients stand side by side and share nothing.
 * Besides the errors named at each step, every step throws ACME_UNREACHABLE, ACME_RATE_LIMITED (retryAt),
 * ACME_REFUSED (see problemOf(), refusalClass()), ACME_ANSWER_INVALID, or the reason of the signal. */
export interface AcmeClient {
  /** Cached for a day. */
  directory(): Promise<Directory>;
  /** Creates the account or finds it by its key. */
  ensureAccount(registration: Registration): Promise<{ accountUrl: string; created: boolean }>;
  /** The account of the key, as the CA shows it; never makes one. Undefined when the CA knows none. */
  lookUpAccount(): Promise<AccountSeen | undefined>;
  /** Gives the account another key; from then on only that one signs for it, in another client.
   * After a failure without a reply either key may be the account's: lookUpAccount() of each tells.
   * @throws ACME_REFUSED in the CA's words; also when the new key has an account of its own (409) */
  changeKey(newKeyPem: string): Promise<void>;
  /** For ever: the CA takes nothing from it any more. */
  deactivateAccount(): Promise<void>;
  /** The account's address, which changes when the CA lost the account and it was registered again. */
  accountUrl(): string | undefined;
  thumbprint(): string;
  /** The body that must be served for a token. */
  keyAuthorization(token: string): string;
  /** Persist the URL at once: an order outlives a crash. A CA may hand out an earlier order for the same names. */
  newOrder(request: OrderRequest): Promise<Order>;
  order(url: string): Promise<Order>;
  /** Look at the status first: a CA may hand out authorizations that are valid already. */
  authorization(url: string): Promise<Authorization>;
  /** Tells the CA that the answer is served. */
  triggerChallenge(url: string): Promise<void>;
  /** @param wait.deadlineMs epoch milliseconds
   * @returns the valid authorization
   * @throws ACME_CHALLENGE_FAILED in the CA's words: this order is lost; ACME_UNREACHABLE at the deadline */
  waitForAuthorization(url: string, wait: { deadlineMs: number }): Promise<Authorization>;
  /** Hands in the request; an answer that got lost, or an earlier one that got through, is found out by reading
   * the order again. So the certificate may be for the key of an earlier call: compare before use.
   * @param csr DER or PEM, for exactly the names of the order
   * @returns the order, mostly `processing` or `valid`
   * @throws ACME_ORDER_INVALID */
  finalize(order: Order, csr: Uint8Array | string): Promise<Order>;
  /** @param order as last seen (then the first question waits), or its URL (then it comes at once)
   * @throws ACME_ORDER_INVALID in the CA's words; ACME_UNREACHABLE at the deadline */
  waitForOrder(order: Order | string, until: 'ready' | 'valid', wait: { deadlineMs: number }): Promise<Order>;
  /** The chain in PEM, leaf first, without any key. */
  download(order: Order): Promise<string>;
  /** The first chain of the CA that is taken: its usual one, else an alternative one for the same certificate.
   * An alternative that can not be fetched or read counts as not offered.
   * @returns the usual chain and `taken: false` when none was */
  downloadTaken(
    order: Order,
    isTaken: (chainPem: string) => boolean,
  ): Promise<{ chainPem: string; taken: boolean }>;
  /** @returns `already` when it had been revoked before, which is as good
   * @throws ACME_REFUSED also for a reason, an account or a key that the CA does not accept
   * @throws CONFIG_INVALID, CERTIFICATE_UNUSABLE before anything is asked, for what can not be read */
  revoke(request: RevocationRequest): Promise<'revoked' | 'already'>;
  /** When the CA wants the certificate to be renewed (RFC 9773). Needs no account.
   * @param certId of acme/renewal-id.ts
   * @returns undefined when the CA does not speak of it */
  renewalInfo(certId: string): Promise<RenewalInfo | undefined>;
  /** For authorizations of an order that is given up, so that they do not count as pending. */
  deactivateAuthorization(url: string): Promise<void>;
  /** How far the CA's clock is ahead of ours, in ms, by its last answer. */
  skewMs(): number | undefined;
  /** Requests sent so far by kind; `refusedNonces` are among them. */
  requestCounts(): Partial<Record<RequestKind, number>> & { refusedNonces: number };
  close(): Promise<void>;
}

/** @throws CONFIG_INVALID for an unusable account key or CA file */
export function createAcmeClient(options: AcmeClientOptions): AcmeClient {
  const thumbprint = accountThumbprint(options.accountKeyPem);
  const transport = createTransport({ ...options, secureOnly: options.directoryUrl.startsWith('https:') });
  const session = createSession({ ...options, transport });
  const { clock, signal } = options;
  return {
    ...createOrders({ session, clock, signal }),
    ...createAuthorizations({ session, clock, signal }),
    ...createAccount({ session, options }),
    revoke: createRevocation(session),
    renewalInfo: createRenewalInfo({ directory: session.directory, transport, clock }),
    lookUpAccount: session.lookUp,
    directory: session.directory,
    ensureAccount: session.register,
    accountUrl: session.accountUrl,
    thumbprint: () => thumbprint,
    keyAuthorization: (token) => keyAuthorization(token, thumbprint),
    skewMs: transport.skewMs,
    requestCounts: () => ({ ...transport.requestCounts(), refusedNonces: session.refusedNonces() }),
    close: transport.close,
  };
}
