// pure
import type { CaSettings } from './ca-settings.ts';
import { stagingOf } from './known-cas.ts';

type Values = Readonly<Record<string, unknown>>;
type Sources = Readonly<Record<string, string>>;

/** What is wrong with the options about CAs taken together. Pure. */
export function caProblems(values: Values, sources: Sources): string[] {
  const { acmeEabKid: kid, acmeEabHmacKey: key } = values;
  const problems: string[] = [];
  const isMalformed = key === undefined && sources.acmeEabHmacKey !== undefined;
  if ((kid === undefined) !== (key === undefined) && !isMalformed)
    problems.push(
      kid === undefined
        ? `acmeEabHmacKey (${sources.acmeEabHmacKey}) is set without acmeEabKid`
        : `acmeEabKid (${sources.acmeEabKid}) is set without acmeEabHmacKey`,
    );
  return [...problems, ...strangers(values, sources)];
}

/** Settings for a CA that no option names are a misspelt address, and those of the first one have options. */
function strangers(values: Values, sources: Sources): string[] {
  const settings = (values.caSettings ?? []) as readonly CaSettings[];
  if (settings.length === 0) return [];
  const first = String(values.acmeDirectory);
  const named = [...casIn(values.furtherCas), ...casIn(values.labelCas)];
  const own = [first, ...named, ...settings.flatMap(({ staging }) => staging ?? [])];
  const tests = own.flatMap((each) => stagingOf(each) ?? []);
  const known = new Set([...own, ...tests, String(values.acmeStaging)]);
  return settings.flatMap(({ directoryUrl }) => {
    if (directoryUrl === first)
      return [
        `caSettings (${sources.caSettings}) is about ${directoryUrl}, which acmeDirectory names: that one has options of its own`,
      ];
    return known.has(directoryUrl)
      ? []
      : [
          `caSettings (${sources.caSettings}) is about ${directoryUrl}, which neither furtherCas nor labelCas nor acmeStaging names`,
        ];
  });
}

function casIn(value: unknown): string[] {
  return ((value ?? []) as readonly { directoryUrl: string }[]).map(({ directoryUrl }) => directoryUrl);
}
