import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LARGEST_FILE_BYTES, readTextFile } from '../../../src/config/file.ts';

const folder = mkdtempSync(join(tmpdir(), 'certathon-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('readTextFile()', () => {
  it('reads a file up to the bound', () => {
    const path = join(folder, 'largest');
    writeFileSync(path, 'a'.repeat(LARGEST_FILE_BYTES));

    expect(readTextFile(path)).toHaveLength(LARGEST_FILE_BYTES);
  });

  it('refuses a larger one, and one that never ends', () => {
    const path = join(folder, 'larger');
    writeFileSync(path, 'a'.repeat(LARGEST_FILE_BYTES + 1));

    expect(() => readTextFile(path)).toThrow('it is larger than 1048576 bytes');
    expect(() => readTextFile('/dev/zero')).toThrow('it is larger than 1048576 bytes');
  });

  it('passes on what the system says', () => {
    expect(() => readTextFile(join(folder, 'missing'))).toThrow('ENOENT');
    expect(() => readTextFile(folder)).toThrow('EISDIR');
  });
});
