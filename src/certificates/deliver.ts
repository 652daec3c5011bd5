import { randomBytes } from 'node:crypto';
import type { Bundle } from '../delivery/bundle.ts';
import type { DeliveryRequest, DeliveryTools, Expectation, VariablePut } from '../delivery/delivery.ts';
import { type DirectoryTools, deliverByDirectory } from '../delivery/directory.ts';
import { prepareDirectory } from '../delivery/directory-files.ts';
import { deliverByEnvironment } from '../delivery/environment.ts';
import { replaceBalancers } from '../delivery/replace.ts';
import { DEFAULT_SLOT } from '../delivery/slot-model.ts';
import { CertathonError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { expectationsOf } from './expected.ts';
import { filesToPut } from './files-to-put.ts';
import type { StoredCertificate } from './model.ts';
import type { ObserveTools } from './observe.ts';
import { createPlaceholder } from './placeholder.ts';
import type { Observation, ObservedTarget, PassStep } from './world.ts';

/** What deliveries work with; the memory of each target comes from the store. */
export interface DeliverTools extends ObserveTools {
  log: Log;
  fileMode: number;
  delivery: Omit<DeliveryTools, 'memory'>;
  shared: Omit<DirectoryTools, 'memory'>;
}

interface Current {
  id: string;
  stored: StoredCertificate;
  bundle: Bundle;
}
type Deliver = Extract<PassStep, { do: 'deliver' }>;

/** Brings stored bundles to one target and onto every balancer of it, by the strategy of the target: all in one
 * write, with one deployment or one reload. */
export async function deliverTo(
  target: ObservedTarget,
  step: Deliver,
  seen: Observation,
  tools: DeliverTools,
): Promise<void> {
  const current = await currentsOf(
    step.puts.map(({ certificate }) => certificate),
    tools,
  );
  if (target.strategy === 'environment') {
    const put = step.puts.map((each): VariablePut => {
      const { bundle } = current.get(each.certificate) as Current;
      return { variable: each.at, bundle, replaces: each.replaces };
    });
    const clear = (step.clears ?? []).map((variable) => ({
      variable,
      replaces: target.marks.get(variable) ?? '',
    }));
    const request = await requestFor(target, put, clear, [...current.values()], seen, tools);
    await deliverByEnvironment(request, environmentTools(target, tools));
    return;
  }
  const files = await filesToPut(step.puts, current, seen, target, tools);
  await deliverByDirectory(
    {
      path: target.id,
      fileMode: tools.fileMode,
      put: files.put,
      remove: [...files.remove, ...(step.clears ?? [])],
      expected: expectedOf(target, [...current.values()], seen),
    },
    directoryTools(target, tools),
  );
}

/** Waits until balancers that have just started serve what is in place. */
export async function verifyTarget(
  target: ObservedTarget,
  { certificates }: { certificates: readonly string[] },
  seen: Observation,
  tools: DeliverTools,
): Promise<void> {
  const current = [...(await currentsOf(certificates, tools)).values()];
  const request = await requestFor(target, inPlace(target, current), [], current, seen, tools);
  await deliverByEnvironment(request, environmentTools(target, tools));
}

/** Makes balancers that show something else serve what is in place: reloaded from a shared directory, or their
 * task replaced where the environment of a new one has it. */
export async function repairTarget(
  target: ObservedTarget,
  { certificates, removes = [] }: { certificates: readonly string[]; removes?: string[] | undefined },
  seen: Observation,
  tools: DeliverTools,
): Promise<void> {
  const current = [...(await currentsOf(certificates, tools)).values()];
  if (target.strategy === 'environment') {
    const request = await requestFor(target, inPlace(target, current), [], current, seen, tools);
    await restarting(target, tools, () => replaceBalancers(request, environmentTools(target, tools)));
    return;
  }
  const expected = expectedOf(target, current, seen);
  await deliverByDirectory(
    { path: target.id, fileMode: tools.fileMode, put: [], remove: removes, expected },
    directoryTools(target, tools),
  );
}

/** Makes what a shared directory needs before HAProxy can load it. */
export async function prepareTarget(names: readonly string[], tools: DeliverTools): Promise<void> {
  const { sharedDirectory, fileMode: mode, clock } = tools;
  const now = new Date(clock.nowMs());
  const some = names.slice(0, MOST_PLACEHOLDER_NAMES);
  const { pem } = await createPlaceholder(some.length > 0 ? some : ['*'], newSerial(), now);
  await prepareDirectory(sharedDirectory, pem, { mode, now });
}

/** A placeholder for a thousand names would be larger than what it stands for. */
const MOST_PLACEHOLDER_NAMES = 20;

/** @throws DELIVERY_OVERTAKEN when one is not there any more, or damaged: the next plan is made without it */
async function currentsOf(
  ids: readonly string[],
  { stores, clock }: DeliverTools,
): Promise<Map<string, Current>> {
  const found = new Map<string, Current>();
  for (const id of ids) {
    const store = stores.of(id);
    const current = await store.current();
    if (current === undefined) {
      await store.doubt(new Date(clock.nowMs()));
      throw new CertathonError(
        'DELIVERY_OVERTAKEN',
        `The stored certificate ${id} disappeared before it was delivered`,
      );
    }
    found.set(id, { id, ...current });
  }
  return found;
}

function inPlace(target: ObservedTarget, current: readonly Current[]): VariablePut[] {
  return current.flatMap(({ id, bundle }) => {
    const place = target.places.get(id);
    return place === undefined ? [] : [{ variable: place.at, bundle, replaces: undefined }];
  });
}

async function requestFor(
  target: ObservedTarget,
  put: readonly VariablePut[],
  clear: DeliveryRequest['clear'],
  current: readonly Current[],
  seen: Observation,
  { variableLimits, clock }: DeliverTools,
): Promise<DeliveryRequest> {
  // A key for it costs a tenth of a second, so it is made only where HAPROXY_SSL_CERT would be empty.
  const isCleared = clear.some(({ variable }) => variable === DEFAULT_SLOT);
  const isLeftEmpty =
    !put.some(({ variable }) => variable === DEFAULT_SLOT) &&
    ((target.marks.get(DEFAULT_SLOT) ?? 'empty') === 'empty' || isCleared);
  const isNeeded = isLeftEmpty && (isCleared || put.some(({ replaces }) => replaces !== undefined));
  const names = [...current.flatMap(({ stored }) => stored.names), ...target.names];
  const some = names.slice(0, MOST_PLACEHOLDER_NAMES);
  const placeholder = isNeeded
    ? await createPlaceholder(some, newSerial(), new Date(clock.nowMs()))
    : undefined;
  return {
    appId: target.id,
    put,
    clear,
    expected: expectedOf(target, current, seen),
    placeholderPem: placeholder?.pem,
    limits: variableLimits,
    prediction: target.restart,
  };
}

function expectedOf(
  target: ObservedTarget,
  current: readonly Current[],
  { certificates }: Observation,
): Expectation[] {
  return expectationsOf(
    current.map(({ stored }) => stored),
    target.names,
    certificates,
  );
}

/** Remembers when tasks were replaced, also when it ended badly: the pace counts restarts. */
async function restarting(
  { id }: ObservedTarget,
  { clock, signal, stores }: DeliverTools,
  work: () => Promise<void>,
): Promise<void> {
  const startedAt = new Date(clock.nowMs());
  try {
    await work();
  } finally {
    if (!signal.aborted) await stores.targets.saveDeliveredAt(id, startedAt);
  }
}

/** A restart counts for the pace from the moment that Marathon has a deployment for it, however that ends; what
 * was given up before, since the app was locked or overtaken, restarted nobody. */
function environmentTools({ id }: ObservedTarget, { delivery, stores, clock }: DeliverTools): DeliveryTools {
  const memory = stores.targets.deliveryMemory(id);
  const saveDelivery: typeof memory.saveDelivery = async (record) => {
    await memory.saveDelivery(record);
    if (record.deploymentId !== undefined) await stores.targets.saveDeliveredAt(id, new Date(clock.nowMs()));
  };
  return { ...delivery, memory: { ...memory, saveDelivery } };
}

function directoryTools(
  { id }: ObservedTarget,
  { shared, stores: { targets } }: DeliverTools,
): DirectoryTools {
  const memory = {
    lastReloadAt: () => targets.deliveredAt(id),
    saveReloadAt: (at: Date) => targets.saveDeliveredAt(id, at),
  };
  return { ...shared, memory };
}

function newSerial(): string {
  return randomBytes(8).toString('hex');
}
