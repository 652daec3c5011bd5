// pure

/** What is needed of each of thousands of apps. */
export interface LabelledApp {
  id: string;
  /** Those that tell marathon-lb or us something. */
  labels: Record<string, string>;
  /** How many ports it has: label names carry their index. */
  portCount: number;
}

const LONGEST_ID = 4_096;
const READ = ['HAPROXY_', 'CERTATHON_', 'MARATHON_ACME_'];

/** An app of a list of all apps; undefined when it is described unusably, which is nobody else's matter. Pure.
 * By hand: a schema for each of thousands of apps would cost more than all the rest of a pass, and a list of all
 * their labels more memory. */
export function labelledApp(value: unknown): LabelledApp | undefined {
  const { id, labels, portDefinitions, ports, container, ipAddress } = fieldsOf(value) ?? {};
  if (typeof id !== 'string' || id.length > LONGEST_ID) return undefined;
  const kept = labelsOf(labels);
  const docker = fieldsOf(fieldsOf(container)?.docker);
  const counts = [
    ...[portDefinitions, ports, fieldsOf(container)?.portMappings, docker?.portMappings],
    fieldsOf(fieldsOf(ipAddress)?.discovery)?.ports,
  ].map(lengthOf);
  if (kept === undefined || counts.includes(-1)) return undefined;
  return { id, labels: kept, portCount: Math.max(...counts) };
}

/** Missing and null are the same as empty: up to 1.4 Marathon writes unset fields as null. */
function labelsOf(value: unknown): Record<string, string> | undefined {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) return undefined;
  const kept: Record<string, string> = {};
  for (const name in value) {
    const text = (value as Record<string, unknown>)[name];
    if (typeof text !== 'string') return undefined;
    if (READ.some((prefix) => name.startsWith(prefix))) kept[name] = text;
  }
  return kept;
}

function lengthOf(value: unknown): number {
  if (value === undefined || value === null) return 0;
  return Array.isArray(value) ? value.length : -1;
}

function fieldsOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
