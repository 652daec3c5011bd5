import { expect, test } from 'vitest';
import type { Config } from '../../../src/config/config.ts';
import { createFinding } from '../../../src/finding.ts';
import type { MarathonClient } from '../../../src/marathon/client.ts';
import { startDns } from '../../support/dns.ts';

test('the port of an address that was given stays, when a name in DNS finds the same balancer', async () => {
  const dns = await startDns();
  dns.names.set('lb.test', ['10.0.0.5', '10.0.0.6']);
  const { signal } = new AbortController();
  const config = {
    tlsPort: 443,
    balancerAdminPort: 9090,
    balancerUrls: ['http://10.0.0.5:19090'],
    balancerDns: ['lb.test'],
    dnsServers: [dns.server],
  } as unknown as Config;
  try {
    const { find } = createFinding({ config, marathon: {} as MarathonClient, signal });

    const { balancers, problems } = await find(signal);

    expect(problems).toEqual([]);
    expect(balancers.map(({ id, adminPort }) => [id, adminPort])).toEqual([
      ['10.0.0.5:443', 19090],
      ['10.0.0.6:443', 9090],
    ]);
  } finally {
    await dns.close();
  }
});
