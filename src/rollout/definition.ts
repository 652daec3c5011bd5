// pure
import { CertathonError } from '../lib/errors.ts';
import { type App, appSchema } from '../marathon/app-schema.ts';
import { faultsOf, noticesOf } from './definition-faults.ts';

/** An app as an operator writes it for Marathon, without a colour. All its fields are kept. */
export interface AppDefinitionJson {
  id: string;
  /** Missing: as many as run now. */
  instances?: number;
  labels: Record<string, string>;
  [field: string]: unknown;
}

/** Risks that are taken knowingly. */
export type Acceptance = 'no-health-checks' | 'no-target';

export interface ReadDefinition {
  definition: AppDefinitionJson;
  /** What was left out, or is worth a look; one sentence each. */
  notices: readonly string[];
}

const MOST_BYTES = 1024 * 1024;
const DEEPEST = 100;
const MOST_FAULTS = 30;

/** What Marathon adds to an app and does not take back; it refuses or ignores them. */
const ADDED_BY_MARATHON = [
  ...['version', 'versionInfo', 'tasks', 'tasksStaged', 'tasksRunning', 'tasksHealthy', 'tasksUnhealthy'],
  ...['deployments', 'lastTaskFailure', 'taskStats', 'readinessCheckResults'],
];

/** Reads the JSON of one app. Entries that are null are left out, everywhere, as zdd.py does; everything else stays
 * as it is and where it is. Pure.
 * @param source what the text was read from, as the error names it
 * @param accept risks that are no fault
 * @throws ROLLOUT_APP_INVALID with every fault, one sentence each; also as `facts.faults`
 * @source zdd.py, load_app_json and validate_app */
export function readDefinition(
  text: string,
  source: string,
  accept: ReadonlySet<Acceptance> = new Set(),
): ReadDefinition {
  const refuse = (faults: readonly string[]): never => {
    const more = faults.length > MOST_FAULTS ? [`and ${faults.length - MOST_FAULTS} more`] : [];
    const shown = [...faults.slice(0, MOST_FAULTS), ...more].join('; ');
    throw new CertathonError('ROLLOUT_APP_INVALID', `${source} can not be rolled out: ${shown}`, {
      facts: { faults },
    });
  };
  const removed: string[] = [];
  const json = withoutNulls(parsed(text, refuse), [], removed, refuse);
  const wrongKind = notOneApp(json);
  if (wrongKind !== undefined) return refuse([wrongKind]);
  const added = ADDED_BY_MARATHON.filter((field) => Object.hasOwn(json as object, field));
  const given = Object.fromEntries(
    Object.entries(json as object).filter(([field]) => !added.includes(field)),
  );
  const faults = faultsOf(given, accept);
  if (faults.length > 0) return refuse(faults);
  // Its faults were looked for field by field, and there are none.
  const definition = given as unknown as AppDefinitionJson;
  const notices = [
    ...removed.map((path) => `${path} is null and is left out`),
    ...(added.length === 0 ? [] : [`Left out, since Marathon alone writes it: ${added.join(', ')}`]),
    ...noticesOf(definition),
  ];
  return { definition, notices };
}

/** The definition as Marathon would show it: with defaults, ports of either form in one place, and 0 for service ports
 * that are left to Marathon. Pure. */
export function appOf(definition: AppDefinitionJson): App {
  const app = appSchema.parse(definition);
  const portMappings = app.portMappings.map((each) => ({ ...each, servicePort: each.servicePort ?? 0 }));
  return { ...app, portMappings };
}

type Refuse = (faults: readonly string[]) => never;

function parsed(text: string, refuse: Refuse): unknown {
  const bytes = Buffer.byteLength(text);
  if (bytes > MOST_BYTES) return refuse([`it has ${bytes} bytes, and an app has ${MOST_BYTES} at most`]);
  try {
    return JSON.parse(text);
  } catch (error) {
    // The rest of the message quotes the text, which may hold passwords.
    const where = /line \d+ column \d+/.exec((error as Error).message)?.[0];
    return refuse([`it is no JSON${where === undefined ? '' : ` (${where})`}`]);
  }
}

/** @param removed gets the environment variables that were left out: others say nothing to the app */
function withoutNulls(value: unknown, path: readonly string[], removed: string[], refuse: Refuse): unknown {
  if (path.length > DEEPEST) return refuse([`it is nested deeper than ${DEEPEST} levels`]);
  if (Array.isArray(value))
    return value.map((each, index) => withoutNulls(each, [...path, `${index}`], removed, refuse));
  if (value === null || typeof value !== 'object') return value;
  const kept = Object.entries(value).filter(([, each]) => each !== null);
  if (path.length === 1 && path[0] === 'env')
    for (const [name, each] of Object.entries(value)) if (each === null) removed.push(`env.${name}`);
  return Object.fromEntries(
    kept.map(([key, each]) => [key, withoutNulls(each, [...path, key], removed, refuse)]),
  );
}

function notOneApp(json: unknown): string | undefined {
  if (Array.isArray(json)) return 'it is a list, and one app is rolled out at a time';
  if (json === null || typeof json !== 'object') return 'it is no app but a single value';
  const has = (field: string) => Object.hasOwn(json, field);
  if (has('app') && !has('id')) return 'it is an answer of Marathon: what stands below `app` is the app';
  if (Array.isArray((json as { containers?: unknown }).containers))
    return 'it is a pod, which marathon-lb does not know';
  if (has('groups') || has('apps')) return 'it is a group, and one app is rolled out at a time';
  return undefined;
}
