// pure
import type { CommandName } from './option.ts';

/** What a command can not do without, and how one gives it. */
const NEEDED: Partial<Record<CommandName, Readonly<Record<string, string>>>> = {
  'rollout start': { app: 'name the JSON file of the app, as in `certathon rollout start shop.json`' },
  zdd: {
    marathonUrl: 'give the address of Marathon by --marathon (-m)',
    marathonLb: 'give the address of the balancers, port 9090, by --marathon-lb (-l)',
    app: 'give the JSON file of the app by --json (-j)',
  },
};

/** Pairs of which one must be left out. */
const CONTRADICTIONS = [
  ['complete', 'completePrev', 'one lets the new colour serve alone, the other the old one'],
  ['resume', 'completePrev', 'one goes on to the new colour, the other back to the old one'],
  ['newInstances', 'complete', 'one begins a split, the other ends it'],
  ['newInstances', 'completePrev', 'one begins a split, the other ends it'],
] as const;

/** What is missing for a command about rollouts, and what contradicts itself, in sentences. Pure.
 * @param values by key of the configuration
 * @param sources where each value that was given came from; `default` counts as not given */
export function rolloutProblems(
  values: Readonly<Record<string, unknown>>,
  sources: Readonly<Record<string, string>>,
  command: CommandName | undefined,
): string[] {
  const isGiven = (name: string) => ![undefined, 'default'].includes(sources[name]);
  const needed = command === undefined ? {} : (NEEDED[command] ?? {});
  const missing = Object.entries(needed)
    .filter(([name]) => !isGiven(name))
    .map(([name, how]) => `${name} is not set: ${how}`);
  const isMeant = (name: string) => Boolean(values[name]);
  const contradictions = CONTRADICTIONS.filter(([one, other]) => isMeant(one) && isMeant(other)).map(
    ([one, other, why]) =>
      `${one} (${sources[one]}) and ${other} (${sources[other]}) contradict each other: ${why}`,
  );
  return [...missing, ...contradictions];
}
