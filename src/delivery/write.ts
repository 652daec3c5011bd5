import { CertathonError } from '../lib/errors.ts';
import type { AppPatch } from '../marathon/client.ts';
import type { App } from '../marathon/schema.ts';
import type { AppChange } from './apply.ts';
import type { DeliveryRecord, DeliveryTools, OurDeployment, PreviousCertificate } from './delivery.ts';
import { progressOf } from './progress.ts';
import { undoDelivery } from './undo.ts';

/** Repeats after somebody else's write came between our read and ours. */
const MOST_TRIES = 5;

/** Writes a change by a minimal PUT of what was freshly read, without ever losing what others write. A locked
 * app is waited for; a lost reply is recognised by looking.
 * @returns the deployment to watch, or undefined when the app already holds the change and nothing runs
 * @throws APP_LOCKED, DELIVERY_OVERTAKEN, MARATHON_*, and what the change itself throws */
export async function writeChange(
  change: AppChange,
  tools: DeliveryTools,
): Promise<OurDeployment | undefined> {
  for (let attempt = 1; attempt <= MOST_TRIES; attempt += 1) {
    const app = await readUnlocked(change, tools);
    if (app.kind === 'ours') return app.deployment;
    const patch = change.patchFor(app.app);
    if (patch === undefined) return undefined;
    const written = await put(app.app, patch, change, tools);
    if (written === 'again') continue;
    if (await nothingBetween(app.app.version, written, patch, change, tools)) return written;
  }
  throw new CertathonError(
    'DELIVERY_OVERTAKEN',
    `${change.appId} was changed by others ${MOST_TRIES} times while it was being written`,
  );
}

type Unlocked = { kind: 'free'; app: App } | { kind: 'ours'; deployment: OurDeployment };

/** Reads the app until no foreign deployment holds it. Looking first matters: on Marathon 1.5 to 1.7 even a
 * refused write harms the running deployment (marathon.md 2.3). */
async function readUnlocked(change: AppChange, tools: DeliveryTools): Promise<Unlocked> {
  const deadlineMs = tools.clock.monotonicMs() + tools.limits.lockWaitMs;
  for (let told = false; ; told = true) {
    const app = await tools.marathon.app(change.appId, tools.signal);
    if (app.deployments.length === 0) return { kind: 'free', app };
    const ours = await ourOpenDeployment(app, change, tools);
    if (ours !== undefined) return { kind: 'ours', deployment: ours };
    const ids = app.deployments.join(', ');
    if (tools.clock.monotonicMs() >= deadlineMs) {
      throw new CertathonError(
        'APP_LOCKED',
        `${change.appId} is locked by deployment ${ids}; waited ${Math.round(tools.limits.lockWaitMs / 1000)} s`,
      );
    }
    if (!told) tools.log.info('delivery.waiting', { app: change.appId, reason: 'locked', deployments: ids });
    await tools.wake.wait(tools.limits.pollMs, tools.signal);
  }
}

/** The open deployment, when it is the one that brought our change: by the id that was recorded, or, after a
 * crash before the answer, because the version that follows the recorded one holds our change. */
async function ourOpenDeployment(
  app: App,
  change: AppChange,
  tools: DeliveryTools,
): Promise<OurDeployment | undefined> {
  const record = await tools.memory.delivery();
  if (record === undefined || record.appId !== change.appId) return undefined;
  if (record.fingerprint !== change.mark && change.isLook !== true) return undefined;
  if (!change.isHeldBy(app)) return undefined;
  const version = app.versionInfo.lastConfigChangeAt ?? app.version;
  const open = app.deployments;
  if (record.deploymentId !== undefined) {
    return open.includes(record.deploymentId) ? { id: record.deploymentId, version } : undefined;
  }
  const versions = [...(await tools.marathon.versions(change.appId, tools.signal))].sort();
  const next = versions.find((candidate) => candidate > record.beforeVersion);
  if (next !== app.version || open.length !== 1) return undefined;
  await tools.memory.saveDelivery({ ...record, deploymentId: open[0] });
  return { id: open[0], version };
}

async function put(
  app: App,
  patch: AppPatch,
  change: AppChange,
  tools: DeliveryTools,
): Promise<OurDeployment | 'again'> {
  const previous = change.previousOf(app);
  const record: DeliveryRecord = {
    fingerprint: change.mark,
    appId: change.appId,
    beforeVersion: app.version,
    ...(previous === undefined ? {} : { previous }),
  };
  await tools.memory.saveDelivery(record);
  tools.log.info('delivery.planned', { app: change.appId, ...change.facts });
  const result = await tools.marathon.updateApp(app, patch, tools.signal);
  if (result.kind === 'locked') {
    await tools.wake.wait(tools.limits.pollMs, tools.signal);
    return 'again';
  }
  if (result.kind === 'unknown') return afterLostReply(app, change, tools);
  const now = await tools.marathon.app(change.appId, tools.signal);
  if (!change.isHeldBy(now)) {
    if (now.version === result.version)
      throw await cutOnTheWay(change, { id: result.deploymentId, version: result.version }, previous, tools);
    throw new CertathonError(
      'DELIVERY_OVERTAKEN',
      `${change.subject} of ${change.appId} does not hold what was just written`,
    );
  }
  await tools.memory.saveDelivery({ ...record, deploymentId: result.deploymentId });
  tools.log.info('delivery.started', { app: change.appId, deployment: result.deploymentId });
  return { id: result.deploymentId, version: result.version };
}

/** What we wrote is the app's newest version, and yet it is not what we sent: something between us and Marathon
 * changed it. A bundle cut short takes every balancer away that starts with it, so ours is taken back, as soon as
 * the first such task is there: one that Marathon launches later would count as serving, and the rollback would
 * rather begin with those that do. */
async function cutOnTheWay(
  change: AppChange,
  ours: { id: string; version: string },
  previous: PreviousCertificate | undefined,
  tools: DeliveryTools,
): Promise<CertathonError> {
  const deadlineMs = tools.clock.monotonicMs() + tools.limits.verifyMs;
  for (;;) {
    const app = await tools.marathon.app(change.appId, tools.signal);
    const isLaunched = progressOf(app, ours.version).newRunning > 0;
    if (isLaunched || !app.deployments.includes(ours.id) || tools.clock.monotonicMs() >= deadlineMs) break;
    await tools.wake.wait(tools.limits.pollMs, tools.signal);
  }
  const undone = await undoDelivery(change, tools, ours, previous);
  const what = `${change.subject} of ${change.appId} was stored otherwise than it was sent`;
  return new CertathonError('MARATHON_ANSWER_INVALID', `${what}; ${undone}`);
}

/** A write whose answer never came may have been carried out, or may yet be. Looking tells; writing the same
 * again is harmless, since Marathon treats an unchanged app as nothing to do. */
async function afterLostReply(
  before: App,
  change: AppChange,
  tools: DeliveryTools,
): Promise<OurDeployment | 'again'> {
  await tools.wake.wait(tools.limits.pollMs, tools.signal);
  const app = await tools.marathon.app(change.appId, tools.signal);
  if (app.version === before.version || !change.isHeldBy(app)) return 'again';
  const ours = await ourOpenDeployment(app, change, tools);
  tools.log.info('delivery.started', { app: change.appId, deployment: ours?.id, reason: 'reply-lost' });
  return ours ?? { id: undefined, version: app.version };
}

/** Marathon knows no If-Match. Somebody's write between our read and ours shows as a version between the two:
 * ours is then taken back, which restores theirs exactly, and everything starts from there. */
async function nothingBetween(
  beforeVersion: string,
  ours: OurDeployment,
  patch: AppPatch,
  change: AppChange,
  tools: DeliveryTools,
): Promise<boolean> {
  const versions = await tools.marathon.versions(change.appId, tools.signal);
  const between = versions.filter((version) => version > beforeVersion && version < ours.version);
  if (between.length === 0) return true;
  tools.log.warn('delivery.undone', {
    app: change.appId,
    deployment: ours.id,
    code: 'DELIVERY_OVERTAKEN',
    reason: `version ${between.join(', ')} came between reading and writing`,
  });
  const undone =
    ours.id === undefined ? 'gone' : await tools.marathon.cancelDeployment(ours.id, tools.signal);
  if (undone === 'gone') await restore(between.sort().at(-1) as string, patch, change, tools);
  return false;
}

/** There is nothing to take back any more, so what we replaced is written again as they left it. */
async function restore(
  version: string,
  patch: AppPatch,
  change: AppChange,
  tools: DeliveryTools,
): Promise<void> {
  const theirs = await tools.marathon.appVersion(change.appId, version, tools.signal);
  const fields = Object.keys(patch) as (keyof AppPatch)[];
  const former: AppPatch = Object.fromEntries(fields.map((field) => [field, theirs[field]]));
  const now = await readUnlocked(change, tools);
  if (now.kind === 'ours') return;
  const result = await tools.marathon.updateApp(now.app, former, tools.signal);
  if (result.kind === 'accepted') return;
  throw new CertathonError(
    'DELIVERY_OVERTAKEN',
    `What somebody else wrote to ${change.appId} as version ${version} was overwritten and could not be written again`,
  );
}
