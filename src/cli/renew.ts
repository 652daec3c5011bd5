import type { PassResult } from '../certificates/pass-result.ts';
import type { PassStep, Put } from '../certificates/world.ts';
import { CertathonError, ERRORS, type ErrorCode } from '../lib/errors.ts';
import { maskSecrets } from '../lib/mask.ts';
import { type Running, renew } from '../service.ts';
import { namedIds } from './certificates-named.ts';
import type { RunCommand } from './run-command.ts';

/** `certathon renew` */
export const runRenew: RunCommand = async (running) => {
  const { certificate, now } = running.config;
  if (certificate.length > 0 && !now)
    throw new CertathonError('CONFIG_INVALID', '--certificate means nothing without --now');
  const only = certificate.length > 0 ? await namedIds(running) : true;
  const result = await renew(running, { forced: now && only, isRun: !now });
  print(running.config.json ? jsonOf(result) : textOf(result, running.config.dryRun));
  return result.exitStatus;
};

/** `certathon plan`: the same pass, stopped after the plan. */
export const runPlan: RunCommand = async (running: Running) => {
  const { simulateMs } = running.config;
  if (simulateMs !== undefined) return (await import('./simulate.ts')).runSimulation(running, simulateMs);
  const config = { ...running.config, dryRun: true };
  const result = await renew({ ...running, config });
  print(config.json ? jsonOf(result) : textOf(result, true));
  return result.exitStatus;
};

export function print(text: string): void {
  process.stdout.write(maskSecrets(text));
}

/** For programs: the plan, what was done, and what is wrong, with the hints. */
export function jsonOf(result: PassResult): string {
  const { seen, plan, done, problems, notices, postponed, checkAgainAt, exitStatus } = result;
  const hinted = (list: PassResult['problems']) =>
    list.map((problem) => ({ ...problem, hint: hintOf(problem.code) }));
  const certificates = (seen?.certificates ?? []).map(({ id, key, names, life, stored }) => ({
    id,
    key,
    names,
    life,
    stored: stored ?? null,
  }));
  return `${JSON.stringify({ names: seen?.wanted.names ?? [], certificates, ...(result.adoption === undefined ? {} : { adoption: result.adoption.report }), planned: plan?.steps ?? [], done, retired: plan?.retired ?? [], problems: hinted(problems), notices: hinted(notices), postponed, budgets: result.budgets ?? [], checkAgainAt: checkAgainAt ?? null, exitStatus }, null, 2)}\n`;
}

/** Certificates told one by one. */
const MOST_TOLD = 20;

/** For people: one line a step, three lines a problem: what, why, what to do. */
export function textOf(result: PassResult, dryRun: boolean): string {
  const lines = [...(result.adoption?.lines ?? [])];
  const steps = dryRun ? (result.plan?.steps ?? []) : result.done;
  for (const step of steps) lines.push(`${dryRun ? 'would ' : ''}${lineOf(step)}`);
  for (const { code, message } of result.problems) lines.push(code, `  ${message}`, `  ${hintOf(code)}`);
  for (const { code, message } of result.notices) lines.push(code, `  ${message}`, `  ${hintOf(code)}`);
  const stored = (result.seen?.certificates ?? []).filter((each) => each.stored !== undefined);
  for (const { stored: held } of stored.slice(0, MOST_TOLD))
    if (held !== undefined)
      lines.push(`certificate for ${held.names.join(', ')}, valid until ${held.notAfter.toISOString()}`);
  if (stored.length > MOST_TOLD)
    lines.push(`and ${stored.length - MOST_TOLD} further certificates: see certathon certificates list`);
  for (const { names, renewedUntil, removedAt, life } of result.plan?.retired ?? [])
    lines.push(
      `nobody asks for ${names.join(', ')} any more: ${
        life === 'replaced'
          ? 'another certificate covers it'
          : life === 'grace'
            ? `renewed until ${renewedUntil.toISOString()}`
            : `no longer renewed, removed at ${removedAt?.toISOString()}`
      }`,
    );
  for (const { target, until, reason } of result.postponed)
    lines.push(`delivery to ${target} waits (${reason}) until ${until.toISOString()}`);
  if (
    steps.every((step) => step.do === 'ask-renewal') &&
    result.problems.length === 0 &&
    result.postponed.length === 0
  )
    lines.push('nothing to do: valid, and served by every balancer');
  if (result.checkAgainAt !== undefined) lines.push(`next look at ${result.checkAgainAt.toISOString()}`);
  return `${lines.join('\n')}\n`;
}

/** Of thousands the first. */
function some(items: readonly string[]): string {
  const more = items.length > MOST_TOLD ? ` and ${items.length - MOST_TOLD} more` : '';
  return `${items.slice(0, MOST_TOLD).join(', ')}${more}`;
}

function lineOf(step: PassStep): string {
  const { do: verb, reason, ...rest } = step;
  // An id that is the first name says nothing more.
  const isNamed = 'certificate' in step && 'names' in step && step.names[0] === step.certificate;
  const details = Object.entries(rest)
    .filter(([key, value]) => value !== undefined && !(isNamed && key === 'certificate'))
    .map(([key, value]) =>
      key === 'puts'
        ? putsOf(value as Put[])
        : `${key} ${key === 'certificates' ? some(value as string[]) : shown(value)}`,
    );
  return `${verb} (${reason}): ${details.filter((each) => each !== '').join('; ')}`;
}

/** Which certificate goes where. */
function putsOf(puts: readonly Put[]): string {
  const told = puts.slice(0, MOST_TOLD).map(({ certificate, at, fingerprint, reason }) => {
    const which = fingerprint === 'the new one' ? fingerprint : fingerprint.slice(0, 16);
    return `${certificate} (${which}, ${reason}) to ${at}`;
  });
  const rest = puts.length - told.length;
  return [...told, ...(rest > 0 ? [`and ${rest} more`] : [])].join(', ');
}

function shown(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  return Array.isArray(value) ? value.join(', ') : String(value);
}

function hintOf(code: string): string {
  return ERRORS[code as ErrorCode]?.hint ?? '';
}
