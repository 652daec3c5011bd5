import { abortRollout, resumeRollout, startRollout } from '../rollouts.ts';
import { type DriveWork, drive } from './rollout-drive.ts';
import type { RunCommand } from './run-command.ts';

/** `certathon zdd`: which of our commands the flags of zdd.py mean. Like zdd.py it makes the old colour smaller while
 * the new one grows, and asks before each removal unless told otherwise. */
export const runZdd: RunCommand = (running) => {
  const { resume, complete, completePrev } = running.config;
  const work: DriveWork['work'] = completePrev
    ? abortRollout
    : resume || complete
      ? (given, ui) => resumeRollout(given, ui, 'shrink')
      : (given, ui) => startRollout(given, ui, 'shrink');
  return drive(running, { manner: MANNER, work, goBack: abortRollout });
};

const MANNER = { command: 'zdd', flag: '--force', asksEachRemoval: true };
