import { timestamp } from './events.ts';
import type { DeadState, Task } from './tracker.ts';

/** `lastTaskFailure` of an app. */
export interface TaskFailure {
  appId: string;
  host: string;
  message: string;
  state: string;
  taskId: string;
  timestamp: string;
  version: string;
  slaveId: string;
}

const HEALTH_KILL = 'Task was killed since health check failed. Reason: ';

export const healthKillMessage = (reason: string) => HEALTH_KILL + reason;

/** What a dead task leaves behind: nothing after exit status 0, nor after a kill that somebody asked for. */
export function failureOf(
  task: Task,
  state: DeadState,
  message: string,
  nowMs: number,
): TaskFailure | undefined {
  const isHealthKill = state === 'TASK_KILLED' && message.startsWith(HEALTH_KILL);
  if (state !== 'TASK_FAILED' && !isHealthKill) return undefined;
  return {
    appId: task.app.id,
    host: task.slot.agent.host,
    message,
    state,
    taskId: task.id,
    timestamp: timestamp(nowMs),
    version: task.app.version,
    slaveId: task.slot.slaveId,
  };
}
