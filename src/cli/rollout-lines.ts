// pure
import { ERRORS, type ErrorCode } from '../lib/errors.ts';
import { printable } from '../lib/printable.ts';
import type { HistoryEntry } from '../rollout/history.ts';
import type { RolloutStep } from '../rollout/model.ts';
import type { RolloutProgress } from '../rollout/progress.ts';
import { colourName, servingWords, stepWords, timeLeft } from './rollout-words.ts';

/** How a rollout ended, or what stands where it was left. */
export interface RolloutEnd {
  at: Date;
  group: string;
  /** `complete`, `split`, `reverted`, `planned`; `failed` with a problem. */
  state: string;
  serves: RolloutProgress['serves'];
  problem?: { code: ErrorCode; message: string } | undefined;
}

/** For a terminal without cursor and for CI: one line, with what is done and why, and who takes requests.
 *   10:00:07 shop: scale /shop-green 1 → 2: 1 of 4 new tasks are healthy [blue 3/4, green 1/1] */
export function plainLine(progress: RolloutProgress): string {
  const left = timeLeft(progress);
  const back = progress.direction === 'back' ? ' back:' : '';
  return `${time(progress.at)} ${printable(progress.group, 120)}:${back} ${stepWords(progress.step)} [${counts(progress)}${left === '' ? '' : `, ${left} left`}]`;
}

function counts({ colours }: RolloutProgress): string {
  if (colours.length === 0) return 'no app';
  return colours
    .map((colour) => `${colourName(colour)} ${colour.inRotation ?? '?'}/${colour.instances}`)
    .join(', ');
}

function time(at: Date): string {
  return at.toISOString().slice(11, 19);
}

/** Whether it says anything that the line before did not: only the time went on else. */
export function isNews(before: RolloutProgress | undefined, now: RolloutProgress): boolean {
  if (before === undefined || now.at.getTime() - before.at.getTime() >= QUIET_MS) return true;
  const still = ({ colours, direction, step, sessions }: RolloutProgress) =>
    JSON.stringify([colours, direction, stepWords(step), sessions]);
  return still(before) !== still(now);
}
const QUIET_MS = 30_000;

/** For programs: one line of JSON. */
export function jsonLine(progress: RolloutProgress): string {
  return json({ type: 'progress', ...progress });
}

/** The last line for people: `shop: complete; green serves` */
export function endLine({ at, group, state, serves, problem }: RolloutEnd): string {
  const why = problem === undefined ? '' : ` (${problem.code})`;
  return `${time(at)} ${printable(group, 120)}: ${state}${why}; ${servingWords(serves)}`;
}

/** The last line for programs; a problem comes with what to do about it, and its exit status. */
export function endJson({ problem, ...end }: RolloutEnd): string {
  const { exit = 0, hint = undefined } = problem === undefined ? {} : ERRORS[problem.code];
  return json({ type: 'result', ...end, ...problem, hint, exitStatus: exit });
}

/** The steps that a rollout would take, numbered. */
export function ladderText(steps: readonly RolloutStep[]): string {
  const width = String(steps.length).length;
  return steps.map((step, at) => `${String(at + 1).padStart(width)}. ${stepWords(step)}\n`).join('');
}

/** What served under the name of a group before, newest first. */
export function historyText(entries: readonly HistoryEntry[]): string {
  if (entries.length === 0) return 'Nothing is known of earlier rollouts.\n';
  return entries
    .map(({ at, colour, image, command, instances }) => {
      const what = image ?? command ?? 'no image';
      const count = instances === 1 ? '1 instance' : `${instances} instances`;
      return `${printable(at, 64).padEnd(26)}  ${(colour ?? '-').padEnd(5)}  ${count}  ${printable(what, 256)}\n`;
    })
    .join('');
}

/** One line of JSON, in which nothing can turn a terminal: what JSON itself leaves as it is, is escaped too. */
function json(value: object): string {
  return JSON.stringify(value).replace(
    UNSAFE,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
const UNSAFE = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
