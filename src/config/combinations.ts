// pure
import { caProblems } from './combinations-cas.ts';
import { credentialProblems } from './combinations-marathon.ts';

/** Options that mean something only beside another one: set alone they would be passed over in silence. */
const ONLY_WITH_DIRECTORY = ['directory', 'balancerUrls', 'balancerDns', 'fileMode'];
const ONLY_WITH_SIMULATE = ['lifetime', 'failures', 'certificates', 'seed'];

type Values = Readonly<Record<string, unknown>>;
type Sources = Readonly<Record<string, string>>;

/** What is wrong with options taken together, in sentences like those about single ones. Pure.
 * @param sources where each value that was given came from; `default` counts as not given */
export function combinationProblems(values: Values, sources: Sources): string[] {
  return [
    ...credentialProblems(values, sources),
    ...caProblems(values, sources),
    ...deliveryProblems(values, sources),
    ...simulationProblems(sources),
  ];
}

function deliveryProblems({ delivery, directory }: Values, sources: Sources): string[] {
  if (delivery === 'directory')
    return directory === undefined && sources.directory === undefined
      ? ['directory is not set: delivery by directory needs the directory that the balancers share']
      : [];
  if (delivery !== 'environment') return [];
  return ONLY_WITH_DIRECTORY.filter((name) => isGiven(name, sources)).map(
    (name) => `${name} (${sources[name]}) means nothing without --delivery directory`,
  );
}

function simulationProblems(sources: Sources): string[] {
  if (isGiven('simulate', sources)) return [];
  return ONLY_WITH_SIMULATE.filter((name) => isGiven(name, sources)).map(
    (name) => `${name} (${sources[name]}) means nothing without --simulate`,
  );
}

function isGiven(name: string, sources: Sources): boolean {
  return ![undefined, 'default'].includes(sources[name]);
}
