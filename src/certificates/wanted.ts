// pure
import { printable } from '../lib/printable.ts';
import type { RefusedName, WantedNames } from './model.ts';
import { checkName, splitNames } from './names.ts';

/** The most names that one certificate holds in the classic profile of Let's Encrypt. */
export const MOST_NAMES = 100;

/** Refused names shown one by one; a label may hold any number of them. */
const MOST_REFUSED = 100;

export interface NameSources {
  /** `--domains`, as written. */
  configured: readonly string[];
  /** The HAPROXY_0_VHOST label of our own app, as written; a list there is letsencrypt-dcos's way. */
  label: { text: string; app: string } | undefined;
  /** The name that only routes challenges to us; it is never wanted. */
  routingHost: string;
}

/** Which names want a certificate, and which were refused and why. Pure.
 * One bad name never stops the others. More than 100 names are refused together, since leaving some out by
 * chance would be worse than saying so. */
export function wantedNames(sources: NameSources): WantedNames {
  const label = sources.label;
  const written = [
    ...sources.configured.map((name) => ({ name, source: 'domains' })),
    ...splitNames(label?.text ?? '').map((name) => ({
      name,
      source: `label HAPROXY_0_VHOST of ${label?.app}`,
    })),
  ];
  const routingHost = sources.routingHost.toLowerCase();
  const names = new Set<string>();
  const refused = new Map<string, RefusedName>();
  for (const { name, source } of written) {
    if (name.toLowerCase().replace(/\.$/, '') === routingHost) continue;
    const checked = checkName(name);
    if (checked.ok) names.add(checked.name);
    else {
      const entry = { name: printable(name, 100), source, reason: checked.reason };
      refused.set(`${source} ${entry.name}`, entry);
    }
  }
  if (names.size > MOST_NAMES) {
    const reason = `${names.size} names are wanted; one certificate holds ${MOST_NAMES}`;
    return {
      names: [],
      refused: [...bounded(refused), { name: `all ${names.size} names`, source: 'all sources', reason }],
    };
  }
  return { names: [...names].sort(), refused: bounded(refused) };
}

function bounded(refused: Map<string, RefusedName>): RefusedName[] {
  const all = [...refused.values()];
  const rest = all.length - MOST_REFUSED;
  if (rest <= 0) return all;
  return [
    ...all.slice(0, MOST_REFUSED),
    { name: `${rest} further names`, source: 'all sources', reason: 'they are refused as well' },
  ];
}
