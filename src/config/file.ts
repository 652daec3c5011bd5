import { closeSync, openSync, readSync } from 'node:fs';
import { describeError } from '../lib/errors.ts';
import { quoted } from '../lib/printable.ts';

/** No configuration, key or list of CA certificates is larger. */
export const LARGEST_FILE_BYTES = 1024 * 1024;

/** A whole file as text, read up to the bound only: a path may name anything. */
export function readTextFile(path: string): string {
  const descriptor = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(LARGEST_FILE_BYTES + 1);
    let length = 0;
    while (length < buffer.length) {
      const read = readSync(descriptor, buffer, length, buffer.length - length, null);
      if (read === 0) break;
      length += read;
    }
    if (length > LARGEST_FILE_BYTES) throw new Error(`it is larger than ${LARGEST_FILE_BYTES} bytes`);
    return buffer.toString('utf8', 0, length);
  } finally {
    closeSync(descriptor);
  }
}

/** The file of options, or undefined with the problem noted. */
export function readConfigFile(
  path: string,
  readFile: (path: string) => string,
  problems: string[],
): { path: string; values: Record<string, unknown> } | undefined {
  const place = `config ${quoted(path)}`;
  let text: string;
  try {
    text = readFile(path);
  } catch (error) {
    problems.push(`${place} cannot be read: ${describeError(error)}`);
    return undefined;
  }
  try {
    // What the parser says would quote the file, and with it a password.
    const values: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
    if (typeof values === 'object' && values !== null && !Array.isArray(values))
      return { path, values: values as Record<string, unknown> };
    problems.push(`${place} holds no JSON object of options`);
  } catch {
    problems.push(`${place} is not JSON`);
  }
  return undefined;
}
