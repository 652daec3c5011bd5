import { timestamp } from './events.ts';
import type { HealthRecord } from './health-record.ts';
import { servicePorts } from './normalize.ts';
import type { DeadState, Instance, Task } from './tracker.ts';

/** A task as the API shows it. Since 1.8 the last dead task of an instance stays listed until the next one is
 * placed, without times, version and ports.
 * @returns nothing when no task of this instance was ever placed
 * @source S/raml/TaskConversion.scala */
export function viewTask(instance: Instance, withServicePorts = false): Record<string, unknown> | undefined {
  if (instance.task) return viewLiving(instance.task, withServicePorts);
  return instance.dead && viewDead(instance.dead.task, instance.dead.state);
}

function viewLiving(task: Task, withServicePorts: boolean): Record<string, unknown> {
  const host = task.slot.agent.host;
  return {
    id: task.id,
    appId: task.app.id,
    host,
    ports: task.slot.ports,
    ...(withServicePorts ? { servicePorts: servicePorts(task.app) } : {}),
    ipAddresses: [{ ipAddress: host, protocol: 'IPv4' }],
    slaveId: task.slot.slaveId,
    state: task.state,
    stagedAt: timestamp(task.stagedAtMs),
    ...(task.startedAtMs === undefined ? {} : { startedAt: timestamp(task.startedAtMs) }),
    version: task.app.version,
    healthCheckResults: task.health
      .filter((record) => record !== undefined)
      .map((record) => viewHealth(record, task.instance.id)),
    localVolumes: [],
    role: '*',
  };
}

function viewDead(task: Task, state: DeadState): Record<string, unknown> {
  return {
    id: task.id,
    appId: task.app.id,
    host: task.slot.agent.host,
    ports: [],
    ipAddresses: [],
    slaveId: task.slot.slaveId,
    state,
    healthCheckResults: [],
    localVolumes: [],
    role: '*',
  };
}

function viewHealth(record: HealthRecord, instanceId: string): Record<string, unknown> {
  const time = (name: string, atMs: number | undefined) =>
    atMs === undefined ? {} : { [name]: timestamp(atMs) };
  return {
    alive: record.alive,
    consecutiveFailures: record.consecutiveFailures,
    ...time('firstSuccess', record.firstSuccessMs),
    ...time('lastSuccess', record.lastSuccessMs),
    ...time('lastFailure', record.lastFailureMs),
    ...(record.lastFailureCause === undefined ? {} : { lastFailureCause: record.lastFailureCause }),
    instanceId,
  };
}

/** Staged, running, healthy and unhealthy tasks. Healthy: it has a result and all results are alive; one
 * without a result is neither. */
export function countTasks(tasks: Task[]) {
  const results = tasks.map((task) => task.health.filter((record) => record !== undefined));
  return {
    staged: tasks.filter((task) => task.state === 'TASK_STAGING').length,
    running: tasks.filter((task) => task.state === 'TASK_RUNNING').length,
    healthy: results.filter((records) => records.length > 0 && records.every((one) => one.alive)).length,
    unhealthy: results.filter((records) => records.some((one) => !one.alive)).length,
  };
}
