import { choiceKey } from '../../src/certificates/choice.ts';
import { expectationsOf } from '../../src/certificates/expected.ts';
import { isPlaceholder } from '../../src/certificates/placeholder.ts';
import { coversAll } from '../../src/certificates/renewal.ts';
import type { StoredEntry } from '../../src/certificates/store-catalogue.ts';
import type { Observation, ObservedCertificate, PassStep } from '../../src/certificates/world.ts';
import { DEFAULT_SLOT } from '../../src/delivery/slot-model.ts';
import { contentMark } from '../../src/delivery/variable.ts';
import { type ClusterWorld, newCertificate, shownFor } from './certificates-world.ts';
import { hold } from './observations.ts';

/** What goes wrong with one step: a kill after the first of its effects, a kill after all but the last, or the
 * failure of a delivery, which is taken back. */
export type Mishap = 'early kill' | 'late kill' | 'fails' | undefined;

type Of<K extends PassStep['do']> = Extract<PassStep, { do: K }>;
/** As the program marks its own. */
const PLACEHOLDER = 'O=Certathon placeholder, CN=not yet issued';
const HELD_MS = 3_600_000;

/** Does what a step says, in the order in which the program writes it down.
 * @returns whether the program lived on */
export function carryOut(step: PassStep, seen: Observation, world: ClusterWorld, mishap: Mishap): boolean {
  switch (step.do) {
    case 'order':
      return ordered(step, certificateOf(step.certificate, seen), world, mishap);
    case 'adopt':
      adopted(step, seen, world);
      return mishap === undefined || mishap === 'fails';
    case 'deliver':
      return delivered(step, world, mishap);
    case 'repair':
    case 'verify':
      restarted(step.target, world);
      if (!areShown(step, seen, world)) held(step.target, world, 'DELIVERY_NOT_SERVED');
      return true;
    case 'assign':
    case 'retire': {
      const { id, key, names, choice, recorded } = certificateOf(step.certificate, seen);
      const goneSince = step.do === 'retire' ? { goneSince: world.now } : {};
      change(id, world, { record: { key, names, choice: recorded?.choice ?? choice, ...goneSince } });
      return true;
    }
    case 'remove':
      for (const { variables } of world.balancerApps.values())
        for (const { fingerprint } of variables.values())
          if (world.store.get(step.certificate)?.issued.includes(fingerprint))
            world.faults.push(`${step.certificate} is removed while it is held`);
      world.store.delete(step.certificate);
      return true;
    case 'wait':
      world.now = step.until;
      return true;
    default:
      throw new Error(`Nothing is known of ${step.do}`);
  }
}

function ordered(
  step: Of<'order'>,
  wanted: ObservedCertificate,
  world: ClusterWorld,
  mishap: Mishap,
): boolean {
  const { id, key, choice, names, recorded } = wanted;
  const record = { key, choice, names };
  const isOtherwise = recorded !== undefined && choiceKey(recorded.choice) !== choiceKey(choice);
  const { issued = [] } = world.store.get(id) ?? {};
  const isAnnounced = world.store.get(id)?.record?.ordered !== undefined;
  if (recorded === undefined || (isAnnounced && !isOtherwise)) change(id, world, { record });
  else if (isOtherwise)
    change(id, world, {
      record: { ...record, choice: recorded.choice, ordered: { choice, after: issued.at(-1) } },
    });
  if (mishap === 'early kill') return false;
  if (step.names.some((name) => world.failing.has(name))) {
    const until = new Date(world.now.getTime() + HELD_MS);
    change(id, world, { hold: hold({ since: world.now, until, reason: `No ${step.names}` }) });
    return true;
  }
  isNews(step, choice, world);
  const found = newCertificate(world, step.names, true);
  world.madeBy.set(found.fingerprint, choiceKey(choice));
  const stored = {
    ...found,
    origin: 'issued' as const,
    storedAt: world.now,
    bytes: 5_000,
    chainBytes: 3_000,
  };
  change(id, world, { stored, issued: [...issued, found.fingerprint], hold: undefined });
  if (mishap === 'late kill') return false;
  if (isOtherwise) change(id, world, { record });
  return true;
}

/** The same set by the same choice is never ordered while there is one that is not due. */
function isNews(
  { certificate, names, reason }: Of<'order'>,
  choice: ObservedCertificate['choice'],
  world: ClusterWorld,
): void {
  if (reason === 'lifetime-share' || reason === 'expired') return;
  for (const { id, stored } of world.store.values()) {
    if (stored === undefined || stored.names.join() !== [...names].sort().join()) continue;
    if (world.madeBy.get(stored.fingerprint) !== choiceKey(choice)) continue;
    world.faults.push(`${names} is ordered for ${certificate} (${reason}) though ${id} has it`);
  }
}

function adopted(
  { certificate, target, fingerprint }: Of<'adopt'>,
  seen: Observation,
  world: ClusterWorld,
): void {
  const { id, key, choice, names, recorded } = certificateOf(certificate, seen);
  if (recorded === undefined) change(id, world, { record: { key, choice, names } });
  const held = [...(world.balancerApps.get(target)?.variables.values() ?? [])];
  const found = held.find((each) => each.fingerprint === fingerprint);
  if (found === undefined) throw new Error(`${fingerprint} is not in ${target}`);
  for (const other of world.store.values())
    if (other.id !== id && other.stored?.fingerprint === fingerprint)
      world.faults.push(`${id} adopts what is ${other.id}'s`);
  const isIssued = world.store.get(id)?.issued.includes(fingerprint) === true;
  change(id, world, {
    stored: { ...found, origin: isIssued ? 'issued' : 'adopted', storedAt: world.now, bytes: 5_000 },
  });
}

function delivered(step: Of<'deliver'>, world: ClusterWorld, mishap: Mishap): boolean {
  const app = world.balancerApps.get(step.target);
  if (app === undefined) throw new Error(`No ${step.target}`);
  const before = new Map(app.variables);
  const places = step.puts.map(({ at }) => at);
  if (new Set(places).size < places.length) world.faults.push(`two certificates are put into ${places}`);
  for (const { certificate, at, replaces, fingerprint } of step.puts) {
    const held = before.get(at);
    const mark = contentMark(held === undefined ? { kind: 'empty' } : { kind: 'certificate', facts: held });
    if (mark !== replaces) world.faults.push(`${at} is not as ${certificate} was planned for`);
    const stored = world.store.get(certificate)?.stored;
    if (stored === undefined || stored.fingerprint !== fingerprint) throw new Error(`No ${certificate}`);
    app.variables.set(at, stored);
  }
  for (const at of step.clears ?? []) if (!places.includes(at)) app.variables.delete(at);
  // What is somebody else's in a numbered one needs a placeholder before it.
  if (app.variables.size > 0 && !app.variables.has(DEFAULT_SLOT)) {
    if (step.puts.length > 0) world.faults.push(`${DEFAULT_SLOT} is empty`);
    const spare = newCertificate(world, ['x.other.test'], false);
    app.variables.set(DEFAULT_SLOT, { ...spare, issuer: PLACEHOLDER, selfSigned: true });
  }
  const ours = new Set([...world.store.values()].flatMap(({ issued }) => issued));
  const now = [...app.variables.values()].flatMap(({ names }) => names);
  for (const [at, facts] of before) {
    if (
      isPlaceholder(facts) ||
      app.variables.get(at) === facts ||
      ours.has(facts.fingerprint) ||
      facts.notAfter <= world.now
    )
      continue;
    if (!coversAll(now, facts.names)) world.faults.push(`${at} of somebody else with ${facts.names} is lost`);
  }
  if (mishap === 'fails') {
    app.variables = before;
    held(step.target, world, 'DELIVERY_STUCK');
    return true;
  }
  restarted(step.target, world);
  return mishap === undefined;
}

function held(target: string, world: ClusterWorld, code: string): void {
  const until = new Date(world.now.getTime() + HELD_MS);
  world.holds.set(target, hold({ since: world.now, until, code, reason: code }));
}

function areShown(
  { target, certificates }: Of<'repair' | 'verify'>,
  seen: Observation,
  world: ClusterWorld,
): boolean {
  const app = world.balancerApps.get(target);
  const served = seen.targets.find(({ id }) => id === target)?.names ?? new Set<string>();
  const current = certificates.flatMap((id) => world.store.get(id)?.stored ?? []);
  return expectationsOf(current, served, seen.certificates).every(({ names, fingerprint }) =>
    names.every((name) => app !== undefined && shownFor(app, name)?.fingerprint === fingerprint),
  );
}

/** Marathon goes on with a deployment also when nobody watches it. */
function restarted(target: string, world: ClusterWorld): void {
  const app = world.balancerApps.get(target);
  if (app !== undefined) app.loaded = new Map(app.variables);
  world.deliveredAt.set(target, world.now);
  world.holds.delete(target);
}

function change(id: string, world: ClusterWorld, part: Partial<StoredEntry>): void {
  const none: StoredEntry = {
    id,
    record: undefined,
    stored: undefined,
    issued: [],
    order: undefined,
    hold: undefined,
  };
  world.store.set(id, { ...(world.store.get(id) ?? none), ...part });
}

function certificateOf(id: string, { certificates }: Observation): ObservedCertificate {
  const found = certificates.find((each) => each.id === id);
  if (found === undefined) throw new Error(`No certificate ${id}`);
  return found;
}
