// pure
import { quoted } from '../lib/printable.ts';
import { isAppId } from '../marathon/app-id.ts';
import { appSchema } from '../marathon/app-schema.ts';
import type { Acceptance, AppDefinitionJson } from './definition.ts';
import { groupKey } from './group.ts';
import { portLabel, servicePortOf } from './service-port.ts';

type Json = Readonly<Record<string, unknown>>;

/** What a rollout writes into the labels itself; HAPROXY_0_PORT may also be the operator's. */
export const COLOUR_LABELS = [
  ...['HAPROXY_APP_ID', 'HAPROXY_DEPLOYMENT_COLOUR', 'HAPROXY_DEPLOYMENT_STARTED_AT'],
  ...['HAPROXY_DEPLOYMENT_TARGET_INSTANCES', 'HAPROXY_DEPLOYMENT_NEW_INSTANCES', 'CERTATHON_ROLLOUT_HISTORY'],
];

/** Every reason why an app can not be rolled out, one sentence each. Pure.
 * @source zdd.py, validate_app; Marathon S/state/PathId.scala */
export function faultsOf(json: Json, accept: ReadonlySet<Acceptance>): string[] {
  const labels = isObject(json.labels) ? json.labels : undefined;
  return [
    ...idFaults(json.id),
    ...instancesFaults(json.instances),
    ...(labels === undefined
      ? ['it has no `labels`, and so no HAPROXY_DEPLOYMENT_GROUP']
      : labelFaults(labels)),
    ...checkFaults(json.healthChecks, accept),
    ...(servicePortOf(json) === undefined
      ? ['it has no service port: neither `portMappings` nor `portDefinitions`']
      : []),
    ...formFaults(json),
  ];
}

/** What is no fault, and yet worth a sentence. Pure. */
export function noticesOf({ id, instances, labels, ...rest }: AppDefinitionJson): string[] {
  const found: string[] = [];
  if (/-(blue|green)$/.test(id))
    found.push(`The id ${id} ends like a colour: the apps will be ${id}-blue and ${id}-green`);
  if (instances === undefined) found.push('It has no `instances`: as many as run now, or 1 if none do');
  const checks = (rest.healthChecks ?? []) as readonly { protocol?: unknown }[];
  if (checks.length > 0 && checks.every(({ protocol }) => protocol === 'COMMAND'))
    found.push('All health checks are commands: Marathon runs them, HAProxy itself checks nothing');
  const alternative = labels.HAPROXY_DEPLOYMENT_ALT_PORT;
  const port = servicePortOf(rest)?.port ?? 0;
  if (alternative?.includes(','))
    found.push(
      `Of HAPROXY_DEPLOYMENT_ALT_PORT only the first port counts: ${portLabel({ labels }, 'HAPROXY_DEPLOYMENT_ALT_PORT')}`,
    );
  if (port > 0 && portLabel({ labels }, 'HAPROXY_DEPLOYMENT_ALT_PORT') === port)
    found.push(`HAPROXY_DEPLOYMENT_ALT_PORT is the service port ${port} itself: both colours have it`);
  return found;
}

function idFaults(id: unknown): string[] {
  if (id === undefined) return ['it has no `id`'];
  if (typeof id !== 'string') return ['its `id` is no text'];
  if (!isAppId(id.startsWith('/') ? id : `/${id}`))
    return [
      `its id ${quoted(id)} is none: parts between slashes may hold a-z, 0-9, inner dashes and inner dots`,
    ];
  return [];
}

function instancesFaults(instances: unknown): string[] {
  if (instances === undefined) return [];
  if (!Number.isSafeInteger(instances) || (instances as number) < 0)
    return [`its \`instances\` are no whole number: ${quoted(String(instances))}`];
  return instances === 0 ? ['it has 0 `instances`: nothing would serve'] : [];
}

function labelFaults(labels: Json): string[] {
  const found = Object.entries(labels)
    .filter(([, value]) => typeof value !== 'string')
    .map(([name]) => `its label ${quoted(name)} is no text`);
  const group = labels.HAPROXY_DEPLOYMENT_GROUP;
  if (group === undefined) found.push('its label HAPROXY_DEPLOYMENT_GROUP is missing');
  // HAProxy takes it as a part of names.
  else if (typeof group === 'string' && !/^[\w.:/-]*[\w.:-][\w.:/-]*$/.test(groupKey(group)))
    found.push(
      group === ''
        ? 'its label HAPROXY_DEPLOYMENT_GROUP is empty'
        : `its label HAPROXY_DEPLOYMENT_GROUP is no name: ${quoted(group)}`,
    );
  for (const name of ['HAPROXY_DEPLOYMENT_ALT_PORT', 'HAPROXY_0_PORT']) {
    const text = labels[name];
    if (typeof text === 'string' && !arePorts(text, name === 'HAPROXY_0_PORT'))
      found.push(`its label ${name} is no port: ${quoted(text)}`);
  }
  const written = COLOUR_LABELS.filter((name) => Object.hasOwn(labels, name));
  if (written.length > 0) found.push(colouredSentence(written, labels.HAPROXY_APP_ID));
  // Marathon holds such an app to one task, and two colours are two.
  if (labels.MARATHON_SINGLE_INSTANCE_APP === 'true')
    found.push(
      'its label MARATHON_SINGLE_INSTANCE_APP forbids a second task, and two colours run beside each other',
    );
  return found;
}

/** The app of a colour, as Marathon shows it, has the port and the size of that colour: which were meant is lost. */
function colouredSentence(written: readonly string[], appId: unknown): string {
  const id = typeof appId === 'string' ? `, with the id ${quoted(appId)}` : '';
  return `its labels ${written.join(', ')} are written by a rollout: it is a colour as Marathon shows it, and what is wanted is the definition before${id}`;
}

function arePorts(text: string, isOne: boolean): boolean {
  const parts = text.split(',');
  return (
    !(isOne && parts.length > 1) &&
    parts.every((part) => portLabel({ labels: { port: part } }, 'port') !== undefined)
  );
}

function checkFaults(checks: unknown, accept: ReadonlySet<Acceptance>): string[] {
  if (Array.isArray(checks) && checks.length > 0) return [];
  if (checks !== undefined && !Array.isArray(checks)) return ['its `healthChecks` are no list'];
  // marathon-lb takes every new task for healthy then, and old ones out before new ones run.
  return accept.has('no-health-checks')
    ? []
    : ['it has no health check: marathon-lb would take old tasks out before new ones run'];
}

/** Fields that Marathon could not read either; those above are not told twice. */
function formFaults(json: Json): string[] {
  const told = new Set([
    'id',
    'instances',
    'labels',
    ...(Array.isArray(json.healthChecks) ? [] : ['healthChecks']),
  ]);
  const result = appSchema.safeParse(json);
  const issues = (result.error?.issues ?? []).filter(({ path }) => !told.has(String(path[0])));
  return issues.map(({ path, message }) => `its ${path.map(String).join('.')}: ${message}`);
}

function isObject(value: unknown): value is Json {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
