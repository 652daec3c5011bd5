import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ensureDirectory,
  readFileBounded,
  removeTemporaryFiles,
  writeFileDurable,
} from '../../../src/lib/files.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'certathon-files-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));
const modeOf = (path: string) => statSync(path).mode & 0o777;

describe('writeFileDurable()', () => {
  it('replaces a file whole, with mode 0600 also over an open one, and leaves nothing else behind', async () => {
    const path = join(directory, 'bundle.pem');
    writeFileSync(path, 'old');
    chmodSync(path, 0o644);

    await writeFileDurable(path, 'new');

    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(modeOf(path)).toBe(0o600);
    expect(readdirSync(directory)).toEqual(['bundle.pem']);
  });

  it('takes bytes and another mode, whatever the umask', async () => {
    const path = join(directory, 'answer');
    const umask = process.umask(0o077);
    try {
      await writeFileDurable(path, new Uint8Array([0, 255, 10]), 0o644);
    } finally {
      process.umask(umask);
    }

    expect([...readFileSync(path)]).toEqual([0, 255, 10]);
    expect(modeOf(path)).toBe(0o644);
  });

  it('replaces a link itself, not the file that it points to', async () => {
    writeFileSync(join(directory, 'elsewhere'), 'untouched');
    symlinkSync(join(directory, 'elsewhere'), join(directory, 'bundle.pem'));

    await writeFileDurable(join(directory, 'bundle.pem'), 'new');

    expect(readFileSync(join(directory, 'elsewhere'), 'utf8')).toBe('untouched');
    expect(readFileSync(join(directory, 'bundle.pem'), 'utf8')).toBe('new');
  });

  it('names path, errno and plain words when the directory is missing', async () => {
    const path = join(directory, 'none', 'bundle.pem');

    await expect(writeFileDurable(path, 'x')).rejects.toMatchObject({
      code: 'STORE_UNUSABLE',
      message: `Cannot write ${path}: the directory does not exist (ENOENT)`,
      facts: { path, errno: 'ENOENT' },
    });
  });

  it('leaves the old content and no scrap when the target can not be replaced', async () => {
    const path = join(directory, 'bundle.pem');
    mkdirSync(path);

    await expect(writeFileDurable(path, 'x')).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });

    expect(readdirSync(directory)).toEqual(['bundle.pem']);
  });

  it('keeps the old file whole when the room ends in the middle of the write', () => {
    const path = join(directory, 'bundle.pem');
    writeFileSync(path, 'old');
    const source = fileURLToPath(new URL('../../../src/lib/files.ts', import.meta.url));
    const program = `
      const { writeFileDurable } = await import(${JSON.stringify(source)});
      const error = await writeFileDurable(${JSON.stringify(path)}, 'x'.repeat(200_000)).catch((thrown) => thrown);
      console.log(error.code, error.message);`;

    // 64 blocks of 512 or 1024 bytes, by shell: less than the 200,000 bytes in any case. A child, because
    // the limit can not be lifted again.
    const script = 'ulimit -f 64; exec "$0" --input-type=module -e "$1"';
    const said = execFileSync('/bin/sh', ['-c', script, process.execPath, program], {
      cwd: dirname(source),
      encoding: 'utf8',
      env: { PATH: process.env.PATH },
    });

    expect(said.trim()).toBe(
      `STORE_UNUSABLE Cannot write ${path}: the file-size limit of this process is reached (EFBIG)`,
    );
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(directory)).toEqual(['bundle.pem']);
  });
});

describe('readFileBounded()', () => {
  it('reads a file whole, and says undefined when there is none', async () => {
    writeFileSync(join(directory, 'a'), 'content');

    expect((await readFileBounded(join(directory, 'a'), 7))?.toString()).toBe('content');
    expect(await readFileBounded(join(directory, 'b'), 7)).toBeUndefined();
  });

  it('refuses a file larger than allowed', async () => {
    const path = join(directory, 'a');
    writeFileSync(path, 'content!');

    await expect(readFileBounded(path, 7)).rejects.toMatchObject({
      code: 'STORE_UNUSABLE',
      message: `Cannot read ${path}: it has 8 bytes, more than the 7 allowed`,
    });
  });

  it('refuses a directory and a part of the path that is no directory', async () => {
    writeFileSync(join(directory, 'a'), '');

    await expect(readFileBounded(directory, 7)).rejects.toThrow('it is no plain file');
    await expect(readFileBounded(join(directory, 'a', 'b'), 7)).rejects.toThrow(
      'a part of the path is no directory (ENOTDIR)',
    );
  });
});

describe('ensureDirectory()', () => {
  it('creates it with its parents, for this user alone, and is content when it exists', async () => {
    const path = join(directory, 'store', 'bundles');

    await ensureDirectory(path);
    await ensureDirectory(path);

    expect([modeOf(path), modeOf(dirname(path))]).toEqual([0o700, 0o700]);
  });

  it('says what is in the way', async () => {
    const path = join(directory, 'a');
    writeFileSync(path, '');

    await expect(ensureDirectory(path)).rejects.toMatchObject({
      code: 'STORE_UNUSABLE',
      message: `Cannot create ${path}: something else is in its place (EEXIST)`,
    });
  });
});

describe('removeTemporaryFiles()', () => {
  it('removes what interrupted writes left, and nothing else', async () => {
    for (const name of ['a.pem', 'a.pem.0123456789ab.tmp', 'b.tmp', 'c.0123.tmp']) {
      writeFileSync(join(directory, name), '');
    }

    expect(await removeTemporaryFiles(directory)).toEqual(['a.pem.0123456789ab.tmp']);
    expect(readdirSync(directory).sort()).toEqual(['a.pem', 'b.tmp', 'c.0123.tmp']);
    expect(await removeTemporaryFiles(join(directory, 'none'))).toEqual([]);
  });
});
