import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { canBindLowPorts, claimSubnet, freePort } from '../../../src/lab/subnet.ts';

test('claimSubnet() gives each lab another subnet', async () => {
  const subnets = await Promise.all(Array.from({ length: 5 }, () => claimSubnet()));

  expect(new Set(subnets.map(({ base }) => base)).size).toBe(5);
  for (const { base, address } of subnets) {
    expect(base).toMatch(/^127\.90\.\d+$/);
    expect(address(11)).toBe(`${base}.11`);
    expect(() => address(1)).toThrow(`No address ${base}.1`);
  }
  await Promise.all(subnets.map(({ release }) => release()));
});

test('freePort() names a port that can be bound on that address', async () => {
  const subnet = await claimSubnet();

  const port = await freePort(subnet.address(20));

  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, subnet.address(20), resolve));
  await new Promise((resolve) => server.close(resolve));
  await subnet.release();
});

test('canBindLowPorts() says no where something listens already', async () => {
  const subnet = await claimSubnet();
  const address = subnet.address(21);
  if (!(await canBindLowPorts(address))) {
    // An ordinary user may not bind them at all: then "no" is the answer everywhere.
    expect(process.getuid?.()).not.toBe(0);
    await subnet.release();
    return;
  }
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(443, address, resolve));

  expect(await canBindLowPorts(address)).toBe(false);

  await new Promise((resolve) => server.close(resolve));
  await subnet.release();
});
