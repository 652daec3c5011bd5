import { randomBytes } from 'node:crypto';
import type { Bundle } from '../delivery/bundle.ts';
import type { DeliveryRequest, DeliveryTools } from '../delivery/delivery.ts';
import { type DirectoryTools, deliverByDirectory } from '../delivery/directory.ts';
import { prepareDirectory } from '../delivery/directory-files.ts';
import { deliverByEnvironment } from '../delivery/environment.ts';
import { replaceBalancers } from '../delivery/replace.ts';
import { contentMark } from '../delivery/variable.ts';
import { probeName } from '../delivery/verify.ts';
import { CertathonError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { CertificateObservation, CertificateStep, StoredCertificate, Target } from './model.ts';
import type { ObserveTools } from './observe.ts';
import { readLoaded } from './observe-targets.ts';
import { createPlaceholder } from './placeholder.ts';

/** What deliveries work with; the memory of each target comes from the store. */
export interface DeliverTools extends ObserveTools {
  log: Log;
  fileMode: number;
  delivery: Omit<DeliveryTools, 'memory'>;
  shared: Omit<DirectoryTools, 'memory'>;
}

interface Current {
  stored: StoredCertificate;
  bundle: Bundle;
}

/** Brings the stored bundle to one target and onto every balancer of it, by the strategy of the target. */
export async function deliverTo(
  target: Target,
  step: Extract<CertificateStep, { do: 'deliver' }>,
  seen: CertificateObservation,
  tools: DeliverTools,
): Promise<void> {
  const current = await currentOf(tools);
  if (target.strategy === 'environment') {
    const request = await requestFor(target, current, step, tools);
    await deliverByEnvironment(request, environmentTools(target, tools));
    return;
  }
  const { place, files } = await readLoaded({ names: seen.wanted.names, stored: current.stored }, tools);
  const held = files.find(({ file }) => file === place.holder)?.content ?? ({ kind: 'empty' } as const);
  const mark = contentMark(held);
  if (mark !== step.replaces && mark !== current.stored.fingerprint)
    throw new CertathonError(
      'DELIVERY_OVERTAKEN',
      `${target.place} was changed by somebody else since it was looked at`,
    );
  await deliverByDirectory(
    {
      path: target.id,
      fileMode: tools.fileMode,
      put: [{ file: place.file, bundle: current.bundle }],
      remove: [...place.superfluous, ...place.rivals.filter((file) => step.removes?.includes(file))],
      expected: [expectationOf(target, current)],
    },
    directoryTools(target, tools),
  );
}

/** Waits until balancers that have just started serve what is in place. */
export async function verifyTarget(target: Target, tools: DeliverTools): Promise<void> {
  const request = await requestFor(target, await currentOf(tools), undefined, tools);
  await deliverByEnvironment(request, environmentTools(target, tools));
}

/** Makes balancers that show something else serve what is in place: reloaded from a shared directory, or their
 * task replaced where the environment of a new one has it. */
export async function repairTarget(
  target: Target,
  { removes = [] }: { removes?: string[] | undefined },
  tools: DeliverTools,
): Promise<void> {
  const current = await currentOf(tools);
  if (target.strategy === 'environment') {
    const request = await requestFor(target, current, undefined, tools);
    await restarting(target, tools, () => replaceBalancers(request, environmentTools(target, tools)));
    return;
  }
  const { id: path } = target;
  await deliverByDirectory(
    { path, fileMode: tools.fileMode, put: [], remove: removes, expected: [expectationOf(target, current)] },
    directoryTools(target, tools),
  );
}

/** Makes what a shared directory needs before HAProxy can load it. */
export async function prepareTarget(names: readonly string[], tools: DeliverTools): Promise<void> {
  const { sharedDirectory, fileMode: mode, clock } = tools;
  const now = new Date(clock.nowMs());
  const { pem } = await createPlaceholder(names.length > 0 ? names : ['*'], newSerial(), now);
  await prepareDirectory(sharedDirectory, pem, { mode, now });
}

async function currentOf({ store }: DeliverTools): Promise<Current> {
  const current = await store.current();
  if (current !== undefined) return current;
  throw new CertathonError('STORE_UNUSABLE', 'The stored certificate disappeared before it was delivered');
}

async function requestFor(
  target: Target,
  { stored, bundle }: Current,
  step: { replaces: string } | undefined,
  { variable, clock }: DeliverTools,
): Promise<DeliveryRequest> {
  const isNumbered = variable !== 'HAPROXY_SSL_CERT' && step !== undefined;
  const placeholder = isNumbered
    ? await createPlaceholder(stored.names, newSerial(), new Date(clock.nowMs()))
    : undefined;
  return {
    appId: target.id,
    variable,
    bundle,
    names: namesOf(target, stored),
    replaces: step?.replaces,
    placeholderPem: placeholder?.pem,
    prediction: target.restart,
  };
}

/** Remembers when tasks were replaced, also when it ended badly: the pace counts restarts. */
async function restarting(target: Target, tools: DeliverTools, work: () => Promise<void>): Promise<void> {
  const startedAt = new Date(tools.clock.nowMs());
  try {
    await work();
  } finally {
    if (!tools.signal.aborted) await tools.store.saveDeliveredAt(target.id, startedAt);
  }
}

/** A restart counts for the pace from the moment that Marathon has a deployment for it, however that ends; what
 * was given up before, since the app was locked or overtaken, restarted nobody. */
function environmentTools(target: Target, { delivery, store, clock }: DeliverTools): DeliveryTools {
  const memory = store.deliveryMemory(target.id);
  const saveDelivery: typeof memory.saveDelivery = async (record) => {
    await memory.saveDelivery(record);
    if (record.deploymentId !== undefined) await store.saveDeliveredAt(target.id, new Date(clock.nowMs()));
  };
  return { ...delivery, memory: { ...memory, saveDelivery } };
}

function directoryTools(target: Target, { shared, store }: DeliverTools): DirectoryTools {
  const memory = {
    lastReloadAt: () => store.deliveredAt(target.id),
    saveReloadAt: (at: Date) => store.saveDeliveredAt(target.id, at),
  };
  return { ...shared, memory };
}

function expectationOf(target: Target, { stored }: Current): { names: string[]; fingerprint: string } {
  return { names: namesOf(target, stored), fingerprint: stored.fingerprint };
}

/** What the balancers of a target are asked for: the names of the certificate that they serve. */
function namesOf(target: Target, stored: StoredCertificate): string[] {
  const names = stored.names.filter((name) => target.names.includes(name));
  return (names.length > 0 ? names : stored.names).map(probeName);
}

function newSerial(): string {
  return randomBytes(8).toString('hex');
}
