import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A balancer of balancers: each connection goes to the next one.
 * @returns the way to stop listening */
export async function listenAlternating(
  address: string,
  port: number,
  hosts: readonly string[],
): Promise<() => Promise<void>> {
  const open = new Set<Socket>();
  let turn = 0;
  const server = createServer((from) => {
    const to = connect(port, hosts[turn % hosts.length]);
    turn += 1;
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      open.add(one);
      one.on('error', () => other.destroy()).on('close', () => open.delete(one));
      one.pipe(other);
    }
  });
  server.listen(port, address);
  await once(server, 'listening');
  return async () => {
    for (const socket of open) socket.destroy();
    server.close();
    await once(server, 'close');
  };
}
