// pure
import type { Dialect } from './dialect.ts';

const SEGMENT =
  /^(([a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9])\.)*([a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9])$|^(\.|\.\.)$/;
const RESERVED_ENDINGS = new Set(['restart', 'tasks', 'versions']);

/** Absolute id of an app or group from a URL path or a body: relative ids hang below the root, doubled
 * slashes count once, `.` and `..` are resolved. */
export function absoluteId(id: string): string {
  const segments: string[] = [];
  for (const segment of id.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment === '..') segments.pop();
    else segments.push(segment);
  }
  return `/${segments.join('/')}`;
}

/** What is wrong with an app id, or nothing. @source S/state/PathId.scala */
export function problemOfAppId(id: string, { reservesIdEndings }: Dialect): string | undefined {
  const segments = absoluteId(id).slice(1).split('/');
  if (segments[0] === '') return 'Path must contain at least one path element';
  if (!segments.every((segment) => SEGMENT.test(segment)))
    return `must fully match regular expression '${SEGMENT.source.split('$|')[0]?.slice(1)}'`;
  const last = segments.at(-1) ?? '';
  if (reservesIdEndings && RESERVED_ENDINGS.has(last))
    return `must not end with any of the following reserved keywords: ${last}`;
  return undefined;
}

/** `/prod/web` → `/prod`, `/web` → `/`. */
export function parentGroup(appId: string): string {
  const cut = appId.lastIndexOf('/');
  return cut <= 0 ? '/' : appId.slice(0, cut);
}

/** Instance id: `prod_web.instance-<uuid>`, up to 1.7 `prod_web.marathon-<uuid>`. */
export const instanceIdOf = (appId: string, uuid: string, { keepsInstances }: Dialect) =>
  `${safePath(appId)}.${keepsInstances ? 'instance' : 'marathon'}-${uuid}`;

/** Task id of the n-th launch of an instance: `prod_web.instance-<uuid>._app.<n>`. Up to 1.7 an instance is
 * launched once, and its task is `prod_web.<uuid>`. @source S/core/task/Task.scala, Id */
export const taskIdOf = (instanceId: string, launch: number, { keepsInstances }: Dialect) =>
  keepsInstances ? `${instanceId}._app.${launch}` : instanceId.replace(/\.marathon-(?=[^.]+$)/, '.');

const safePath = (appId: string) => appId.slice(1).replaceAll('/', '_');

/** Does this text have the form of a task id, of 1.8 or of an older version? */
export const isTaskId = (text: string) =>
  /^.+\.(instance-|marathon-)?[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}(\..+)?$/i.test(text);
