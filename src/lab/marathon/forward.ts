import { connect, createServer, type Server, type Socket } from 'node:net';

/** A port of an agent that leads to a port inside a container, as behind Docker's bridge. */
export interface Forward {
  host: string;
  port: number;
  toHost: string;
  toPort: number;
}

/** Forwards connections byte by byte, as docker-proxy does. One that nobody takes inside is closed at once.
 * @returns what ends it, with all its connections */
export function openForwards(forwards: readonly Forward[]): () => void {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket, other: () => Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => {
      sockets.delete(socket);
      other().destroy();
    });
  };
  const servers: Server[] = forwards.map(({ host, port, toHost, toPort }) => {
    const server = createServer((outside) => {
      const inside = connect({ host: toHost, port: toPort });
      keep(outside, () => inside);
      keep(inside, () => outside);
      outside.pipe(inside).pipe(outside);
    });
    server.on('error', () => undefined);
    return server.listen({ host, port });
  });
  return () => {
    for (const server of servers) server.close();
    for (const socket of sockets) socket.destroy();
  };
}
