// pure
import type { ObservedCertificate } from './world.ts';

/** Names that every look asks each balancer for, as long as there are no more. */
const MOST_NAMES = 100;
/** With more, each look asks for some, and the next for others. */
const SAMPLE = 50;
const TURN_MS = 5 * 60_000;
/** What came into the store so lately is asked for first. */
const NEW_MS = 15 * 60_000;

/** The names that balancers are asked for to see what they serve. Pure. Of a stored certificate the names that it
 * covers; before there is one, any wanted name will do. With thousands of names a look would take minutes, so it
 * asks for one name of some certificates: new ones first, then all in turns.
 * @param served the names that the balancers serve */
export function probedNames(
  certificates: readonly ObservedCertificate[],
  served: ReadonlySet<string>,
  now: Date,
): string[] {
  const all = certificates.map((certificate) => namesOf(certificate, served));
  const count = all.reduce((sum, names) => sum + names.length, 0);
  if (count <= MOST_NAMES) return [...new Set(all.flat())];
  const isNew = certificates.map(
    ({ stored }) => stored?.storedAt !== undefined && now.getTime() - stored.storedAt.getTime() < NEW_MS,
  );
  const ones = all.flatMap((names, index) =>
    names[0] === undefined ? [] : [{ name: names[0], isNew: isNew[index] }],
  );
  const fresh = ones.filter((one) => one.isNew).slice(0, SAMPLE / 2);
  const rest = SAMPLE - fresh.length;
  // A prime number of turns: whoever looks at every second or twelfth only comes to all of them, too.
  const turn = Math.floor(now.getTime() / TURN_MS) % primeFrom(Math.ceil(ones.length / rest));
  const turned = Array.from({ length: Math.min(rest, ones.length) }, (_, index) => {
    const at = (turn * rest + index) % ones.length;
    return ones[at]?.name ?? '';
  });
  return [...new Set([...fresh.map(({ name }) => name), ...turned])];
}

/** The least prime number that is neither below this nor below 13, of which a day and an hour have no multiple. */
function primeFrom(least: number): number {
  for (let number = Math.max(13, least); ; number += 1) {
    let divisor = 2;
    while (divisor * divisor <= number && number % divisor !== 0) divisor += 1;
    if (divisor * divisor > number) return number;
  }
}

function namesOf({ names, stored }: ObservedCertificate, served: ReadonlySet<string>): string[] {
  const [only] = names;
  // Of ten thousand certificates nearly all have one name, which is served and covered.
  if (names.length === 1 && only !== undefined && served.has(only) && stored?.names.includes(only) === true)
    return names;
  const here = names.filter((name) => served.has(name));
  if (stored === undefined) return here.slice(0, 1);
  const has = new Set(stored.names);
  const covered = here.filter((name) => has.has(name));
  return covered.length > 0 ? covered : stored.names.slice(0, 1);
}
