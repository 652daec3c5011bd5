import type { Readable } from 'node:stream';
import { BodyTooLargeError } from './http-failure.ts';

/** A whole body as text. What is longer is left unread; leaving the loop destroys the body and its connection.
 * @throws BodyTooLargeError */
export async function readBounded(body: Readable, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) throw new BodyTooLargeError(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
