// pure

/** How an app is networked in the fields of Marathon up to 1.4, as in those of 1.5 and later.
 * @param network `container.docker.network`   @param ipAddress `ipAddress`, when there is one
 * @returns nothing when neither says anything
 * @source S/api/v2/AppNormalization.scala, NetworkTranslation */
export function networksOfOldFields(
  network: unknown,
  ipAddress: Readonly<Record<string, unknown>> | undefined,
): { mode: 'host' | 'container' | 'container/bridge'; name?: string }[] | undefined {
  const name = typeof ipAddress?.networkName === 'string' ? { name: ipAddress.networkName } : {};
  if (network === 'BRIDGE') return [{ mode: 'container/bridge' }];
  if (network === 'USER') return [{ mode: 'container', ...name }];
  if (network === 'HOST' || network === 'NONE') return [{ mode: 'host' }];
  return ipAddress === undefined ? undefined : [{ mode: 'container', ...name }];
}

/** The ports of `ipAddress.discovery` as the port mappings of 1.5: there is no host port in them. */
export function discoveryPorts(ipAddress: Readonly<Record<string, unknown>> | undefined): unknown[] {
  const { discovery } = ipAddress ?? {};
  const ports = isObject(discovery) && Array.isArray(discovery.ports) ? discovery.ports : [];
  return ports.filter(isObject).map(({ number, name, protocol, labels }) => ({
    containerPort: number,
    ...(name === undefined ? {} : { name }),
    ...(protocol === undefined ? {} : { protocol }),
    ...(labels === undefined ? {} : { labels }),
  }));
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
