import { makeBundle } from './bundles.ts';

const DAY_MS = 86_400_000;

/** A certificate that somebody installed before: valid for half a year, from a CA that nobody asks here. */
export function installed(...names: string[]): { variable: string; pem: string; fingerprint: string } {
  const { pem, bundle } = makeBundle({
    names,
    notBefore: new Date(Date.now() - 10 * DAY_MS),
    notAfter: new Date(Date.now() + 180 * DAY_MS),
  });
  return { pem, variable: pem.trimEnd().replaceAll('\n', '\\n'), fingerprint: bundle.facts.fingerprint };
}
