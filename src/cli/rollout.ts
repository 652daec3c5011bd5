import { maskSecrets } from '../lib/mask.ts';
import { rolloutHistory, rolloutStatus } from '../rollout-status.ts';
import { abortRollout, resumeRollout, startRollout } from '../rollouts.ts';
import { type DriveWork, drive } from './rollout-drive.ts';
import { historyText, jsonText, statusText } from './rollout-lines.ts';
import type { RunCommand } from './run-command.ts';

/** `certathon rollout start` */
export const runStart: RunCommand = (running) => drive(running, driven('rollout start', startRollout));

/** `certathon rollout resume` */
export const runResume: RunCommand = (running) => drive(running, driven('rollout resume', resumeRollout));

/** `certathon rollout abort` */
export const runAbort: RunCommand = (running) => drive(running, driven('rollout abort', abortRollout));

function driven(command: string, work: DriveWork['work']): DriveWork {
  return { manner: { command, flag: '--yes', asksEachRemoval: false }, work, goBack: abortRollout };
}

const USUAL_COLUMNS = 100;

/** `certathon rollout status`: of one group, or of all. */
export const runStatus: RunCommand = async (running) => {
  const groups = await rolloutStatus(running);
  // A terminal of unknown size says 0.
  const columns = process.stdout.columns || USUAL_COLUMNS;
  print(running.config.json ? `${jsonText(groups, 2)}\n` : statusText(groups, columns));
  return 0;
};

/** `certathon rollout history` */
export const runHistory: RunCommand = async (running) => {
  const rows = await rolloutHistory(running);
  print(running.config.json ? `${jsonText(rows, 2)}\n` : historyText(rows));
  return 0;
};

function print(text: string): void {
  process.stdout.write(maskSecrets(text));
}
