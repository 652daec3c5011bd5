import type { Authorization, Order } from '../acme/answers.ts';
import type { AcmeClient } from '../acme/client.ts';
import { CertathonError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { mapBounded } from '../lib/parallel.ts';
import type { ChallengeStore } from './store-challenges.ts';

/** Let's Encrypt allows 250 requests a second; a test CA is content with 20 (acme.md 7). */
const PARALLEL = 10;

/** Proves control of every name of the order by HTTP-01. All answers are in the store before the CA is told
 * to look at any; they are removed whatever happens. One failed name makes the whole order invalid; the others
 * are proven all the same, since the next order finds them valid.
 * @throws ACME_CHALLENGE_FAILED with the CA's words for each name that failed */
export async function proveNames(
  order: Order,
  acme: AcmeClient,
  tools: { challenges: ChallengeStore; log: Log; deadlineMs: number },
): Promise<void> {
  const { challenges, log, deadlineMs } = tools;
  const all = await mapBounded(order.authorizationUrls, PARALLEL, (url) => acme.authorization(url));
  const open = all.filter(({ status }) => status !== 'valid').map(withChallenge);
  try {
    for (const { name, token } of open) {
      await challenges.present(token, acme.keyAuthorization(token));
      log.info('challenge.presented', { name, token });
    }
    const failures: unknown[] = [];
    await mapBounded(open, PARALLEL, async ({ name, url, challengeUrl, challengeStatus }) => {
      try {
        // A challenge that is already being looked at (an earlier pass was killed) can not be triggered again.
        if (challengeStatus === 'pending') await acme.triggerChallenge(challengeUrl);
        await acme.waitForAuthorization(url, { deadlineMs });
        log.info('challenge.validated', { name });
      } catch (error) {
        failures.push(error);
      }
    });
    if (failures.length > 0) throw worst(failures);
  } finally {
    for (const { name, token } of open) {
      await challenges.remove(token);
      log.debug('challenge.removed', { name, token });
    }
  }
}

interface OpenAuthorization {
  name: string;
  url: string;
  token: string;
  challengeUrl: string;
  challengeStatus: string;
}

function withChallenge({ name, url, http01, status }: Authorization): OpenAuthorization {
  if (http01 === undefined) {
    throw new CertathonError(
      'ACME_REFUSED',
      `The CA offers no http-01 challenge for ${name} (authorization is ${status})`,
    );
  }
  return { name, url, token: http01.token, challengeUrl: http01.url, challengeStatus: http01.status };
}

/** Failed names together in one error; anything else (the CA is away, a stop) goes before them as it is. */
function worst(failures: unknown[]): unknown {
  const challenge = failures.filter(
    (each): each is CertathonError => each instanceof CertathonError && each.code === 'ACME_CHALLENGE_FAILED',
  );
  if (challenge.length < failures.length)
    return failures.find((each) => !challenge.includes(each as CertathonError));
  if (challenge.length === 1) return challenge[0];
  return new CertathonError('ACME_CHALLENGE_FAILED', challenge.map(({ message }) => message).join('; '), {
    cause: challenge[0],
    facts: {
      names: challenge.map(({ facts }) => facts.name),
      words: Object.fromEntries(challenge.map(({ facts, message }) => [facts.name, message])),
    },
  });
}
