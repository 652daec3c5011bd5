import { createRequire } from 'node:module';
import type undici from 'undici';
import type { Dispatcher } from 'undici';

/** The parts of undici that are used. The package as a whole loads fetch, WebSocket, caches and mocks too: 13 MB and
 * a tenth of the start of a pass. Its inner paths are promised by nobody, so its version is pinned, and every test
 * of a client goes over them. */
const inner = createRequire(import.meta.url);
const { prototype } = inner('undici/lib/dispatcher/dispatcher.js') as { prototype: Dispatcher };
// As its index.js puts them together.
prototype.request = inner('undici/lib/api/api-request.js') as Dispatcher['request'];

export const Agent = inner('undici/lib/dispatcher/agent.js') as typeof undici.Agent;
export type Agent = undici.Agent;
export const buildConnector = inner('undici/lib/core/connect.js') as typeof undici.buildConnector;
export const errors = inner('undici/lib/core/errors.js') as typeof undici.errors;

type RequestOptions = Omit<Dispatcher.RequestOptions, 'origin' | 'path' | 'method'> & {
  dispatcher: Dispatcher;
  method?: Dispatcher.HttpMethod;
};

/** One request over the connections of a dispatcher; GET unless told otherwise. */
export function request(
  url: string | URL,
  { dispatcher, ...options }: RequestOptions,
): Promise<Dispatcher.ResponseData> {
  const { origin, pathname, search } = new URL(url);
  return dispatcher.request({ method: 'GET', ...options, origin, path: `${pathname}${search}` });
}
