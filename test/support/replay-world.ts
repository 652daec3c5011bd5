import { join } from 'node:path';
import { type DirectoryFile, inDirectory, indexOf } from '../../src/certificates/in-directory.ts';
import type {
  CertificateObservation,
  CertificateStep,
  Hold,
  ObservedBalancer,
  PlaceState,
  StoredCertificate,
  Target,
} from '../../src/certificates/model.ts';
import type { CertificateFacts } from '../../src/delivery/bundle.ts';
import { balancer, facts, hold, observation, servedFacts, target, wanted } from './observations.ts';

/** A world of several targets in which the steps of a plan have their effects, and time goes on. */
export interface World {
  now: Date;
  names: string[];
  stored: StoredCertificate | undefined;
  /** Fingerprints that the store remembers as issued. */
  issued: Set<string>;
  order: { names: string[]; url: string } | undefined;
  made: number;
  apps: WorldApp[];
  directories: WorldDirectory[];
  deliveredAt: Map<string, Date>;
  holds: Map<string, Hold>;
  /** What was written over or taken out, and where it stood. */
  lost: { place: string; state: PlaceState }[];
}

export interface WorldApp {
  id: string;
  variable: PlaceState;
  /** What its one balancer shows. */
  shows: string;
}

export interface WorldDirectory {
  id: string;
  isPrepared: boolean;
  files: Record<string, CertificateFacts | 'torn'>;
  /** What its one balancer has loaded. */
  loaded: Record<string, CertificateFacts | 'torn'>;
}

const LIFE_MS = 90 * 86_400_000;
const HELD_MS = 12 * 3_600_000;
export const fingerprintOf = (count: number) => count.toString(16).padStart(64, '0');

export function observe(world: World): CertificateObservation {
  const targets = [
    ...world.apps.map((app) => appTarget(app, world)),
    ...world.directories.map((directory) => directoryTarget(directory, world)),
  ];
  const { now, names, stored, order } = world;
  return observation({ now, wanted: wanted(names), stored, order, targets });
}

function appTarget({ id, variable, shows }: WorldApp, world: World): Target {
  return target({
    ...known(id, world),
    place: `HAPROXY_SSL_CERT of ${id}`,
    state: variable,
    balancers: [balancer(`${id}.1`, shows)],
  });
}

function directoryTarget(directory: WorldDirectory, world: World): Target {
  const { id, isPrepared, files } = directory;
  const { place, read } = placeIn(directory, world);
  const held = read.find(({ file }) => file === place.holder)?.content;
  return target({
    ...known(id, world),
    strategy: 'directory',
    place: join(id, 'certs', place.holder),
    state:
      held === undefined
        ? { kind: 'empty' }
        : held.kind === 'certificate'
          ? { ...held, placeholder: false }
          : held,
    balancers: [shownBy(directory, world)],
    missing: isPrepared ? [] : ['staging/'],
    superfluous: place.superfluous.filter((file) => file !== place.holder),
    rivals: place.rivals.flatMap((file) => {
      const found = files[file];
      return found === undefined || found === 'torn'
        ? []
        : [{ place: join(id, 'certs', file), facts: found }];
    }),
  });
}

function known(id: string, { names, deliveredAt, holds }: World): Partial<Target> {
  return { id, names, deliveredAt: deliveredAt.get(id), hold: holds.get(id) };
}

function placeIn({ files }: WorldDirectory, { names, stored, issued }: World) {
  const read = Object.keys(files)
    .sort()
    .map((file) => ({ file, content: contentOf(files[file], issued) }));
  return { read, place: inDirectory(indexOf(read), names, stored?.fingerprint) };
}

function contentOf(
  found: CertificateFacts | 'torn' | undefined,
  issued: Set<string>,
): DirectoryFile['content'] {
  if (found === undefined) return { kind: 'empty' };
  if (found === 'torn') return { kind: 'unreadable', problem: 'it is torn off' };
  return { kind: 'certificate', facts: found, ours: issued.has(found.fingerprint) };
}

/** HAProxy shows the first file that has the name. */
function shownBy({ id, loaded }: WorldDirectory, { names, stored }: World): ObservedBalancer {
  const covered = names.filter((name) => stored?.names.includes(name));
  const asked = covered.length > 0 ? covered : (stored?.names ?? names).slice(0, 1);
  const shown = asked.map((name) => {
    const files = Object.keys(loaded).sort();
    const file = files.find(
      (each) => loaded[each] !== 'torn' && (loaded[each] as CertificateFacts).names.includes(name),
    );
    return {
      name,
      fingerprint: file === undefined ? fingerprintOf(0) : (loaded[file] as CertificateFacts).fingerprint,
    };
  });
  const first = shown[0]?.fingerprint ?? fingerprintOf(0);
  const others = shown.filter(({ fingerprint }) => fingerprint !== first);
  return {
    ...balancer(`${id}.1`, first),
    others: others.map(({ name, fingerprint }) => ({ name, served: servedFacts(fingerprint) })),
  };
}

/** Does what the step says; a crash leaves out what comes after the first of its effects.
 * @returns whether it went well */
export function apply(step: CertificateStep, world: World, crashes: boolean): boolean {
  if (step.do === 'wait') {
    if (!crashes) world.now = step.until;
    return true;
  }
  if (step.do === 'restore') throw new Error('This world keeps no earlier versions');
  if (step.do === 'order') return obtain(step.names, world, crashes);
  if (step.do === 'adopt') {
    const { state } = observe(world).targets.find(({ id }) => id === step.target) as Target;
    if (state.kind === 'certificate' && !crashes)
      world.stored = { ...state.facts, origin: state.ours ? 'issued' : 'adopted', storedAt: world.now };
    return true;
  }
  const app = world.apps.find(({ id }) => id === step.target);
  const isWell = app === undefined ? inFiles(step, world, crashes) : inVariable(step, app, world, crashes);
  if (isWell || crashes) world.holds.delete(step.target);
  else {
    const until = new Date(world.now.getTime() + HELD_MS);
    world.holds.set(step.target, hold({ since: world.now, until, code: 'DELIVERY_NOT_SERVED' }));
  }
  return isWell;
}

/** Cut short, the order is known and goes on with the next try: it never becomes a second certificate. */
function obtain(names: string[], world: World, crashes: boolean): boolean {
  world.order = { names, url: 'https://acme.example/order/1' };
  if (crashes) return true;
  world.made += 1;
  const fingerprint = fingerprintOf(0xf000 + world.made);
  world.issued.add(fingerprint);
  const notAfter = new Date(world.now.getTime() + LIFE_MS);
  world.stored = {
    ...facts({ names, fingerprint, notBefore: world.now, notAfter }),
    origin: 'issued',
    storedAt: world.now,
  };
  world.order = undefined;
  return true;
}

function inVariable(step: CertificateStep, app: WorldApp, world: World, crashes: boolean): boolean {
  const { fingerprint, names, notBefore, notAfter, selfSigned, issuer } = world.stored as StoredCertificate;
  if (step.do === 'deliver') {
    world.lost.push({ place: app.id, state: app.variable });
    const found = { fingerprint, names, notBefore, notAfter, selfSigned, issuer };
    app.variable = {
      kind: 'certificate',
      facts: found,
      ours: world.issued.has(fingerprint),
      placeholder: false,
    };
  }
  if (crashes) return true;
  if (step.do !== 'verify') world.deliveredAt.set(app.id, world.now);
  app.shows = fingerprint;
  return true;
}

/** Changes files as a delivery does, and has the balancer read them: all or, where one is torn, none. */
function inFiles(step: CertificateStep, world: World, crashes: boolean): boolean {
  const directory = world.directories.find(
    ({ id }) => 'target' in step && id === step.target,
  ) as WorldDirectory;
  if (step.do === 'prepare') {
    directory.isPrepared = !crashes;
    return true;
  }
  const { place, read } = placeIn(directory, world);
  const gone: string[] = 'removes' in step ? [...(step.removes ?? [])] : [];
  if (step.do === 'deliver') {
    gone.push(...place.superfluous);
    if (directory.files[place.file] !== undefined) gone.push(place.file);
  }
  for (const file of new Set(gone)) {
    const state = read.find((each) => each.file === file)?.content;
    if (state !== undefined)
      world.lost.push({
        place: join(directory.id, file),
        state: state.kind === 'certificate' ? { ...state, placeholder: false } : state,
      });
    delete directory.files[file];
  }
  if (step.do === 'deliver') directory.files[place.file] = world.stored as StoredCertificate;
  if (crashes) return true;
  const isLoadable = !Object.values(directory.files).includes('torn');
  if (isLoadable) directory.loaded = { ...directory.files };
  const { served, others } = shownBy(directory, world);
  return 'fingerprint' in served && served.fingerprint === world.stored?.fingerprint && others.length === 0;
}
