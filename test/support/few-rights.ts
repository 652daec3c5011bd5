import { once } from 'node:events';
import { createServer, request as forward, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Lab } from '../../src/lab/cluster.ts';

/** Stands before the lab's Marathon and refuses, as an authorizer does, what an account may not see: the list of all
 * apps, and the event stream. @returns its address, and how it is closed */
export async function fewRights(
  lab: Lab,
  refuses: readonly ('/v2/apps' | '/v2/events')[],
): Promise<{ url: string; close: () => void }> {
  const { address, port } = lab.marathon;
  const server = createServer(async (request, response) => {
    const path = request.url?.split('?')[0];
    if (request.method === 'GET' && refuses.some((each) => each === path)) {
      response.writeHead(403, { 'content-type': 'application/json' });
      response.end('{"message":"Not Authorized to perform this action!"}');
      return;
    }
    const headers = { ...request.headers, host: `${address}:${port}` };
    const onward = forward({
      host: address,
      port,
      path: request.url,
      method: request.method,
      headers,
      agent: false,
    });
    response.once('close', () => onward.destroy());
    onward.once('error', () => response.destroy());
    request.pipe(onward);
    const [answer] = (await once(onward, 'response')) as [IncomingMessage];
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.once('error', () => response.destroy());
    answer.pipe(response);
  });
  server.listen(0, lab.subnet.address(7));
  await once(server, 'listening');
  const bound = server.address() as AddressInfo;
  return {
    url: `http://${bound.address}:${bound.port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
