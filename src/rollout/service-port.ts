// pure
import type { App } from '../marathon/app-schema.ts';

type Json = Readonly<Record<string, unknown>>;

/** Where an app's JSON may have its service ports, in the order in which zdd.py looks for them. */
const PLACES = [
  { path: ['container', 'docker', 'portMappings'], field: 'servicePort' },
  { path: ['container', 'portMappings'], field: 'servicePort' },
  { path: ['portDefinitions'], field: 'port' },
  { path: ['ports'], field: undefined },
] as const;

export interface ServicePort {
  /** The list that has it: `container.portMappings`. */
  list: string;
  /** 0: Marathon shall choose one. */
  port: number;
}

/** The first service port of an app's JSON. Pure.
 * @returns undefined when the JSON has no ports at all */
export function servicePortOf(definition: Json): ServicePort | undefined {
  const place = placeOf(definition);
  if (place === undefined) return undefined;
  const value = at(definition, place.keys);
  return { list: place.path.join('.'), port: isPort(value) ? value : 0 };
}

/** The JSON with another first service port, in the place where it has one; all else is as it was. Pure.
 * @source zdd.py, set_service_port */
export function withServicePort<D extends Json>(definition: D, port: number): D {
  const place = placeOf(definition);
  return place === undefined ? definition : (replaced(definition, place.keys, port) as D);
}

function placeOf(definition: Json): { path: readonly string[]; keys: (string | number)[] } | undefined {
  for (const { path, field } of PLACES) {
    const list = at(definition, path);
    if (Array.isArray(list) && list.length > 0)
      return { path, keys: [...path, 0, ...(field === undefined ? [] : [field])] };
  }
  return undefined;
}

/** The service ports as marathon-lb reads them from Marathon's answer, by index. Pure.
 * @source marathon-lb utils.py, ServicePortAssigner */
export function servicePortsOf(app: Pick<App, 'network' | 'portMappings' | 'portDefinitions'>): number[] {
  const mapped = app.portMappings.flatMap(({ servicePort }) => servicePort ?? []);
  return app.network !== 'host' && mapped.length > 0 ? mapped : app.portDefinitions.map(({ port }) => port);
}

/** The ports that marathon-lb's frontends have: HAPROXY_{n}_PORT, else the service port. Pure.
 * @returns by index; 0 while Marathon has not chosen one */
export function frontPortsOf(
  app: Pick<App, 'labels' | 'network' | 'portMappings' | 'portDefinitions'>,
): number[] {
  return servicePortsOf(app).map((port, index) => portLabel(app, `HAPROXY_${index}_PORT`) ?? port);
}

/** The port that a label names. Pure. @returns undefined when it is missing or none; of a list the first counts */
export function portLabel({ labels }: Pick<App, 'labels'>, name: string): number | undefined {
  const first = (labels[name] ?? '').split(',', 1)[0]?.trim() ?? '';
  return /^\d{1,5}$/.test(first) && isPort(Number(first)) && Number(first) > 0 ? Number(first) : undefined;
}

function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 65_535;
}

function at(value: unknown, path: readonly (string | number)[]): unknown {
  let current = value;
  for (const key of path) current = (current as Record<string | number, unknown> | null | undefined)?.[key];
  return current;
}

function replaced(value: unknown, path: readonly (string | number)[], last: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return last;
  if (Array.isArray(value)) return value.map((each, at) => (at === key ? replaced(each, rest, last) : each));
  const object = (value ?? {}) as Record<string, unknown>;
  return { ...object, [key]: replaced(object[key], rest, last) };
}
