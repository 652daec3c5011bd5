// pure
import { type App, isConfigChange } from './app.ts';
import type { Dialect } from './dialect.ts';

export type Apps = ReadonlyMap<string, App>;

export type PlannedAction =
  | { action: 'StartApplication'; app: string }
  | { action: 'ScaleApplication'; app: string; instances: number; sentenced: string[] }
  | { action: 'RestartApplication'; app: string }
  | { action: 'StopApplication'; app: string };

export interface PlannedStep {
  actions: PlannedAction[];
}

export interface Extras {
  /** Apps that restart although their configuration stays. */
  restart?: ReadonlySet<string>;
  /** Instance ids to kill first, by app: kill-and-scale. */
  sentenced?: ReadonlyMap<string, string[]>;
}

/** Gives each app of the target its version: a new one when it changed, the old one when it did not.
 * @param version timestamp of this write
 * @source S/upgrade/GroupVersioningUtil.scala */
export function withVersions(
  before: Apps,
  after: Apps,
  version: string,
  { restartMoves }: Pick<Dialect, 'restartMoves'>,
  extras: Extras = {},
): Map<string, App> {
  const result = new Map<string, App>();
  for (const [id, app] of after) {
    const old = before.get(id);
    if (!old || isConfigChange(old, app))
      result.set(id, {
        ...app,
        version,
        versionInfo: { lastScalingAt: version, lastConfigChangeAt: version },
      });
    else if (extras.restart?.has(id))
      result.set(id, { ...app, version, versionInfo: { ...old.versionInfo, [restartMoves]: version } });
    else if (old.instances !== app.instances)
      result.set(id, { ...app, version, versionInfo: { ...old.versionInfo, lastScalingAt: version } });
    else result.set(id, { ...app, version: old.version, versionInfo: old.versionInfo });
  }
  return result;
}

/** The steps from one state of all apps to another, in Marathon's order: stop what vanished, start what is new,
 * then scale and restart, an app after the apps it depends on.
 * @source S/core/deployment/DeploymentPlan.scala */
export function planSteps(before: Apps, after: Apps, extras: Extras = {}): PlannedStep[] {
  const steps: PlannedStep[] = [];
  const add = (actions: PlannedAction[]) => {
    if (actions.length > 0) steps.push({ actions });
  };
  add([...before.keys()].filter((id) => !after.has(id)).map((app) => ({ action: 'StopApplication', app })));
  add([...after.keys()].filter((id) => !before.has(id)).map((app) => ({ action: 'StartApplication', app })));

  const byDepth = new Map<number, PlannedAction[]>();
  for (const app of after.values()) {
    const action = changeOf(before.get(app.id), app, extras);
    if (!action) continue;
    const depth = depthOf(app, after, new Set());
    byDepth.set(depth, [...(byDepth.get(depth) ?? []), action]);
  }
  for (const depth of [...byDepth.keys()].sort((a, b) => a - b)) add(byDepth.get(depth) ?? []);
  return steps;
}

function changeOf(old: App | undefined, app: App, extras: Extras): PlannedAction | undefined {
  const sentenced = extras.sentenced?.get(app.id) ?? [];
  const scale: PlannedAction = {
    action: 'ScaleApplication',
    app: app.id,
    instances: app.instances,
    sentenced,
  };
  if (!old) return scale;
  const isRestart = isConfigChange(old, app) || extras.restart?.has(app.id) === true;
  if (sentenced.length > 0) return scale;
  if (isRestart) return app.instances === 0 ? scale : { action: 'RestartApplication', app: app.id };
  return old.instances === app.instances ? undefined : scale;
}

function depthOf(app: App, apps: Apps, above: Set<string>): number {
  if (above.has(app.id)) return 0;
  const path = new Set(above).add(app.id);
  const below = app.dependencies.map((id) => apps.get(id)).filter((found) => found !== undefined);
  return below.length === 0 ? 0 : 1 + Math.max(...below.map((found) => depthOf(found, apps, path)));
}

/** The ids a plan touches: the lock is on these. */
export const affectedApps = (steps: PlannedStep[]): string[] => [
  ...new Set(steps.flatMap((step) => step.actions.map((action) => action.app))),
];
