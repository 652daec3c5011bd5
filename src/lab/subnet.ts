import { createServer, type Server } from 'node:net';

export interface Subnet {
  /** The first three numbers, `127.90.n`. */
  base: string;
  /** An address of it; 1 is taken by the claim itself. */
  address(last: number): string;
  release(): Promise<void>;
}

const SUBNETS = 250;
const CLAIM_PORT = 19_090;

/** Claims a /24 of loopback for one lab, so that several run side by side: whoever listens on its first address has it.
 * The claim ends with the process at the latest.
 * @throws Error when all of 127.90.1 to 127.90.250 are taken */
export async function claimSubnet(): Promise<Subnet> {
  const start = Math.floor(Math.random() * SUBNETS);
  for (let step = 0; step < SUBNETS; step += 1) {
    const base = `127.90.${((start + step) % SUBNETS) + 1}`;
    const server = await listenOn(`${base}.1`, CLAIM_PORT);
    if (server === undefined) continue;
    server.unref();
    return {
      base,
      address: (last) => addressOf(base, last),
      release: () => new Promise((resolve) => server.close(() => resolve())),
    };
  }
  throw new Error('All of 127.90.1 to 127.90.250 are taken by other labs');
}

/** Whether ports 80 and 443 may be bound on a loopback address, by right and because nothing listens there. */
export async function canBindLowPorts(address: string): Promise<boolean> {
  for (const port of [80, 443]) {
    const server = await listenOn(address, port);
    if (server === undefined) return false;
    await new Promise((resolve) => server.close(resolve));
  }
  return true;
}

/** A port of an address that nothing listens on at this moment. */
export async function freePort(address: string): Promise<number> {
  const server = await listenOn(address, 0);
  const bound = server?.address();
  if (server === undefined || typeof bound !== 'object' || bound === null) {
    throw new Error(`No port can be bound on ${address}`);
  }
  await new Promise((resolve) => server.close(resolve));
  return bound.port;
}

function addressOf(base: string, last: number): string {
  if (!Number.isInteger(last) || last < 2 || last > 254) throw new Error(`No address ${base}.${last}`);
  return `${base}.${last}`;
}

function listenOn(address: string, port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', () => resolve(undefined));
    server.listen(port, address, () => resolve(server));
  });
}
