import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readLines, writeLines } from '../../../src/lib/kept-lines.ts';
import { statMany } from '../../../src/lib/stat-many.ts';

const home = mkdtempSync(join(tmpdir(), 'certathon-test-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

async function linesOf(file: string, most = 10_000_000): Promise<string[]> {
  const lines: string[] = [];
  await readLines(join(home, file), most, (line) => lines.push(line));
  return lines;
}

it('readLines() reads what writeLines() wrote, whatever its length', async () => {
  const lines = Array.from({ length: 3_000 }, (_, at) => `${at} ${'ü'.repeat((at * 7) % 400)}`);

  await writeLines(join(home, 'lines'), lines);

  expect(await linesOf('lines')).toEqual(lines);
});

it('readLines() reads lines longer than a piece, and a last one without an end', async () => {
  const lines = ['a'.repeat(600_000), '', 'b'.repeat(300_000), 'last'];

  writeFileSync(join(home, 'long'), lines.join('\n'));

  expect(await linesOf('long')).toEqual(lines);
});

it('readLines() finds nothing where there is no file, and refuses one that is too large', async () => {
  writeFileSync(join(home, 'large'), 'a\n'.repeat(1_000));

  expect(await linesOf('missing')).toEqual([]);
  await expect(linesOf('large', 100)).rejects.toThrow('more than 100 bytes');
});

it('statMany() tells of each name what is there, in order', async () => {
  for (let at = 0; at < 500; at += 1) writeFileSync(join(home, `file-${at}`), 'x'.repeat(at));
  const names = [...Array.from({ length: 500 }, (_, at) => `file-${at}`), 'missing', 'file-0/below'];
  const seen: [string, number | string | undefined][] = [];

  await statMany(home, names, (name, found) => {
    seen.push([name, found instanceof Error ? 'failed' : found?.size]);
  });

  expect(seen.slice(0, 500)).toEqual(names.slice(0, 500).map((name, at) => [name, at]));
  expect(seen.slice(500).map(([name]) => name)).toEqual(['missing', 'file-0/below']);
  expect(seen[500]?.[1]).toBeUndefined();
});
