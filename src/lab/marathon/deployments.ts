import { randomUUID } from 'node:crypto';
import type { App } from './app.ts';
import type { Crew } from './crew.ts';
import type { EventBus } from './events.ts';
import { affectedApps, type PlannedAction, type PlannedStep } from './plan.ts';
import { RestartAction, type RunningAction } from './restart-action.ts';
import { ScaleAction } from './scale-action.ts';
import { StopAction } from './stop-action.ts';
import { viewDefinition } from './view-app.ts';
import { viewGroup } from './view-group.ts';

export interface Deployment {
  readonly id: string;
  readonly version: string;
  readonly steps: PlannedStep[];
  readonly affected: readonly string[];
  /** The affected apps as they were; nothing stands for an app that was not there. */
  readonly before: ReadonlyMap<string, App | undefined>;
  readonly after: ReadonlyMap<string, App | undefined>;
  /** All apps before and after it. */
  readonly original: readonly App[];
  readonly target: readonly App[];
  /** 1-based; 0 just before the first step. */
  currentStep: number;
  /** A fault: it is listed and locks, but does nothing. */
  readonly isHanging: boolean;
  running: RunningAction[];
}

export type DeploymentPlan = Pick<
  Deployment,
  'version' | 'steps' | 'before' | 'after' | 'original' | 'target'
> & { isHanging?: boolean };

/** All running deployments. What is finished is forgotten at once, as in Marathon. */
export class Deployments {
  readonly #running = new Map<string, Deployment>();
  readonly #crew: Crew;
  readonly #events: EventBus;

  constructor(crew: Crew, events: EventBus) {
    this.#crew = crew;
    this.#events = events;
  }

  all(): Deployment[] {
    return [...this.#running.values()];
  }

  get(id: string): Deployment | undefined {
    return this.#running.get(id);
  }

  ofApp(appId: string): Deployment[] {
    return this.all().filter((deployment) => deployment.affected.includes(appId));
  }

  /** Those that hold a lock on one of these apps. */
  conflicting(appIds: readonly string[]): Deployment[] {
    return this.all().filter((deployment) => deployment.affected.some((id) => appIds.includes(id)));
  }

  /** Lists a deployment at once; its first step begins a moment later, after the answer to its writer. */
  begin(plan: DeploymentPlan): Deployment {
    const deployment = deploymentOf(plan);
    this.#running.set(deployment.id, deployment);
    setImmediate(() => this.#nextStep(deployment));
    return deployment;
  }

  /** Tells the failure of a deployment that was refused, and that nobody could see. */
  refuse(plan: DeploymentPlan, reason: string): void {
    this.#fail(deploymentOf(plan), reason);
  }

  /** Stops a deployment where it is. Tasks that were started stay; requests that nobody placed are dropped. */
  cancel(deployment: Deployment, reason: string): void {
    if (!this.#running.delete(deployment.id)) return;
    for (const action of deployment.running) action.stop();
    for (const appId of deployment.affected) this.#crew.queue.dropNeverPlaced(appId);
    this.#publish('deployment_step_failure', deployment);
    this.#fail(deployment, reason);
  }

  /** Ends a deployment as a success, whatever it did. */
  finish(deployment: Deployment): void {
    if (!this.#running.delete(deployment.id)) return;
    this.#events.publish('deployment_success', { id: deployment.id, plan: this.#planOf(deployment) });
  }

  #fail(deployment: Deployment, reason: string): void {
    this.#events.publish('deployment_failed', {
      id: deployment.id,
      plan: this.#planOf(deployment),
      ...(this.#crew.dialect.saysWhyDeploymentFailed ? { reason } : {}),
    });
  }

  stop(): void {
    for (const deployment of this.all()) for (const action of deployment.running) action.stop();
    this.#running.clear();
  }

  #nextStep(deployment: Deployment): void {
    if (!this.#running.has(deployment.id)) return;
    const step = deployment.steps[deployment.currentStep];
    if (!step) {
      this.finish(deployment);
      return;
    }
    deployment.currentStep += 1;
    for (const { action, app } of step.actions) this.#publishHealthChecks(action, app, deployment);
    this.#publish('deployment_info', deployment);
    if (deployment.isHanging) return;
    let left = step.actions.length;
    const done = () => {
      left -= 1;
      if (left > 0 || !this.#running.has(deployment.id)) return;
      deployment.running = [];
      this.#publish('deployment_step_success', deployment);
      this.#nextStep(deployment);
    };
    // The list is filled while actions may already finish, so each may end before it is in it.
    for (const action of step.actions) deployment.running.push(this.#start(action, deployment, done));
  }

  #start(planned: PlannedAction, deployment: Deployment, done: () => void): RunningAction {
    const app = deployment.after.get(planned.app);
    const later = once(() => setImmediate(done));
    if (planned.action === 'StopApplication')
      return new StopAction(this.#crew, this.#events, planned.app, later);
    if (planned.action === 'RestartApplication' && app) return new RestartAction(this.#crew, app, later);
    if (planned.action === 'ScaleApplication' && app)
      return new ScaleAction(this.#crew, app, planned.instances, planned.sentenced, later);
    later();
    return { stop: () => undefined };
  }

  #publishHealthChecks(action: PlannedAction['action'], appId: string, deployment: Deployment): void {
    const isStop = action === 'StopApplication';
    const app = isStop ? deployment.before.get(appId) : deployment.after.get(appId);
    for (const healthCheck of app?.healthChecks ?? [])
      if (isStop) this.#events.publish('remove_health_check_event', { appId });
      else if (action !== 'ScaleApplication')
        this.#events.publish('add_health_check_event', { appId, version: app?.version, healthCheck });
  }

  /** A plan in events: with the trees of all apps before and after it where the version sends them. */
  #planOf(deployment: Deployment): Record<string, unknown> {
    const { id, version, original, target } = deployment;
    const { dialect } = this.#crew;
    const light = { id, version, steps: stepsOf(deployment) };
    if (dialect.planFormat === 'light') return light;
    const contents = { app: (app: App) => viewDefinition(app, dialect), withGroups: true };
    const tree = (apps: readonly App[]) => viewGroup('/', apps, version, contents);
    return { ...light, original: tree(original), target: tree(target) };
  }

  #publish(eventType: string, deployment: Deployment): void {
    const actions = deployment.steps[deployment.currentStep - 1]?.actions ?? [];
    this.#events.publish(eventType, {
      plan: this.#planOf(deployment),
      currentStep: { actions: actions.map(({ action, app }) => ({ action, app })) },
    });
  }
}

function deploymentOf(plan: DeploymentPlan): Deployment {
  const affected = affectedApps(plan.steps);
  return { isHanging: false, ...plan, id: randomUUID(), affected, currentStep: 0, running: [] };
}

export const stepsOf = (deployment: Deployment) =>
  deployment.steps.map((step) => ({ actions: step.actions.map(({ action, app }) => ({ action, app })) }));

function once(act: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    act();
  };
}
