// pure
import { isPortEnabled, isPortTaken, type LabelledApp, labelOf } from '../haproxy/groups.ts';
import { type AllowedChoices, type PortOptions, portOptions } from './label-choice.ts';
import type { CertificateChoice, RefusedName } from './model.ts';
import { splitNames } from './names.ts';

/** Bounds on what one app may make this look at. */
const [MOST_LABELS, MOST_ITEMS] = [200, 1_000];
/** A label that carries names, with the index of its port; marathon-lb knows no leading zeros. */
const ASKING = /^(?:(?:CERTATHON|MARATHON_ACME)_(0|[1-9]\d{0,2})_DOMAIN|HAPROXY_(0|[1-9]\d{0,2})_VHOST)$/;
/** An owner is written to the store, to plans and to logs. */
const OWNER = /^[\x21-\x7e]{1,250}$/;
/** The owner of what our own lists and labels ask for; apps begin with a slash. */
export const OWN = 'own';

/** The names of one label, as written. */
export interface LabelAsk {
  app: string;
  /** `own`, or the deployment group of the app: both colours of a pair are one owner. */
  owner: string;
  label: string;
  names: string[];
  choice: CertificateChoice;
}

export interface LabelNames {
  asks: LabelAsk[];
  /** Labels that are not followed. */
  refused: RefusedName[];
}

export interface LabelSources {
  apps: readonly LabelledApp[];
  /** The groups of apps whose names are looked after. */
  groups: readonly string[] | 'all';
  /** Whether every HAPROXY_{n}_VHOST asks, too. */
  vhosts: boolean;
  /** Whether only the first name of each MARATHON_ACME_{n}_DOMAIN label asks, as marathon-acme has it. */
  firstNameOnly?: boolean | undefined;
  ownAppId: string | undefined;
  allowed: AllowedChoices;
}

/** What the labels of apps ask for, app by app and port by port. Pure.
 *
 * `CERTATHON_{n}_DOMAIN` and `MARATHON_ACME_{n}_DOMAIN` ask, with commas or white space between names; so does
 * `HAPROXY_{n}_VHOST` where that is wanted and the port is switched on, except on our own app, which names what
 * is challenged there. A port that is in none of the groups asks for nothing, nor does one with
 * `CERTATHON_{n}_ENABLED=false`. Labels count also beyond the ports that Marathon tells of.
 * @source marathon-lb config.py (HAPROXY_{n}_GROUP before HAPROXY_GROUP), marathon-acme's labels */
export function namesFromLabels(sources: LabelSources): LabelNames {
  const { apps, groups, vhosts, firstNameOnly, ownAppId, allowed } = sources;
  const found: LabelNames = { asks: [], refused: [] };
  for (const app of apps) {
    const asking = askingLabels(app, vhosts && app.id !== ownAppId);
    if (asking.length === 0) continue;
    const owner = app.id === ownAppId ? OWN : ownerOf(app);
    const options = new Map<number, PortOptions>();
    for (const { index, label } of asking.slice(0, MOST_LABELS)) {
      if (!isPortTaken(groups, app, index)) continue;
      if (label.startsWith('HAPROXY_') && !isPortEnabled(app, index)) continue;
      let port = options.get(index);
      if (port === undefined) {
        port = portOptions(app, index, allowed);
        options.set(index, port);
        found.refused.push(...port.refused);
      }
      if (!port.isEnabled) continue;
      const written = splitNames(labelOf(app, label) ?? '');
      const names = firstNameOnly && label.startsWith('MARATHON_ACME_') ? written.slice(0, 1) : written;
      const source = `label ${label} of ${app.id}`;
      if (names.length > MOST_ITEMS)
        found.refused.push(beyond(names.length - MOST_ITEMS, 'names', source, MOST_ITEMS));
      found.asks.push({ app: app.id, owner, label, names: names.slice(0, MOST_ITEMS), choice: port.choice });
    }
    if (asking.length > MOST_LABELS)
      found.refused.push(beyond(asking.length - MOST_LABELS, 'labels', `labels of ${app.id}`, MOST_LABELS));
  }
  return found;
}

/** The labels that carry names, by port and then by name. */
function askingLabels({ labels }: LabelledApp, vhosts: boolean): { index: number; label: string }[] {
  const found: { index: number; label: string }[] = [];
  for (const label in labels) {
    // Nearly all labels end here; a pattern for each would be most of the time.
    if (!label.endsWith('_DOMAIN') && !(vhosts && label.endsWith('_VHOST'))) continue;
    const match = ASKING.exec(label);
    if (match !== null) found.push({ index: Number(match[1] ?? match[2]), label });
  }
  return found.sort((left, right) => left.index - right.index || (left.label < right.label ? -1 : 1));
}

/** As marathon-lb reads a deployment group: a slash is put in front when it is missing. */
function ownerOf(app: LabelledApp): string {
  const named = [labelOf(app, 'HAPROXY_DEPLOYMENT_GROUP'), labelOf(app, 'HAPROXY_APP_ID')];
  const group = named.find((text) => text !== undefined && OWNER.test(text));
  if (group === undefined) return app.id;
  return group.startsWith('/') ? group : `/${group}`;
}

function beyond(count: number, what: string, source: string, most: number): RefusedName {
  return { name: `${count} further ${what}`, source, reason: `no more than ${most} are read there` };
}
