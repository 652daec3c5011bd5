import { open } from 'node:fs/promises';
import { writeFileDurable } from './files.ts';

const CHUNK = 256 * 1024;

/** Reads a file of ours line by line, so that it is never in memory as a whole; [] counts as no line when there is no
 * file.
 * @throws Error when it can not be read, is larger than `maxBytes`, or `take` throws */
export async function readLines(path: string, maxBytes: number, take: (line: string) => void): Promise<void> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return;
  try {
    const chunk = Buffer.allocUnsafe(CHUNK);
    let [length, rest] = [0, Buffer.alloc(0)];
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, CHUNK, length);
      length += bytesRead;
      if (length > maxBytes) throw new Error(`${path} has more than ${maxBytes} bytes`);
      if (bytesRead === 0) break;
      let from = 0;
      for (;;) {
        const end = chunk.subarray(0, bytesRead).indexOf(0x0a, from);
        if (end === -1) break;
        const line = chunk.subarray(from, end);
        take((from === 0 && rest.length > 0 ? Buffer.concat([rest, line]) : line).toString());
        if (from === 0) rest = Buffer.alloc(0);
        from = end + 1;
      }
      rest = Buffer.concat([rest, chunk.subarray(from, bytesRead)]);
    }
    if (rest.length > 0) take(rest.toString());
  } finally {
    await file.close();
  }
}

/** Replaces a file of lines as `writeFileDurable()` does, some thousands at a time. @throws STORE_UNUSABLE */
export async function writeLines(path: string, lines: Iterable<string>): Promise<void> {
  await writeFileDurable(path, inChunks(lines));
}

function* inChunks(lines: Iterable<string>): Generator<string> {
  let chunk = '';
  for (const line of lines) {
    chunk += `${line}\n`;
    if (chunk.length < CHUNK) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}
