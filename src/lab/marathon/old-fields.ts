// pure
import { ApiError, notValid } from './api-error.ts';

type Json = Record<string, unknown>;

/** Rewrites the network and artifact fields of Marathon <= 1.4 into those of 1.5, which reads show alone.
 * @throws ApiError when old and new fields are mixed
 * @source S/api/v2/AppNormalization.scala */
export function withoutOldFields(body: unknown): unknown {
  if (!isObject(body)) return body;
  const { uris, ports, container, ...rest } = body;
  const app: Json = { ...rest };
  if (container !== undefined) app.container = container;

  if (Array.isArray(uris)) {
    if (Array.isArray(rest.fetch))
      throw new ApiError(400, { message: 'You cannot specify both uris and fetch fields' });
    app.fetch = uris.map((uri) => ({ uri }));
  }
  if (Array.isArray(ports)) {
    if (rest.portDefinitions !== undefined && rest.portDefinitions !== null)
      throw new ApiError(400, { message: 'You cannot specify both ports and port definitions' });
    app.portDefinitions = ports.map((port) => ({ port }));
  }
  if (!isObject(container) || !isObject(container.docker)) return app;

  const { network, portMappings, ...docker } = container.docker;
  if ((network || portMappings) && rest.networks)
    throw notValid([{ path: '/container/docker', errors: ['must not mix old and new network fields'] }]);
  if (network === 'HOST') app.networks = [{ mode: 'host' }];
  if (network === 'BRIDGE') app.networks = [{ mode: 'container/bridge' }];
  app.container = { ...container, docker, ...(Array.isArray(portMappings) ? { portMappings } : {}) };
  return app;
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
