import type { IncomingHttpHeaders } from 'node:http';
import { ApiError } from './api-error.ts';
import type { Crew } from './crew.ts';
import type { Dialect } from './dialect.ts';
import type { EventBus } from './events.ts';
import type { Root } from './root.ts';
import { parseJson } from './schema.ts';

/** A request as the API's own code sees it: read, allowed and with its path decoded. */
export interface ApiRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  body: string;
  headers: IncomingHttpHeaders;
  clientIp: string;
}

/** A feature that Marathon has only when it is told so. `task_killing`: a task that was asked to die shows
 * TASK_KILLING until it is dead. */
export type Feature = 'task_killing';

/** What the API works on. */
export interface World {
  root: Root;
  crew: Crew;
  events: EventBus;
  version: string;
  dialect: Dialect;
  /** Of `--enable_features`. */
  features: readonly Feature[];
  /** `host:port` of this node, which leads. */
  leader: string;
  failOver(): void;
}

/** The JSON of a body. @throws ApiError 415 without the right Content-Type, 400 when it is no JSON */
export function bodyOf(request: ApiRequest): unknown {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') throw new ApiError(415, { message: 'Unsupported Media Type' });
  return parseJson(request.body);
}

/** A boolean parameter of the query; anything but `true` and `false` counts as not given. */
export function flag(request: ApiRequest, name: string, otherwise = false): boolean {
  const value = request.query.get(name);
  return value === 'true' ? true : value === 'false' ? false : otherwise;
}

export const methodNotAllowed = () => new ApiError(405, { message: 'HTTP 405 Method Not Allowed' });
