// pure
import { ERRORS, type ErrorCode } from '../lib/errors.ts';
import { printable } from '../lib/printable.ts';
import type { RolloutStep } from '../rollout/model.ts';
import type { RolloutPlan } from '../rollout/prepare.ts';
import type { RolloutProgress } from '../rollout/progress.ts';
import type { GroupStatus, HistoryRow } from '../rollout-status.ts';
import { liveView } from './rollout-view.ts';
import { colourName, servingWords, stepWords, timeLeft } from './rollout-words.ts';

/** How a rollout ended, or what stands where it was left. */
export interface RolloutEnd {
  at: Date;
  group: string;
  /** `complete`, `split`, `reverted`, `planned`; `failed` with a problem. */
  state: string;
  serves: RolloutProgress['serves'];
  /** In a sentence. */
  sentence?: string;
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

/** For programs: one line of JSON. The step's own time is by a clock that nobody else has; `deadlineMs` tells it. */
export function jsonLine({ step, ...progress }: RolloutProgress): string {
  return jsonText({ type: 'progress', ...progress, step: { ...step, untilMs: undefined } });
}

/** The last line for people: `shop: complete; green serves` */
export function endLine({ at, group, state, serves, problem }: RolloutEnd): string {
  const what = state === 'planned' ? 'planned, nothing was changed' : state;
  const why = problem === undefined ? '' : ` (${problem.code})`;
  return `${time(at)} ${printable(group, 120)}: ${what}${why}; ${servingWords(serves)}`;
}

/** The last line for programs; a problem comes with what to do about it, and its exit status. */
export function endJson({ problem, ...end }: RolloutEnd): string {
  const { exit = 0, hint = undefined } = problem === undefined ? {} : ERRORS[problem.code];
  return jsonText({ type: 'result', ...end, ...problem, hint, exitStatus: exit });
}

/** What a rollout will do, before it does anything: the steps in an ideal cluster, numbered.
 * @param withApp whether the app is printed that will be created, as zdd.py did it */
export function planText({ next, last, target, policy, steps }: RolloutPlan, withApp: boolean): string {
  const app = withApp ? `${jsonText(sorted(next), 2)}\n` : '';
  const size = target === 1 ? '1 instance' : `${target} instances`;
  const place = policy.split > 0 ? 'beside' : 'in place of';
  const other = last === undefined ? 'the first of its group' : `${place} ${printable(last.id, 1024)}`;
  const share = policy.split > 0 ? `${policy.split} of ${size}` : size;
  return [`${app}${printable(next.id, 1024)} is to serve with ${share}, ${other}`, ...ladder(steps)].join(
    '\n',
  );
}

/** The same for programs. */
export function planJson({ group, next, target, policy, steps, findings }: RolloutPlan): string {
  return jsonText({ type: 'plan', group, target, newInstances: policy.split, app: next, steps, findings });
}

function ladder(steps: readonly RolloutStep[]): string[] {
  const width = String(steps.length).length;
  return steps.map((step, at) => `${String(at + 1).padStart(width)}. ${stepWords(step)}`);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

/** What serves and served under the name of a group, the newest first. */
export function historyText(rows: readonly HistoryRow[]): string {
  return rows
    .map(({ at, colour, image, command, instances, appId, serves }) => {
      const count = instances === 1 ? '1 instance' : `${instances} instances`;
      const now = serves ? `  (${printable(appId ?? 'now', 120)}, now)` : '';
      return `${printable(at, 64).padEnd(26)}  ${(colour ?? '-').padEnd(5)}  ${count}  ${printable(image ?? command ?? 'no image', 256)}${now}\n`;
    })
    .join('');
}

/** Where groups stand, each with its picture. */
export function statusText(groups: readonly GroupStatus[], columns: number): string {
  if (groups.length === 0) return 'No app has a deployment group.\n';
  return groups
    .map(({ sentence, progress }) => {
      const picture = progress === undefined ? [] : liveView(progress, columns - 2);
      return `${printable(sentence, 2_000)}\n${picture.map((line) => `  ${line}\n`).join('')}`;
    })
    .join('\n');
}

/** One line of JSON, in which nothing can turn a terminal: what JSON itself leaves as it is, is escaped too. */
export function jsonText(value: unknown, indent = 0): string {
  return JSON.stringify(value, null, indent).replace(
    UNSAFE,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
const UNSAFE = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
