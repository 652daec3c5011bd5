import { CertathonError } from '../lib/errors.ts';
import type { HttpAnswer } from '../lib/http.ts';
import { maskSecrets } from '../lib/mask.ts';
import { marathonWords, parseJson } from './words.ts';

/** Marathon's own words, with anything secret in them masked: as it came, before it is cut, and as it is read. */
export function wordsOf(answer: HttpAnswer): string {
  return maskSecrets(marathonWords(maskSecrets(answer.text)));
}

/** Wrong or missing credentials (401) or rights (403). */
export function unauthorized(answer: HttpAnswer, what: string): CertathonError {
  const why = answer.status === 401 ? 'does not accept the credentials' : 'does not allow';
  return new CertathonError(
    'MARATHON_UNAUTHORIZED',
    `Marathon at ${answer.from} ${why} (${what}): ${answer.status} ${wordsOf(answer)}`,
    { facts: { status: answer.status } },
  );
}

/** No answer of Marathon itself: no leader, a proxy before it, an overload, a time-out inside. */
export function away(answer: HttpAnswer, what: string, retryAt?: Date): CertathonError {
  return new CertathonError(
    'MARATHON_UNREACHABLE',
    `Marathon at ${answer.from} could not answer (${what}): ${answer.status} ${wordsOf(answer)}`,
    {
      ...(retryAt === undefined ? {} : { retryAt }),
      facts: { status: answer.status, outcome: 'unknown' },
    },
  );
}

/** An answer that Marathon never gives there. */
export function strange(answer: HttpAnswer, what: string): CertathonError {
  const type = answer.headers['content-type'] ?? 'no content type';
  return new CertathonError(
    'MARATHON_ANSWER_INVALID',
    `What answers at ${answer.from} is not Marathon (${what}): ${answer.status}, ${type}, ${wordsOf(answer)}`,
    { facts: { status: answer.status } },
  );
}

/** Marathon refused a change, in its own words. */
export function refused(answer: HttpAnswer, what: string): CertathonError {
  return new CertathonError(
    'MARATHON_REFUSED',
    `Marathon refused (${what}): ${answer.status} ${wordsOf(answer)}`,
    { facts: { status: answer.status } },
  );
}

/** A 404 in Marathon's own words; a proxy's HTML says nothing about the thing that was asked for. */
export function isMissing(answer: HttpAnswer): boolean {
  return answer.status === 404 && jsonOf(answer) !== undefined;
}

export function missingApp(appId: string, answer: HttpAnswer): CertathonError {
  return new CertathonError('APP_MISSING', `Marathon has no app ${appId}: ${wordsOf(answer)}`);
}

/** The JSON object or array of an answer. @returns undefined for an empty body and for anything else */
export function jsonOf(answer: HttpAnswer): object | undefined {
  const json = parseJson(answer.text);
  return typeof json === 'object' && json !== null ? json : undefined;
}

/** @throws MARATHON_ANSWER_INVALID when the answer is no JSON object or array */
export function jsonOrThrow(answer: HttpAnswer, what: string): object {
  const json = jsonOf(answer);
  if (json === undefined) throw strange(answer, what);
  return json;
}

/** The one status that is settled before any other: who we are. Marathon also says 403 at its limit of
 * running deployments, which has nothing to do with rights. Source: S/Exception.scala,
 * TooManyRunningDeploymentsException */
export function isUnauthorized(answer: HttpAnswer): boolean {
  return answer.status === 401 || (answer.status === 403 && !isDeploymentLimit(answer));
}

export function isDeploymentLimit(answer: HttpAnswer): boolean {
  return answer.status === 403 && /Max number \(\d+\) of running deployments/.test(answer.text);
}
