import { afterAll, beforeAll, expect, it } from 'vitest';
import { servedCertificate } from '../../src/haproxy/handshake.ts';
import { type Lab, startLab } from '../../src/lab/cluster.ts';
import { followSidecar, type SidecarLog } from '../../src/lab/sidecar-log.ts';

let lab: Lab;
let log: SidecarLog;

beforeAll(async () => {
  lab = await startLab({ highPorts: true });
  log = followSidecar(`${lab.directory}/tasks`, 'certathon.');
});
afterAll(async () => {
  log?.stop();
  await lab?.stop();
});

it('works where ports 80 and 443 may not be bound: the front takes the port out of the Host header', async () => {
  await lab.run(lab.sidecar({ env: { CERTATHON_DOMAINS: 'shop.example.com' } }));

  const issued = await log.next((line) => line.event === 'certificate.issued', 60_000);
  await log.next((line) => line.event === 'delivery.verified', 60_000);

  expect(lab.ports.http).toBeGreaterThan(1024);
  const served = await servedCertificate({
    host: lab.front.address,
    port: lab.ports.https,
    servername: 'shop.example.com',
    timeoutMs: 5_000,
  });
  const seen = 'fingerprint256' in served ? served.fingerprint256.replaceAll(':', '').toLowerCase() : served;
  expect(seen).toBe(issued.fingerprint);
});
