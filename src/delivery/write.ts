import { CertathonError } from '../lib/errors.ts';
import type { App } from '../marathon/schema.ts';
import { envChange, holdsBundle } from './change.ts';
import type { DeliveryRecord, DeliveryRequest, DeliveryTools, OurDeployment } from './delivery.ts';
import { contentMark, readVariable } from './variable.ts';

/** Repeats after somebody else's write came between our read and ours. */
const MOST_TRIES = 5;

/** Writes the bundle into the variable by a minimal PUT of the freshly read env, without ever losing what
 * others write. A locked app is waited for; a lost reply is recognised by looking.
 * @returns the deployment to watch, or undefined when the variable already holds the bundle and nothing runs
 * @throws APP_LOCKED, DELIVERY_OVERTAKEN, DELIVERY_TOO_LARGE, MARATHON_* */
export async function writeVariable(
  request: DeliveryRequest,
  tools: DeliveryTools,
): Promise<OurDeployment | undefined> {
  for (let attempt = 1; attempt <= MOST_TRIES; attempt += 1) {
    const app = await readUnlocked(request, tools);
    if (app.kind === 'ours') return app.deployment;
    const change = envChange(app.app.env, request.variable, request.bundle, request.placeholderPem);
    if (change.kind === 'none') return undefined;
    if (change.kind === 'too-large') throw new CertathonError('DELIVERY_TOO_LARGE', change.message);
    guardContent(app.app, request);
    const written = await put(app.app, change.env, request, tools);
    if (written === 'again') continue;
    if (await nothingBetween(app.app.version, written, request, tools)) return written;
  }
  throw new CertathonError(
    'DELIVERY_OVERTAKEN',
    `${request.appId} was changed by others ${MOST_TRIES} times while it was being written`,
  );
}

type Unlocked = { kind: 'free'; app: App } | { kind: 'ours'; deployment: OurDeployment };

/** Reads the app until no foreign deployment holds it. Looking first matters: on Marathon 1.5 to 1.7 even a
 * refused write harms the running deployment (marathon.md 2.3). */
async function readUnlocked(request: DeliveryRequest, tools: DeliveryTools): Promise<Unlocked> {
  const deadlineMs = tools.clock.nowMs() + tools.limits.lockWaitMs;
  for (let told = false; ; told = true) {
    const app = await tools.marathon.app(request.appId, tools.signal);
    if (app.deployments.length === 0) return { kind: 'free', app };
    const ours = await ourOpenDeployment(app, request, tools);
    if (ours !== undefined) return { kind: 'ours', deployment: ours };
    const ids = app.deployments.join(', ');
    if (tools.clock.nowMs() >= deadlineMs) {
      throw new CertathonError(
        'APP_LOCKED',
        `${request.appId} is locked by deployment ${ids}; waited ${Math.round(tools.limits.lockWaitMs / 1000)} s`,
      );
    }
    if (!told) tools.log.info('delivery.waiting', { app: request.appId, reason: 'locked', deployments: ids });
    await tools.wake.wait(tools.limits.pollMs, tools.signal);
  }
}

/** The open deployment, when it is the one that brought our bundle: by the id that was recorded, or, after a
 * crash before the answer, because the version that follows the recorded one holds our bundle. */
async function ourOpenDeployment(
  app: App,
  request: DeliveryRequest,
  tools: DeliveryTools,
): Promise<OurDeployment | undefined> {
  const record = await tools.memory.delivery();
  if (
    record === undefined ||
    record.appId !== request.appId ||
    record.fingerprint !== request.bundle.facts.fingerprint
  )
    return undefined;
  if (!holdsBundle(app.env[request.variable], request.bundle)) return undefined;
  const version = app.versionInfo.lastConfigChangeAt ?? app.version;
  const open = app.deployments;
  if (record.deploymentId !== undefined) {
    return open.includes(record.deploymentId) ? { id: record.deploymentId, version } : undefined;
  }
  const versions = [...(await tools.marathon.versions(request.appId, tools.signal))].sort();
  const next = versions.find((candidate) => candidate > record.beforeVersion);
  if (next !== app.version || open.length !== 1) return undefined;
  await tools.memory.saveDelivery({ ...record, deploymentId: open[0] });
  return { id: open[0], version };
}

/** The plan was made for other content: plan again rather than overwrite it. */
function guardContent(app: App, request: DeliveryRequest): void {
  const mark = contentMark(readVariable(app.env[request.variable]));
  if (mark === request.replaces || mark === request.bundle.facts.fingerprint) return;
  throw new CertathonError(
    'DELIVERY_OVERTAKEN',
    `${request.variable} of ${request.appId} was changed by somebody else since it was looked at`,
  );
}

async function put(
  app: App,
  env: App['env'],
  request: DeliveryRequest,
  tools: DeliveryTools,
): Promise<OurDeployment | 'again'> {
  const held = readVariable(app.env[request.variable]);
  const record: DeliveryRecord = {
    fingerprint: request.bundle.facts.fingerprint,
    appId: request.appId,
    beforeVersion: app.version,
    ...(held.kind === 'certificate'
      ? { previous: { fingerprint: held.facts.fingerprint, names: held.facts.names } }
      : {}),
  };
  await tools.memory.saveDelivery(record);
  tools.log.info('delivery.planned', {
    app: request.appId,
    variable: request.variable,
    names: request.names,
  });
  const result = await tools.marathon.updateEnv(app, env, tools.signal);
  if (result.kind === 'locked') {
    await tools.wake.wait(tools.limits.pollMs, tools.signal);
    return 'again';
  }
  if (result.kind === 'unknown') return afterLostReply(app, request, tools);
  const now = await tools.marathon.app(request.appId, tools.signal);
  if (!holdsBundle(now.env[request.variable], request.bundle)) {
    throw new CertathonError(
      'DELIVERY_OVERTAKEN',
      `${request.variable} of ${request.appId} does not hold what was just written`,
    );
  }
  await tools.memory.saveDelivery({ ...record, deploymentId: result.deploymentId });
  tools.log.info('delivery.started', { app: request.appId, deployment: result.deploymentId });
  return { id: result.deploymentId, version: result.version };
}

/** A write whose answer never came may have been carried out, or may yet be. Looking tells; writing the same
 * again is harmless, since Marathon treats an unchanged env as nothing to do. */
async function afterLostReply(
  before: App,
  request: DeliveryRequest,
  tools: DeliveryTools,
): Promise<OurDeployment | 'again'> {
  await tools.wake.wait(tools.limits.pollMs, tools.signal);
  const app = await tools.marathon.app(request.appId, tools.signal);
  if (app.version === before.version || !holdsBundle(app.env[request.variable], request.bundle))
    return 'again';
  const ours = await ourOpenDeployment(app, request, tools);
  tools.log.info('delivery.started', { app: request.appId, deployment: ours?.id, reason: 'reply-lost' });
  return ours ?? { id: undefined, version: app.version };
}

/** Marathon knows no If-Match. Somebody's write between our read and ours shows as a version between the two:
 * ours is then taken back, which restores theirs exactly, and everything starts from there. */
async function nothingBetween(
  beforeVersion: string,
  ours: OurDeployment,
  request: DeliveryRequest,
  tools: DeliveryTools,
): Promise<boolean> {
  const versions = await tools.marathon.versions(request.appId, tools.signal);
  const between = versions.filter((version) => version > beforeVersion && version < ours.version);
  if (between.length === 0) return true;
  tools.log.warn('delivery.undone', {
    app: request.appId,
    deployment: ours.id,
    code: 'DELIVERY_OVERTAKEN',
    reason: `version ${between.join(', ')} came between reading and writing`,
  });
  const undone =
    ours.id === undefined ? 'gone' : await tools.marathon.cancelDeployment(ours.id, tools.signal);
  if (undone === 'gone') await restore(between.sort().at(-1) as string, request, tools);
  return false;
}

/** There is nothing to take back any more, so their environment is written again as they left it. */
async function restore(version: string, request: DeliveryRequest, tools: DeliveryTools): Promise<void> {
  const theirs = await tools.marathon.appVersion(request.appId, version, tools.signal);
  const now = await readUnlocked(request, tools);
  if (now.kind === 'ours') return;
  const result = await tools.marathon.updateEnv(now.app, theirs.env, tools.signal);
  if (result.kind === 'accepted') return;
  throw new CertathonError(
    'DELIVERY_OVERTAKEN',
    `What somebody else wrote to ${request.appId} as version ${version} was overwritten and could not be written again`,
  );
}
