import { describe, expect, it } from 'vitest';
import { appSchema } from '../../../src/marathon/app-schema.ts';
import { exposedPort } from '../../../src/marathon/exposed-port.ts';
import { type StockName, stockDefinition } from '../../support/stock.ts';

const portOf = (definition: Record<string, unknown>) =>
  exposedPort(appSchema.parse({ id: '/x', ...definition }));

describe('exposedPort()', () => {
  it.each([
    ['letsencrypt-dcos', 80],
    ['letsencrypt-dcos-host', undefined],
    ['marathon-acme', 8000],
    ['letsencrypt-marathon-lb', 8080],
  ] as const)('of the definition of %s is %s', (name, port) => {
    expect(portOf(stockDefinition(name as StockName))).toBe(port);
  });

  const mapped = (containerPort: number) => ({ portMappings: [{ containerPort }, { containerPort: 9 }] });
  it.each([
    ['the newer JSON', { networks: [{ mode: 'container/bridge' }], container: mapped(80) }, 80],
    [
      'a network of containers',
      { networks: [{ mode: 'container', name: 'dcos' }], container: mapped(81) },
      81,
    ],
    [
      'a port that Marathon chooses',
      { networks: [{ mode: 'container/bridge' }], container: mapped(0) },
      undefined,
    ],
    ['an address for each task', { ipAddress: { discovery: { ports: [{ number: 82, name: 'http' }] } } }, 82],
    ['the host’s network', { networks: [{ mode: 'host' }], portDefinitions: [{ port: 10_000 }] }, undefined],
    ['no ports at all', { networks: [{ mode: 'container/bridge' }] }, undefined],
  ])('of an app with %s is told from it', (_what, definition, port) => {
    expect(portOf(definition)).toBe(port);
  });
});
