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

const DEFAULT_MAX_BYTES = 16 * 1024 * 1024;
/** Of a body that is never in memory as a whole. */
const LARGEST_TAKEN = 512 * 1024 * 1024;
const BEGINNING = 1_000;

/** The body of an answer as text, or its beginning when it is taken piece by piece.
 * @param take gets each piece   @param maxBytes of a body that is not taken   @throws BodyTooLargeError */
export async function readBody(
  body: Readable,
  take: ((chunk: Buffer) => void) | undefined,
  maxBytes = DEFAULT_MAX_BYTES,
): Promise<string> {
  if (take === undefined) return readBounded(body, maxBytes);
  let beginning = '';
  let length = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LARGEST_TAKEN) throw new BodyTooLargeError(LARGEST_TAKEN);
    if (beginning === '') beginning = chunk.toString('utf8', 0, BEGINNING);
    take(chunk);
  }
  return beginning;
}
