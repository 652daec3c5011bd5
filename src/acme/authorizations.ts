import type { Clock } from '../lib/clock.ts';
import { CertathonError } from '../lib/errors.ts';
import { type Authorization, readAuthorization } from './answers.ts';
import { pollUntil } from './poll.ts';
import { challengeFailed, wasLost } from './refusal.ts';
import type { Session, SignedRequest } from './session.ts';

/** Any other status, known or not, is still on its way. */
const DECIDED = ['valid', 'invalid', 'deactivated', 'expired', 'revoked'];

interface Surroundings {
  session: Session;
  clock: Clock;
  signal: AbortSignal | undefined;
}

/** The authorization part of AcmeClient, where its methods are documented.   @source RFC 8555 7.5 */
export function createAuthorizations({ session, clock, signal }: Surroundings) {
  async function authorization(url: string): Promise<Authorization> {
    return readAuthorization(
      await session.read({ kind: 'authorization', url, what: `the authorization ${url}` }),
      url,
      clock.nowMs(),
    );
  }

  async function triggerChallenge(url: string): Promise<void> {
    // "{}" is the whole answer of http-01: anything else is refused (RFC 8555 8.3).
    const request: SignedRequest = { kind: 'challenge', url, payload: {}, what: `the challenge ${url}` };
    try {
      await session.post(request);
    } catch (error) {
      if (!wasLost(error)) throw error;
      // If the first one arrived the repeat is refused, which is as good: the authorization tells how it went.
      await session.post(request).catch((second: unknown) => {
        if (!(second instanceof CertathonError) || second.code !== 'ACME_REFUSED') throw second;
      });
    }
  }

  async function waitForAuthorization(url: string, wait: { deadlineMs: number }): Promise<Authorization> {
    const seen = await pollUntil({
      what: `the authorization ${url}`,
      ask: () => authorization(url),
      isDone: ({ status }) => DECIDED.includes(status),
      ...wait,
      clock,
      signal,
    });
    if (seen.status !== 'valid') throw challengeFailed(seen.name, seen.status, url, seen.http01?.error);
    return seen;
  }

  async function deactivateAuthorization(url: string): Promise<void> {
    const what = `the end of the authorization ${url}`;
    await session.post({ kind: 'authorization', url, payload: { status: 'deactivated' }, what });
  }

  return { authorization, triggerChallenge, waitForAuthorization, deactivateAuthorization };
}
