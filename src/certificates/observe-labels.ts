import type { LabelledApp } from '../haproxy/groups.ts';
import { CertathonError } from '../lib/errors.ts';
import type { Problem } from './model.ts';
import type { ObserveTools } from './observe.ts';
import type { StoredEntry } from './store-catalogue.ts';

type Tools = Pick<
  ObserveTools,
  'discovery' | 'strategy' | 'balancerAppIds' | 'appId' | 'marathon' | 'signal'
>;

export interface ReadLabels {
  apps: LabelledApp[] | undefined;
  /** Nothing tells that an app which could ask for a name was not shown. */
  isComplete: boolean;
  notices: Problem[];
}

/** Labels of all apps: which names they ask for, and which of several balancers serve them. Whoever may read only
 * the own app and marathon-lb goes on with those: some authorizers refuse the list, most leave out of it what may
 * not be seen.
 * @source Marathon docs/docs/plugin.md (authorizer) */
export async function readLabels(tools: Tools): Promise<ReadLabels> {
  const { discovery, strategy, balancerAppIds, appId, marathon, signal } = tools;
  const tellsApart = strategy === 'environment' && balancerAppIds.length > 1;
  if (discovery.mode === 'off' && !tellsApart) return { apps: undefined, isComplete: true, notices: [] };
  try {
    const apps = await marathon.labelledApps(signal);
    const isAlone =
      discovery.mode !== 'off' &&
      appId !== undefined &&
      apps.every(({ id }) => id === appId || balancerAppIds.includes(id));
    const notices = isAlone ? [ALONE] : [];
    return { apps, isComplete: true, notices };
  } catch (error) {
    if (!isRefused(error)) throw error;
    const message =
      discovery.mode === 'off'
        ? `Marathon does not let us read all apps, so every name is delivered to each of ${balancerAppIds.join(', ')}`
        : `Marathon does not let us read all apps, so only our own label and --domains give names, and ${KEPT}`;
    const isComplete = discovery.mode === 'off';
    return { apps: undefined, isComplete, notices: [{ code: 'APPS_UNREADABLE', message }] };
  }
}

const KEPT = 'certificates that labels of others asked for are kept as they are';
const ALONE: Problem = {
  code: 'APPS_UNREADABLE',
  message:
    'Marathon shows no app but our own and marathon-lb; if there are others, their labels are not seen',
};

/** An app that is gone from the list may only be hidden, since rights were taken away: then nothing is retired. Asked
 * of Marathon once, when it would be, about the first of them.
 * @returns what a person should know, when it is hidden */
export async function hiddenOwner(
  entries: readonly StoredEntry[],
  apps: readonly LabelledApp[] | undefined,
  { discovery, marathon, signal }: Tools,
): Promise<Problem | undefined> {
  if (apps === undefined || discovery.mode === 'off') return undefined;
  const ids = new Set(apps.map(({ id }) => id));
  const gone = entries.find(
    ({ record }) =>
      record?.key.startsWith('/') === true && record.goneSince === undefined && !ids.has(record.key),
  );
  const id = gone?.record?.key;
  // The owner may be a deployment group, whose apps have other ids.
  if (id === undefined || apps.some(({ labels }) => isNamedIn(labels, id))) return undefined;
  try {
    await marathon.app(id, signal);
    return undefined;
  } catch (error) {
    if (error instanceof CertathonError && error.code === 'APP_MISSING') return undefined;
    if (!isRefused(error)) throw error;
    return { code: 'APPS_UNREADABLE', message: `Marathon does not let us read ${id} any more, so ${KEPT}` };
  }
}

function isNamedIn(labels: LabelledApp['labels'], id: string): boolean {
  const values = Object.values(labels);
  return values.includes(id) || values.includes(id.slice(1));
}

function isRefused(error: unknown): boolean {
  return error instanceof CertathonError && error.code === 'MARATHON_UNAUTHORIZED';
}
