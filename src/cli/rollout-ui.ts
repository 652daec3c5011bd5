import { printable } from '../lib/printable.ts';
import type { RolloutUi } from '../rollouts.ts';
import type { Running } from '../service.ts';
import { type Asking, isAgreed } from './ask.ts';
import { jsonText, planJson, planText } from './rollout-lines.ts';
import type { RolloutReporter } from './rollout-reporter.ts';

/** What the last look showed, for the last line. */
export interface Seen {
  group: string | undefined;
  serves: string;
  /** Both colours are there, and the new one is on its way. */
  isUnderWay: boolean;
}

const LONGEST_SENTENCE = 2_000;

/** Shows to the reader of a command how a rollout goes, and asks the person at the terminal. */
export function createUi(
  { config, signal }: Running,
  reporter: RolloutReporter,
  asking: Asking,
  asksEachRemoval: boolean,
): { ui: RolloutUi; seen: Seen } {
  const seen: Seen = { group: config.group, serves: 'unknown', isUnderWay: false };
  const confirm = async (question: string): Promise<boolean> => {
    if (config.yes) return true;
    reporter.pause();
    return isAgreed(question, { ...asking, signal });
  };
  const ui: RolloutUi = {
    notice: (sentence) => {
      reporter.say(printable(sentence, LONGEST_SENTENCE));
      reporter.event(jsonText({ type: 'notice', sentence }));
    },
    planned: (plan) => {
      seen.group = plan.group;
      seen.serves =
        plan.last === undefined ? 'none' : (plan.last.labels.HAPROXY_DEPLOYMENT_COLOUR ?? plan.last.id);
      reporter.say(planText(plan, config.dryRun));
      reporter.event(planJson(plan));
    },
    progress: (progress) => {
      seen.group = progress.group;
      seen.serves = progress.serves;
      seen.isUnderWay = progress.direction === 'forward' && progress.colours.length > 1;
      reporter.progress(progress);
    },
    confirm,
    confirmRemoval: asksEachRemoval && !config.yes ? confirm : undefined,
  };
  return { ui, seen };
}
