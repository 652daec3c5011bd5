import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

export interface AdminServer {
  host: string;
  adminPort: number;
  /** `METHOD path`, oldest first, each with the number of its connection. */
  asked: string[];
  close(): void;
}

/** Something that answers like the admin endpoints of a balancer, on loopback. */
export async function startAdminServer(
  answer: RequestListener,
  tls?: { key: string; cert: string },
): Promise<AdminServer> {
  const sockets = new Map<Socket, number>();
  const asked: string[] = [];
  const listener: RequestListener = (request, response) => {
    asked.push(`${sockets.get(request.socket)} ${request.url}`);
    answer(request, response);
  };
  const server: Server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) =>
    sockets.set(
      socket.on('error', () => undefined),
      sockets.size + 1,
    ),
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    ...{ host: '127.0.0.1', adminPort: (server.address() as AddressInfo).port, asked },
    close: () => {
      for (const socket of sockets.keys()) socket.destroy();
      server.close();
    },
  };
}

export const PAGE = (pid: number) => `<html><h2>Statistics Report for pid ${pid}</h2>
<p><b>pid = </b> ${pid} (process #1, nbproc = 1, nbthread = 2)<br>`;

/** Answers as a balancer at rest; parts may be changed. */
export function balancerAnswers(
  parts: Partial<{ pids: () => string; csv: () => string; page: () => string; config: () => string }>,
): RequestListener {
  return (request, response) => {
    const path = request.url ?? '';
    const text = path.includes('getpids')
      ? (parts.pids ?? (() => '12 7'))()
      : path.includes('getconfig')
        ? (parts.config ?? (() => 'global\n'))()
        : path.includes(';csv')
          ? (parts.csv ?? (() => '# pxname,svname,qcur,scur,status,\nweb_1,s,1,2,UP,\n'))()
          : (parts.page ?? (() => PAGE(12)))();
    response.end(text);
  };
}
