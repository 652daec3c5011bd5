import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';

export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** One request to exactly this address, on a connection of its own, whatever name it is for.
 * @param headers with `host`; over TLS that name is the SNI too, and nothing is verified
 * @throws what the system says when there is no answer */
export function ask(
  url: { address: string; port: number; path: string; tls?: boolean },
  headers: Record<string, string> & { host: string },
): Promise<Reply> {
  const target = { host: url.address, port: url.port, path: url.path, headers, agent: false as const };
  return new Promise((resolve, reject) => {
    const request = url.tls
      ? httpsRequest({ ...target, servername: headers.host, rejectUnauthorized: false })
      : httpRequest(target);
    request.setTimeout(10_000, () => request.destroy(new Error('No answer within 10 s')));
    request.once('error', reject);
    request.once('response', (response) => {
      text(response).then(
        (body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        reject,
      );
    });
    request.end();
  });
}
