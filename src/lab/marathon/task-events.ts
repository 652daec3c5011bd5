import type { Dialect } from './dialect.ts';
import type { EventBus } from './events.ts';
import type { Judgement } from './health-record.ts';
import { type Instance, isHealthy, type Task } from './tracker.ts';

/** `Created` up to 1.7, `Scheduled` and `Provisioned` since. */
type Condition =
  | 'Created'
  | 'Scheduled'
  | 'Provisioned'
  | 'Staging'
  | 'Running'
  | 'Killing'
  | 'Killed'
  | 'Failed'
  | 'Finished';

export function statusUpdate(events: EventBus, task: Task, taskStatus: string, message: string): void {
  const host = task.slot.agent.host;
  events.publish('status_update_event', {
    slaveId: task.slot.slaveId,
    taskId: task.id,
    taskStatus,
    message,
    appId: task.app.id,
    host,
    ipAddresses: [{ ipAddress: host, protocol: 'IPv4' }],
    ports: task.slot.ports,
    version: task.app.version,
  });
}

export function instanceChanged(events: EventBus, instance: Instance, condition: Condition): void {
  const slot = instance.task?.slot ?? instance.dead?.task.slot;
  events.publish('instance_changed_event', {
    instanceId: instance.id,
    condition,
    runSpecId: instance.appId,
    agentId: slot?.slaveId ?? null,
    host: slot?.agent.host ?? null,
    runSpecVersion: instance.app.version,
  });
}

/** What one probe changed. @param before the check's and the task's health before it */
export function healthJudged(
  events: EventBus,
  task: Task,
  checkIndex: number,
  before: { judgement: Judgement; wasAlive: boolean | undefined; wasHealthy: boolean },
  { failedHealthCheckKey }: Dialect,
): void {
  const { app, instance } = task;
  const { alive } = before.judgement.record;
  // Since 1.5 the key says task, and the value is the instance all the same.
  if (before.judgement.counted)
    events.publish('failed_health_check_event', {
      appId: app.id,
      [failedHealthCheckKey]: instance.id,
      healthCheck: app.healthChecks[checkIndex],
    });
  if (before.wasAlive !== alive)
    events.publish('health_status_changed_event', {
      appId: app.id,
      version: app.version,
      instanceId: instance.id,
      alive,
    });
  const healthy = isHealthy(task);
  if (before.wasHealthy === healthy && before.wasAlive !== undefined) return;
  events.publish('instance_health_changed_event', {
    instanceId: instance.id,
    runSpecId: app.id,
    runSpecVersion: app.version,
    healthy,
  });
}

export function unhealthyKill(events: EventBus, task: Task, reason: string): void {
  events.publish('unhealthy_instance_kill_event', {
    appId: task.app.id,
    taskId: task.id,
    instanceId: task.instance.id,
    version: task.app.version,
    reason,
    host: task.slot.agent.host,
    slaveId: task.slot.slaveId,
  });
}
