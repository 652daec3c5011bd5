// pure
import { printable } from '../lib/printable.ts';
import { choiceKey } from './choice.ts';
import { type LabelAsk, type LabelNames, OWN } from './label-names.ts';
import type { CertificateChoice, RefusedName, Want, WantedNames } from './model.ts';
import { checkName, splitNames } from './names.ts';

/** Refused names shown one by one; a label may hold any number of them. */
const MOST_REFUSED = 100;

export interface NameSources {
  /** `--domains`, as written. */
  configured: readonly string[];
  /** The HAPROXY_0_VHOST label of our own app, as written; a list there is letsencrypt-dcos's way. */
  label: { text: string; app: string; choice?: CertificateChoice } | undefined;
  /** The name that only routes challenges to us; it is never wanted. */
  routingHost: string;
  /** What labels of apps ask for (label-names.ts). */
  labels: LabelNames;
  /** Domains that labels of other apps are bound to, each with all that is below it; [] is any. */
  allowedDomains: readonly string[];
  /** How many names another app may ask for. */
  mostPerApp: number;
}

/** One owner's wish for one name; our own lists make no choice. */
interface Wish {
  owner: string;
  /** Where it is written, for the report. */
  source: string;
  choice: CertificateChoice | undefined;
}

/** Which names want a certificate, who wants them and how, and what was refused and why. Pure.
 *
 * One bad name never stops the others. Names by labels of other apps are bounded: to the allowed domains, and to
 * a number for each app, the first ones by name. Where owners choose differently for one name, we and then the
 * first by name are followed, and the others are told. */
export function wantedNames(sources: NameSources): WantedNames {
  const wishes = new Map<string, Wish[]>();
  const refused = new Map<string, RefusedName>();
  const refuse = (entry: RefusedName) => refused.set(`${entry.source} ${entry.name}`, entry);
  const routingHost = sources.routingHost.toLowerCase();
  const check = (written: string, source: string): string | undefined => {
    if (written.toLowerCase().replace(/\.$/, '') === routingHost) return undefined;
    const checked = checkName(written);
    if (checked.ok) return checked.name;
    refuse({ name: printable(written, 100), source, reason: checked.reason });
    return undefined;
  };

  const label = sources.label;
  for (const { written, source, choice } of [
    ...sources.configured.map((written) => ({ written, source: 'domains', choice: undefined })),
    ...splitNames(label?.text ?? '').map((written) => ({
      written,
      source: `label HAPROXY_0_VHOST of ${label?.app}`,
      choice: label?.choice,
    })),
  ]) {
    const name = check(written, source);
    if (name !== undefined) add(wishes, name, { owner: OWN, source, choice });
  }
  for (const entry of sources.labels.refused) refuse(entry);
  const isAllowed = allowance(sources.allowedDomains);
  for (const [app, asks] of asksByApp(sources.labels.asks)) {
    const [ask] = asks;
    // Of thousands of apps nearly all have one label that asks for less than may be asked for.
    if (asks.length === 1 && ask !== undefined && ask.names.length <= sources.mostPerApp) {
      collect(ask, wishes);
      continue;
    }
    const found = new Map<string, Wish[]>();
    for (const each of asks) collect(each, found);
    const sorted = [...found.keys()].sort();
    const taken = asks[0]?.owner === OWN ? sorted : sorted.slice(0, sources.mostPerApp);
    for (const name of taken) for (const one of found.get(name) ?? []) add(wishes, name, one);
    if (taken.length < sorted.length) refuse(excess(app, sorted.slice(taken.length), sources.mostPerApp));
  }
  const names = [...wishes.keys()].sort();
  const wants = names.map((name) => wantOf(name, wishes.get(name) ?? [], refuse));
  return { names, wants, refused: bounded(refused) };

  function collect({ app, names, owner, label, choice }: LabelAsk, into: Map<string, Wish[]>): void {
    const source = `label ${label} of ${app}`;
    for (const name of new Set(names.map((written) => check(written, source)))) {
      if (name === undefined) continue;
      if (owner === OWN || isAllowed(name)) add(into, name, { owner, source, choice });
      else refuse({ name, source, reason: 'it is under none of the domains that labels may ask for' });
    }
  }
}

/** The first choice is followed: ours, then those of the others in the order of owners and apps. */
function wantOf(name: string, wishes: Wish[], refuse: (entry: RefusedName) => void): Want {
  const [only] = wishes;
  if (wishes.length === 1 && only !== undefined)
    return { name, keys: [only.owner], choice: only.choice ?? {} };
  const choosing = wishes.filter(({ choice }) => choice !== undefined);
  const rank = ({ owner }: Wish) => (owner === OWN ? '' : owner);
  const sorted = choosing.sort((left, right) => compare(rank(left), rank(right)));
  const [first, ...others] = sorted;
  const choice = first?.choice ?? {};
  for (const { source, choice: other } of others) {
    if (choiceKey(other ?? {}) === choiceKey(choice)) continue;
    const reason = `it is wanted otherwise by ${first?.source}, which comes first`;
    refuse({ name, source, reason, option: true });
  }
  return { name, keys: [...new Set(wishes.map(({ owner }) => owner))].sort(), choice };
}

/** Apps in the order of their ids, whatever order Marathon tells them in. */
function asksByApp(asks: readonly LabelAsk[]): [string, LabelAsk[]][] {
  const byApp = new Map<string, LabelAsk[]>();
  for (const ask of asks) add(byApp, ask.app, ask);
  return [...byApp].sort(([left], [right]) => compare(left, right));
}

/** `example.com` allows itself and all that is below it. */
function allowance(domains: readonly string[]): (name: string) => boolean {
  const allowed = new Set(domains.map((domain) => domain.toLowerCase().replace(/^(\*?\.)|\.$/g, '')));
  if (allowed.size === 0) return () => true;
  return (name) => {
    const labels = name.split('.');
    return labels.some((_label, index) => allowed.has(labels.slice(index).join('.')));
  };
}

function excess(app: string, names: readonly string[], most: number): RefusedName {
  const [first = ''] = names;
  return {
    name: names.length === 1 ? first : `${first} and ${names.length - 1} further names`,
    source: `labels of ${app}`,
    reason: `labels of one app may ask for ${most} names`,
  };
}

function add<Value>(lists: Map<string, Value[]>, key: string, value: Value): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
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
