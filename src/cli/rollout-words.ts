// pure
import { printable } from '../lib/printable.ts';
import type { RolloutStep } from '../rollout/model.ts';
import type { ColourProgress, DrainingSession, RolloutProgress } from '../rollout/progress.ts';

const LONGEST_REASON = 600;
const LONGEST_NAME = 120;

type Words = { [K in RolloutStep['do']]: (step: Extract<RolloutStep, { do: K }>) => string };

/** What each step does, in a few words. */
const WORDS: Words = {
  wait: (step) => `wait (${step.for})`,
  scale: ({ appId, from, instances }) => scaling({ appId, from, instances }),
  ask: ({ appId, taskIds, isWhole }) =>
    isWhole ? `ask before ${name(appId)} is deleted` : `ask before ${tasks(taskIds)} of ${name(appId)} die`,
  kill: ({ appId, taskIds, grow }) =>
    `kill ${tasks(taskIds)} of ${name(appId)}${grow === undefined ? '' : `, ${scaling(grow)}`}`,
  delete: ({ appId }) => `delete ${name(appId)}`,
  cancel: ({ appId, deploymentId }) => `end deployment ${name(deploymentId)} of ${name(appId)}`,
  turn: ({ code }) => `turn back (${code})`,
  stop: ({ code }) => `stop (${code})`,
  finish: ({ state }) => `done (${state})`,
};

/** `scale /shop-green 1 → 2: 1 of 4 new tasks are healthy and take requests` */
export function stepWords(step: RolloutStep): string {
  const words = WORDS[step.do] as (step: RolloutStep) => string;
  return `${words(step)}: ${printable(step.reason, LONGEST_REASON)}`;
}

function scaling({ appId, from, instances }: { appId: string; from: number; instances: number }): string {
  return `scale ${name(appId)} ${from} → ${instances}`;
}

function tasks(ids: readonly string[]): string {
  return ids.length === 1 ? '1 task' : `${ids.length} tasks`;
}

/** `green`, or the id of an app that has no colour. */
export function colourName({ id, colour }: Pick<ColourProgress, 'id' | 'colour'>): string {
  return colour ?? name(id);
}

/** `green serves` */
export function servingWords(serves: RolloutProgress['serves']): string {
  if (serves === 'both') return 'both colours serve';
  if (serves === 'none') return 'no colour serves';
  if (serves === 'unknown') return 'which colour serves is not known';
  return `${name(serves)} serves`;
}

/** `process 41 holds 3 sessions of shop_10000/10_0_0_1_31000 at lb-1` */
export function sessionWords({ balancer, pid, listener, sessions }: DrainingSession): string {
  const count = sessions === 1 ? '1 session' : `${sessions} sessions`;
  const what = sessions === undefined ? 'may hold sessions' : `holds ${count}`;
  return `process ${pid} ${what} of ${name(listener)} at ${name(balancer)}`;
}

/** How long it is until then, in two units: `4m 55s`, `2h 3m`, `0s` when it is over; empty without a time. */
export function timeLeft({ at, deadlineMs }: Pick<RolloutProgress, 'at' | 'deadlineMs'>): string {
  if (deadlineMs === undefined) return '';
  const seconds = Math.max(0, Math.ceil((deadlineMs - at.getTime()) / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  if (hours > 0) return `${hours}h ${minutes}m`;
  return minutes > 0 ? `${minutes}m ${seconds % 60}s` : `${seconds}s`;
}

function name(text: string): string {
  return printable(text, LONGEST_NAME);
}
