import { ApiError, locked, notValid } from './api-error.ts';
import type { App } from './app.ts';
import type { Crew } from './crew.ts';
import { type Deployment, type DeploymentPlan, Deployments } from './deployments.ts';
import { type EventBus, timestamp } from './events.ts';
import { parentGroup } from './ids.ts';
import { KillLocks } from './kill-locks.ts';
import { affectedApps, type Extras, planSteps, withVersions } from './plan.ts';
import { surplusOf } from './scale-action.ts';

const KEPT_VERSIONS = 50;

export interface Write extends Extras {
  /** Where the apps should be after this write, by id; `undefined` removes one. */
  apps: ReadonlyMap<string, App | undefined>;
  force: boolean;
}

/** All apps, their former definitions, and the one way to change them.
 * @source S/core/group/impl/GroupManagerImpl.scala */
export class Root {
  readonly deployments: Deployments;
  readonly killLocks: KillLocks;
  readonly #apps = new Map<string, App>();
  readonly #history = new Map<string, App[]>();
  readonly #crew: Crew;
  readonly #events: EventBus;
  readonly #takesHang: (appIds: readonly string[]) => boolean;
  #lastVersionMs = 0;
  version: string;

  constructor(crew: Crew, events: EventBus, takesHang: (appIds: readonly string[]) => boolean) {
    this.#crew = crew;
    this.#events = events;
    this.#takesHang = takesHang;
    this.deployments = new Deployments(crew, events);
    this.killLocks = new KillLocks(
      crew,
      (appId) => this.deployments.ofApp(appId).length > 0,
      (appId) => this.#repairCount(appId),
    );
    this.version = this.nextVersion();
  }

  app(id: string): App | undefined {
    return this.#apps.get(id);
  }

  apps(): App[] {
    return [...this.#apps.values()];
  }

  /** Former definitions and the present one, newest first. */
  versions(id: string): App[] {
    return this.#history.get(id) ?? [];
  }

  /** Two writes never share a timestamp, however fast they come. */
  nextVersion(): string {
    this.#lastVersionMs = Math.max(Date.now(), this.#lastVersionMs + 1);
    return timestamp(this.#lastVersionMs);
  }

  /** Stores a change and begins the deployment that carries it out.
   * @throws ApiError 409 when an affected app is locked and `force` is not given; then nothing is stored */
  write(write: Write): Deployment {
    const version = this.nextVersion();
    const wanted = new Map(this.#apps);
    for (const [id, app] of write.apps)
      if (app) wanted.set(id, app);
      else wanted.delete(id);
    refuseIdsOfGroups(wanted);
    const { dialect } = this.#crew;
    const after = withVersions(this.#apps, wanted, version, dialect, write);
    const steps = planSteps(this.#apps, after, write);
    const affected = affectedApps(steps);
    const plan: DeploymentPlan = {
      version,
      steps,
      before: new Map(affected.map((id) => [id, this.#apps.get(id)])),
      after: new Map(affected.map((id) => [id, after.get(id)])),
      original: this.apps(),
      target: [...after.values()],
    };
    const conflicts = this.deployments.conflicting(affected);
    const groupId = parentGroup([...write.apps.keys()][0] ?? '/');
    if (conflicts.length > 0 && !write.force) {
      const refusal = locked(conflicts.map((deployment) => deployment.id));
      this.#events.publish('group_change_failed', { groupId, version, reason: refusal.message });
      if (dialect.tellsRefusals) this.deployments.refuse(plan, refusal.message);
      if (dialect.purgesOnRefusal)
        for (const appId of affected) this.#crew.queue.dropNeverPlaced(appId, 'purged');
      throw refusal;
    }
    if (this.deployments.all().length >= dialect.mostDeployments && !write.force)
      throw new ApiError(403, {
        message: `Max number (${dialect.mostDeployments}) of running deployments is achieved. Wait for existing deployments to complete or cancel one using force=true parameter. You can increase max deployment number by using --max_running_deployments parameter`,
      });

    this.#store(after);
    if (steps.length > 0) this.version = version;
    this.#events.publish('group_change_success', { groupId, version });
    for (const conflict of conflicts) this.deployments.cancel(conflict, 'The upgrade has been cancelled');
    return this.deployments.begin({ ...plan, isHanging: this.#takesHang(affected) });
  }

  /** Undoes a deployment by a new one that puts the former definitions back. It is forced. */
  revert(deployment: Deployment): Deployment {
    const restart = new Set(
      deployment.steps.flatMap((step) =>
        step.actions.filter(({ action }) => action === 'RestartApplication').map(({ app }) => app),
      ),
    );
    const apps = new Map(
      [...deployment.before].filter(([id, app]) => app !== undefined || this.#apps.has(id)),
    );
    const reverting = this.write({ apps, restart, force: true });
    this.deployments.cancel(deployment, 'The upgrade has been cancelled');
    return reverting;
  }

  /** Repairs the number of instances of every app that nothing locks; not a mix of versions.
   * @source S/MarathonSchedulerActor.scala, scale */
  repairCounts(): void {
    for (const id of this.#apps.keys()) this.checkScale(id);
  }

  /** The same for one app. */
  checkScale(appId: string): void {
    if (this.deployments.ofApp(appId).length > 0 || this.killLocks.holds(appId)) return;
    this.#repairCount(appId);
  }

  #repairCount(appId: string): void {
    const app = this.#apps.get(appId);
    if (!app) return;
    const wanted = this.#crew.tracker.wanted(appId);
    for (const instance of surplusOf(wanted, app.instances, app.killSelection))
      this.#crew.decommission(instance, 'Killed because there were too many');
    this.#crew.request(app, app.instances - wanted.length);
  }

  #store(after: Map<string, App>): void {
    for (const id of this.#apps.keys())
      if (!after.has(id)) {
        this.#apps.delete(id);
        this.#history.delete(id);
      }
    for (const [id, app] of after) {
      if (this.#apps.get(id)?.version !== app.version) {
        const versions = [app, ...(this.#history.get(id) ?? [])];
        this.#history.set(id, versions.slice(0, KEPT_VERSIONS));
      }
      this.#apps.set(id, app);
    }
  }
}

function refuseIdsOfGroups(apps: ReadonlyMap<string, App>): void {
  for (const id of apps.keys())
    for (const other of apps.keys())
      if (other.startsWith(`${id}/`))
        throw notValid([{ path: id, errors: ['Groups and Applications may not have the same identifier.'] }]);
}
