import type { IncomingMessage, RequestOptions } from 'node:http';
import { get as httpGet } from '../../lib/node-http.ts';

/** One GET on a connection of its own. Hundreds of balancers are started, each for a few requests: a client with pools
 * would take longer to load than all of them.
 * @param silenceMs of the connection, before and during the answer, after which it is given up
 * @throws what went wrong before the headers came; what goes wrong later is thrown by who reads the answer */
export function get(
  url: string,
  options: Pick<RequestOptions, 'headers' | 'signal'>,
  silenceMs: number,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = httpGet(url, { ...options, agent: false }, resolve);
    request.setTimeout(silenceMs, () => {
      request.destroy(new Error(`Marathon was silent for ${silenceMs / 1000} s`));
    });
    request.once('error', reject);
  });
}

/** @throws with the status when it is an error, and when the answer breaks off */
export async function textOf(answer: IncomingMessage): Promise<string> {
  const parts: string[] = [];
  answer.setEncoding('utf8');
  for await (const part of answer) parts.push(String(part));
  if ((answer.statusCode ?? 0) >= 400) throw new Error(`Marathon answered ${answer.statusCode}`);
  return parts.join('');
}
