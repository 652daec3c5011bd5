import type { AcmeAnswer } from './refusal.ts';

/** Pebble refuses up to a third of good nonces on purpose: nine refusals in a row are then 1 in 20,000. */
const MAX_BAD_NONCES = 8;

export interface ExternalAccount {
  kid: string;
  /** base64url, as the CA hands it out. Secret. */
  hmacKey: string;
}

/** The members of acme-client's HttpClient that its types leave out; the pinned version is checked by the tests. */
export interface Signer {
  /** Without `kid` the key itself stands in the header (`jwk`), as newAccount and a revocation by key want it. */
  signedRequest(
    url: string,
    payload: object | null,
    options: { kid?: string; includeExternalAccountBinding?: boolean },
  ): Promise<AcmeAnswer>;
  /** A JWS with the key itself in its header and without a nonce: the inner one of a change of keys. */
  createSignedBody(url: string, payload: object): object;
}

export interface SignerOptions {
  directoryUrl: string;
  /** PKCS#8 PEM. */
  privateKey: string;
  externalAccount: ExternalAccount | undefined;
  request(url: string, method: string, options?: { data?: unknown }): Promise<AcmeAnswer>;
  getNonce(): Promise<string>;
}

/** acme-client signs, binds external accounts and repeats after badNonce with the nonce of that same answer.
 * Its two ways to the network are replaced on the instance, so that nothing of it is shared between clients. */
export async function createSigner(options: SignerOptions): Promise<Signer> {
  const { directoryUrl, privateKey, externalAccount, request, getNonce } = options;
  // acme-client costs 200 ms to load: a pass that asks nothing of the CA does without it.
  const { Client } = await import('acme-client');
  // Its declarations leave out `http`, the part that signs; its version is pinned, and the tests meet a real CA.
  const client = new Client({
    directoryUrl,
    accountKey: privateKey,
    ...(externalAccount === undefined ? {} : { externalAccountBinding: externalAccount }),
  }) as unknown as { http: Signer };
  return Object.assign(client.http, { maxBadNonceRetries: MAX_BAD_NONCES, request, getNonce });
}
