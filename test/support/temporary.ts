import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';

/** A fresh directory for each test of a file, gone afterwards. */
export function temporaryDirectory(): { readonly path: string } {
  const current = { path: '' };
  beforeEach(() => {
    current.path = mkdtempSync(join(tmpdir(), 'certathon-test-'));
  });
  afterEach(() => rmSync(current.path, { recursive: true, force: true }));
  return current;
}
