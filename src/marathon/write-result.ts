import { CertathonError } from '../lib/errors.ts';
import type { HttpAnswer } from '../lib/http.ts';
import { away, isDeploymentLimit, isMissing, jsonOf, refused, strange, wordsOf } from './answers.ts';
import { type DeploymentResult, deploymentResultSchema, lockedAnswerSchema } from './schema.ts';

/** What became of a write. */
export type WriteResult =
  /** Stored, and deployed from now on. */
  | ({ kind: 'accepted' } & DeploymentResult)
  /** Not stored: these deployments hold the app. An empty list means "not now" for another reason. */
  | { kind: 'locked'; deployments: string[]; message: string }
  /** No telling whether it was stored: read the app again before anything else. */
  | { kind: 'unknown'; cause: CertathonError };

/** What an answer to a write means.
 * @param what the change, as errors call it   @param type what an accepted one looks like
 * @throws MARATHON_REFUSED in Marathon's own words; MARATHON_ANSWER_INVALID for no answer of Marathon */
export function writeResult(
  answer: HttpAnswer,
  what: string,
  type: {
    safeParse(value: unknown): { success: true; data: DeploymentResult } | { success: false };
  } = deploymentResultSchema,
): WriteResult {
  const { status } = answer;
  if (status >= 500) return { kind: 'unknown', cause: away(answer, what) };
  if (status === 409 || isDeploymentLimit(answer)) return locked(answer, what);
  if (status === 404 && !isMissing(answer)) throw strange(answer, what);
  if (status >= 400) throw refused(answer, what);
  const result = type.safeParse(jsonOf(answer));
  if (status < 300 && result.success) return { kind: 'accepted', ...result.data };
  if (status >= 300) throw strange(answer, what);
  // A proxy that ran out of time may say 200 without a body: the change may have been made.
  return { kind: 'unknown', cause: strange(answer, what) };
}

function locked(answer: HttpAnswer, what: string): WriteResult {
  const body = lockedAnswerSchema.safeParse(jsonOf(answer));
  if (!body.success) throw refused(answer, what);
  return { kind: 'locked', deployments: body.data.deployments.map(({ id }) => id), message: wordsOf(answer) };
}

/** A lost reply is a result, not a failure; everything else stays a failure. */
export function outcomeOf(
  error: unknown,
  signal: AbortSignal | undefined,
): WriteResult & { kind: 'unknown' } {
  if (!signal?.aborted && error instanceof CertathonError && error.facts.outcome === 'unknown')
    return { kind: 'unknown', cause: error };
  throw error;
}
