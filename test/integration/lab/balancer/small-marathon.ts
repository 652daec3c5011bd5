import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The two calls that a balancer makes, over a list of apps that the test changes. */
export interface SmallMarathon {
  url: string;
  apps: object[];
  /** Calls of `/v2/apps` so far. */
  listed(): number;
  /** Queries of the event streams that were opened. */
  streams: { query: string; accept: string | undefined }[];
  /** Sends an event to every open stream. */
  tell(eventType: string): void;
  dropStreams(): void;
  stop(): Promise<void>;
}

export async function startSmallMarathon(apps: object[] = []): Promise<SmallMarathon> {
  const open = new Set<ServerResponse>();
  let listed = 0;
  const marathon: SmallMarathon = {
    url: '',
    apps,
    listed: () => listed,
    streams: [],
    tell: (eventType) => {
      const data = JSON.stringify({ eventType, timestamp: '2020-01-01T00:00:00.000Z' });
      for (const stream of open) stream.write(`event: ${eventType}\r\ndata: ${data}\r\n\r\n`);
    },
    dropStreams: () => {
      for (const stream of open) stream.destroy();
    },
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  const server: Server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://marathon');
    if (url.pathname === '/v2/events') {
      marathon.streams.push({ query: url.search, accept: request.headers.accept });
      response.writeHead(200, { 'content-type': 'text/event-stream;charset=utf-8', connection: 'close' });
      response.write('event: event_stream_attached\r\ndata: {"eventType":"event_stream_attached"}\r\n\r\n');
      open.add(response);
      response.once('close', () => open.delete(response));
      return;
    }
    listed += 1;
    response.end(JSON.stringify({ apps: marathon.apps }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  marathon.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return marathon;
}
