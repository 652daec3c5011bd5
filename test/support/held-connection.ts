import { once } from 'node:events';
import { connect } from 'node:net';

/** A connection through a balancer to one task, which stays open until somebody ends it. */
export interface HeldConnection {
  /** Id of the task at its other end. */
  task: string;
  /** Whether what is sent still comes back. */
  isAlive(): Promise<boolean>;
  end(): void;
}

/** Opens a tunnel to the lab's web app. @throws Error when it is refused */
export async function holdConnection(address: string, port: number): Promise<HeldConnection> {
  const socket = connect(port, address).setEncoding('utf8');
  socket.on('error', () => socket.destroy());
  socket.write('GET / HTTP/1.1\r\nhost: web\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n');
  const [head] = (await once(socket, 'data')) as [string];
  const task = /^HTTP\/1\.1 101 [\s\S]*\r\nx-task: (\S+)\r\n/.exec(head)?.[1];
  if (task === undefined) throw new Error(`No tunnel: ${head}`);
  return {
    task,
    isAlive: async () => {
      if (socket.destroyed || socket.readableEnded) return false;
      const answered = Promise.race([once(socket, 'data'), once(socket, 'close').then(() => [''])]);
      socket.write('ping');
      return (await answered)[0] === 'ping';
    },
    end: () => socket.destroy(),
  };
}
