import type { PassResult } from '../certificates/pass.ts';
import { ERRORS, type ErrorCode } from '../lib/errors.ts';
import { maskSecrets } from '../lib/mask.ts';
import { type Running, renew } from '../service.ts';
import type { RunCommand } from './run-command.ts';

/** `certathon renew` */
export const runRenew: RunCommand = async (running) => {
  const result = await renew(running);
  print(running.config.json ? jsonOf(result) : textOf(result, running.config.dryRun));
  return result.exitStatus;
};

/** `certathon plan`: the same pass, stopped after the plan. */
export const runPlan: RunCommand = async (running: Running) => {
  const config = { ...running.config, dryRun: true };
  const result = await renew({ ...running, config });
  print(config.json ? jsonOf(result) : textOf(result, true));
  return result.exitStatus;
};

function print(text: string): void {
  process.stdout.write(maskSecrets(text));
}

/** For programs: the plan, what was done, and what is wrong, with the hints. */
export function jsonOf(result: PassResult): string {
  const { seen, plan, done, problems, postponed, checkAgainAt, exitStatus } = result;
  const hinted = problems.map((problem) => ({ ...problem, hint: hintOf(problem.code) }));
  return `${JSON.stringify({ names: seen?.wanted.names ?? [], certificate: seen?.stored ?? null, planned: plan?.steps ?? [], done, problems: hinted, postponed, checkAgainAt: checkAgainAt ?? null, exitStatus }, null, 2)}\n`;
}

/** For people: one line a step, three lines a problem: what, why, what to do. */
export function textOf(result: PassResult, dryRun: boolean): string {
  const lines: string[] = [];
  const steps = dryRun ? (result.plan?.steps ?? []) : result.done;
  for (const step of steps) {
    const { do: verb, reason, ...rest } = step;
    const details = Object.entries(rest)
      .filter(([key, value]) => value !== undefined && key !== 'replaces')
      .map(([key, value]) => `${key} ${shown(value)}`);
    lines.push(`${dryRun ? 'would ' : ''}${verb} (${reason}): ${details.join('; ')}`);
  }
  for (const { code, message } of result.problems) lines.push(code, `  ${message}`, `  ${hintOf(code)}`);
  const stored = result.seen?.stored;
  if (stored !== undefined)
    lines.push(`certificate for ${stored.names.join(', ')}, valid until ${stored.notAfter.toISOString()}`);
  for (const { target, until, reason } of result.postponed)
    lines.push(`delivery to ${target} waits (${reason}) until ${until.toISOString()}`);
  if (steps.length === 0 && result.problems.length === 0 && result.postponed.length === 0)
    lines.push('nothing to do: valid, and served by every balancer');
  if (result.checkAgainAt !== undefined) lines.push(`next look at ${result.checkAgainAt.toISOString()}`);
  return `${lines.join('\n')}\n`;
}

function shown(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  return Array.isArray(value) ? value.join(', ') : String(value);
}

function hintOf(code: string): string {
  return ERRORS[code as ErrorCode]?.hint ?? '';
}
