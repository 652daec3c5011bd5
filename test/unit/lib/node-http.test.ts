import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const MODULE = fileURLToPath(new URL('../../../src/lib/node-http.ts', import.meta.url));
const loadedAfter = (what: string) => {
  const code = `${what}; console.log(process.moduleLoadList.some((each) => each.includes('internal/deps/undici')))`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' }).stdout.trim();
};

describe('node:http', () => {
  it('does not load fetch and WebSockets with it', () => {
    expect(loadedAfter(`await import('file://${MODULE}')`)).toBe('false');
  });

  it('would, when it is imported by name', () => {
    expect(loadedAfter(`await import('node:http')`)).toBe('true');
  });
});
