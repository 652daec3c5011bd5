import { join } from 'node:path';
import { placesIn } from '../delivery/directory-layout.ts';
import { scanDirectory } from '../delivery/directory-scan.ts';
import type { AppsThere } from '../marathon/apps-there.ts';
import { type DirectoryFile, type DirectoryIndex, fileOf, inDirectory, indexOf } from './in-directory.ts';
import { lookAtBalancers } from './look.ts';
import { certificateState, isDelivered, type Known, type TargetTools } from './observe-targets.ts';
import { isPlaceholder } from './placeholder.ts';
import { probedNames } from './probe.ts';
import type { CertificatePlace, ObservedCertificate, ObservedTarget } from './world.ts';

/** The directory that all balancers load, as it is now. */
export async function directoryTarget(
  known: Known,
  read: AppsThere | undefined,
  tools: TargetTools,
): Promise<ObservedTarget> {
  const { sharedDirectory: path, stores } = tools;
  const served = new Set(known.names);
  const here = known.certificates.filter((each) => isDelivered(each, known.now) && each.names.length > 0);
  for (const { names } of here) for (const name of names) served.add(name);
  // Balancers answer while the files are looked at.
  const look = async () => {
    const { balancers, problems } = await tools.findBalancers(tools.signal, read);
    return {
      balancers: await lookAtBalancers(balancers, probedNames(here, served, known.now), tools),
      problems,
    };
  };
  const [{ balancers, problems }, { files, missing }, deliveredAt, hold] = await Promise.all([
    look(),
    loadedFiles(known, tools),
    stores.targets.deliveredAt(path),
    stores.targets.hold(path),
  ]);
  const index = indexOf(files);
  const { certs } = placesIn(path);
  const places = new Map(here.map((each) => [each.id, placeFor(each, index, known, certs)]));
  return {
    id: path,
    strategy: 'directory',
    names: served,
    places,
    holds: heldBy(files, known),
    refused: new Map(),
    marks: new Map(),
    clears: clearsIn(files, places, index, known),
    balancers,
    unknownBalancers: problems,
    deployments: [],
    missing,
    restart: undefined,
    deliveredAt,
    hold,
  };
}

/** The certificates of which a version is among the files. */
function heldBy(files: readonly DirectoryFile[], { owners }: Known): ReadonlySet<string> {
  const held = new Set<string>();
  for (const { content } of files) {
    const owner = content.kind === 'certificate' ? owners.ownerOf(content.facts.fingerprint) : undefined;
    if (owner !== undefined) held.add(owner);
  }
  return held;
}

/** The files that HAProxy loads. Also read again right before a delivery. */
export async function loadedFiles(
  { owners }: Pick<Known, 'owners'>,
  { sharedDirectory, files: memory }: Pick<TargetTools, 'sharedDirectory' | 'files'>,
): Promise<{ files: DirectoryFile[]; missing: string[] }> {
  await memory.load(owners.factsOf);
  return scanDirectory(sharedDirectory, memory, owners.isIssued);
}

/** The place of one certificate among the files. */
export function filesFor(
  { id, names, stored }: Pick<ObservedCertificate, 'id' | 'names' | 'stored'>,
  index: DirectoryIndex,
  { owners }: Pick<Known, 'owners'>,
) {
  const isOthers = (fingerprint: string): boolean => {
    const owner = owners.currentOf(fingerprint);
    return owner !== undefined && owner !== id;
  };
  return inDirectory(index, names, stored?.fingerprint, { file: fileOf(id), isOthers });
}

const NONE: readonly never[] = [];

function placeFor(
  certificate: ObservedCertificate,
  index: DirectoryIndex,
  known: Known,
  certs: string,
): CertificatePlace {
  const { file, holder, superfluous, rivals } = filesFor(certificate, index, known);
  const held = index.byFile.get(holder)?.content ?? ({ kind: 'empty' } as const);
  return {
    at: file,
    // Not join(): for ten thousand of them it costs more than the rest of this.
    place: `${certs}/${holder}`,
    state: held.kind === 'certificate' ? certificateState(held.facts, known.owners) : held,
    // A bundle that stands in a file of another name is what is delivered, until the next one comes.
    superfluous: superfluous.length === 0 ? NONE : superfluous.filter((name) => name !== holder),
    rivals:
      rivals.length === 0
        ? NONE
        : rivals.flatMap((name) => {
            const rival = index.byFile.get(name)?.content;
            return rival?.kind === 'certificate' ? [{ place: join(certs, name), facts: rival.facts }] : [];
          }),
  };
}

/** Files of certificates that nobody needs any more. Pure. One whose names others cover goes when theirs are there. */
export function clearsIn(
  files: readonly DirectoryFile[],
  places: ReadonlyMap<string, CertificatePlace>,
  { byName }: DirectoryIndex,
  { owners, certificates }: Known,
): string[] {
  const byId = new Map(certificates.map((each) => [each.id, each]));
  return files.flatMap(({ file, content }) => {
    if (content.kind !== 'certificate' || isPlaceholder(content.facts)) return [];
    const { fingerprint, names } = content.facts;
    const owner = owners.ownerOf(fingerprint);
    if (owner === undefined || places.has(owner)) return [];
    const isReplaced = byId.get(owner)?.life === 'replaced';
    const isCovered = names.every((name) =>
      byName.get(name)?.some((other) => places.has(owners.currentOf(other.facts.fingerprint) ?? '')),
    );
    return isReplaced && !isCovered ? [] : [file];
  });
}
