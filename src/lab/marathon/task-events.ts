import type { EventBus } from './events.ts';
import type { Instance, Task } from './tracker.ts';

type Condition = 'Scheduled' | 'Provisioned' | 'Staging' | 'Running' | 'Killed' | 'Failed' | 'Finished';

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
