// pure
import { type CertathonError, describeError, ERRORS, type ErrorCode } from '../lib/errors.ts';
import type { AdoptionReport } from './adopt/describe-adoption.ts';
import type { UsedBudget } from './limits/shown.ts';
import type { Postponed, Problem } from './model.ts';
import type { Observation, PassStep, Plan } from './world.ts';

export interface PassResult {
  startedAt: Date;
  finishedAt: Date;
  /** As last seen; undefined when nothing could be observed. */
  seen: Observation | undefined;
  /** What was planned first; with `dryRun` nothing of it was done. */
  plan: Plan | undefined;
  done: PassStep[];
  problems: Problem[];
  /** What a person may want to know; nothing is wrong. */
  notices: Problem[];
  /** Deliveries that wait for their time. */
  postponed: Postponed[];
  /** How much of the limits of each CA is used. */
  budgets?: UsedBudget[] | undefined;
  /** When another pass makes sense, if no event comes before. */
  checkAgainAt: Date | undefined;
  /** 0: every wanted name has a valid certificate and every balancer serves it. */
  exitStatus: number;
  /** What was taken over from a predecessor before it began; with `dryRun` it would be. */
  adoption?: { report: AdoptionReport; lines: string[] } | undefined;
}

/** When Marathon or the store is away, the next look is not left to the schedule. */
export const SOON_MS = 60_000;

/** A pass that could not even begin, as a result like any other. */
export function failedPass(error: CertathonError, before: PassResult | undefined, now: Date): PassResult {
  const problems = [problemOf(error)];
  const again = new Date(now.getTime() + SOON_MS);
  const result: PassResult = {
    startedAt: now,
    finishedAt: now,
    seen: before?.seen,
    plan: undefined,
    done: [],
    problems,
    notices: [],
    postponed: before?.postponed ?? [],
    budgets: before?.budgets,
    checkAgainAt: again,
    exitStatus: exitStatusOf(problems),
  };
  return result;
}

export function problemOf(error: CertathonError): Problem {
  return { code: error.code, message: describeError(error) };
}

/** The failures of this pass first; a hold that only repeats one of them says nothing new. */
export function merged(failures: Problem[], planned: Problem[], held: ReadonlySet<string>): Problem[] {
  const codes = new Set(failures.map(({ code }) => code));
  // Each certificate has a hold of its own, so there the code alone does not tell.
  const isTold = ({ code, message }: Problem): boolean =>
    codes.has(code) && (held.size === 0 || [...held].some((reason) => message.startsWith(reason)));
  return [...failures, ...planned.filter((each) => !isTold(each))];
}

/** The status of the first problem: failures of this pass come before what holds from earlier ones. */
export function exitStatusOf(problems: readonly Problem[]): number {
  const first = problems[0];
  return first === undefined ? 0 : (ERRORS[first.code as ErrorCode]?.exit ?? 1);
}
