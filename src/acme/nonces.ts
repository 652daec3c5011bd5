import type { Clock } from '../lib/clock.ts';

/** CAs state no lifetime; below an hour is safe everywhere, and a refused one only costs one repeat. */
const MAX_AGE_MS = 10 * 60 * 1000;
const MAX_POOLED = 64;
/** "The client MUST ignore invalid Replay-Nonce values": base64url only. RFC 8555 6.5.1 */
const NONCE = /^[A-Za-z0-9_-]{1,512}$/;

/** The nonces a CA handed out with its answers, each for one request. */
export interface NoncePool {
  /** Keeps the Replay-Nonce of an answer; anything that is none is ignored. */
  put(nonce: string | undefined): void;
  /** The freshest nonce of the pool, which no one else gets; asks the CA only when there is none. */
  take(): Promise<string>;
}

/** Without a pool every request would cost a HEAD before it, and the CA's limit for these is the lowest of all.
 * @param fetchNonce asks newNonce; its nonce goes to whoever asked, not through the pool */
export function createNoncePool(clock: Clock, fetchNonce: () => Promise<string>): NoncePool {
  let pooled: { nonce: string; atMs: number }[] = [];
  return {
    put(nonce) {
      if (nonce === undefined || !NONCE.test(nonce)) return;
      pooled.push({ nonce, atMs: clock.nowMs() });
      if (pooled.length > MAX_POOLED) pooled.shift();
    },
    async take() {
      const oldestMs = clock.nowMs() - MAX_AGE_MS;
      pooled = pooled.filter(({ atMs }) => atMs >= oldestMs);
      return pooled.pop()?.nonce ?? (await fetchNonce());
    },
  };
}
