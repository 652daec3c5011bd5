import { ERRORS, type ErrorCode } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { inRuns } from '../lib/runs.ts';
import type { PassResult } from './pass-result.ts';

/** Logs how a pass ended. What the pass before already said is not said again: events cause many passes while
 * something is wrong, and the log should show when it began and what changed. */
export function reportPass(result: PassResult, before: PassResult | undefined, log: Log): void {
  const durationMs = result.finishedAt.getTime() - result.startedAt.getTime();
  const did = inRuns(result.done.map((step) => step.do));
  for (const { target, until, reason } of result.postponed) {
    const isNews = !before?.postponed.some((each) => each.target === target && each.reason === reason);
    log[isNews ? 'info' : 'debug']('delivery.postponed', { target, reason, until });
  }
  for (const { code, message } of result.notices) {
    const isNews = !before?.notices.some((each) => each.code === code && each.message === message);
    const hint = ERRORS[code as ErrorCode]?.hint;
    log[isNews ? 'warn' : 'debug']('pass.noticed', { code, reason: message, hint });
  }
  if (result.problems.length === 0) {
    const isNews = did.length > 0 || (before?.problems.length ?? 0) > 0;
    log[isNews ? 'info' : 'debug']('pass.finished', { did, durationMs, checkAgainAt: result.checkAgainAt });
    return;
  }
  for (const { code, message } of result.problems) {
    const isNews = !before?.problems.some((problem) => problem.code === code && problem.message === message);
    log[isNews ? 'error' : 'debug']('pass.failed', {
      code,
      reason: message,
      hint: ERRORS[code as ErrorCode]?.hint,
      did,
      durationMs,
    });
  }
}
