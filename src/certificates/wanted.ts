// pure
import type { RefusedName, WantedNames } from './model.ts';
import { checkName, splitNames } from './names.ts';

/** The most names that one certificate holds in the classic profile of Let's Encrypt. */
export const MOST_NAMES = 100;

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
  const refused: RefusedName[] = [];
  for (const { name, source } of written) {
    if (name.toLowerCase().replace(/\.$/, '') === routingHost) continue;
    const checked = checkName(name);
    if (checked.ok) names.add(checked.name);
    else if (!refused.some((entry) => entry.name === name && entry.source === source)) {
      refused.push({ name, source, reason: checked.reason });
    }
  }
  if (names.size > MOST_NAMES) {
    const reason = `${names.size} names are wanted; one certificate holds ${MOST_NAMES}`;
    return {
      names: [],
      refused: [...refused, { name: `all ${names.size} names`, source: 'all sources', reason }],
    };
  }
  return { names: [...names].sort(), refused };
}
