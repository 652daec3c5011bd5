import type { Dialect } from './dialect.ts';
import { timestamp } from './events.ts';
import type { HealthRecord } from './health-record.ts';
import { servicePorts } from './normalize.ts';
import type { DeadState, Instance, Task } from './tracker.ts';

/** A task as the API shows it. Since 1.8 the last dead task of an instance stays listed until the next one is
 * placed, without times, version and ports.
 * @returns nothing when no task of this instance was ever placed
 * @source S/raml/TaskConversion.scala; to 1.5 S/api/v2/json/Formats.scala, EnrichedTaskWrites */
export function viewTask(
  instance: Instance,
  dialect: Dialect,
  withServicePorts = false,
): Record<string, unknown> | undefined {
  const { task, dead } = instance;
  if (!task && !dead) return undefined;
  const shown = task ? viewLiving(task, dialect, withServicePorts) : dead && viewDead(dead.task, dead.state);
  const whole: Record<string, unknown> = { ...shown, ...(dialect.showsRole ? { role: '*' } : {}) };
  if (!dialect.hasOldTaskJson) return whole;
  return Object.fromEntries(
    Object.entries(whole).filter(([key, value]) => key === 'ports' || !isEmptyList(value)),
  );
}

function viewLiving(task: Task, dialect: Dialect, withServicePorts: boolean): Record<string, unknown> {
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
    ...time('startedAt', task.startedAtMs, dialect),
    version: task.app.version,
    healthCheckResults: task.health
      .filter((record) => record !== undefined)
      .map((record) => viewHealth(record, task.instance.id, dialect)),
    localVolumes: [],
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
  };
}

function viewHealth(record: HealthRecord, instanceId: string, dialect: Dialect): Record<string, unknown> {
  const cause = record.lastFailureCause ?? (dialect.hasOldTaskJson ? null : undefined);
  return {
    alive: record.alive,
    consecutiveFailures: record.consecutiveFailures,
    ...time('firstSuccess', record.firstSuccessMs, dialect),
    ...time('lastSuccess', record.lastSuccessMs, dialect),
    ...time('lastFailure', record.lastFailureMs, dialect),
    ...(cause === undefined ? {} : { lastFailureCause: cause }),
    instanceId,
  };
}

function time(name: string, atMs: number | undefined, { hasOldTaskJson }: Dialect) {
  if (atMs !== undefined) return { [name]: timestamp(atMs) };
  return hasOldTaskJson ? { [name]: null } : {};
}

const isEmptyList = (value: unknown) => Array.isArray(value) && value.length === 0;

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
