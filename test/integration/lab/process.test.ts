import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { requireProgram, runToEnd, startProcess } from '../../../src/lab/process.ts';

test('a missing program is named together with its Debian package', () => {
  expect(() => requireProgram('no-such-program', 'pebble')).toThrow(
    'The lab needs no-such-program: install the Debian package pebble (apt install pebble)',
  );
});

test('stop() asks first and insists after the grace period', async () => {
  const polite = await startProcess('/bin/sh', [
    '-c',
    'trap "echo bye; exit 3" TERM; echo up; while :; do sleep 0.05; done',
  ]);
  const deaf = await startProcess('/bin/sh', ['-c', 'trap "" TERM; echo up; while :; do sleep 0.05; done']);
  while (polite.lastOutput() === '' || deaf.lastOutput() === '')
    await new Promise((done) => setTimeout(done, 10));

  await Promise.all([polite.stop(), deaf.stop(100)]);

  expect(await polite.ended).toEqual({ code: 3, signal: null });
  expect(await deaf.ended).toEqual({ code: null, signal: 'SIGKILL' });
  expect(deaf.hasEnded()).toBe(true);
});

test('what it writes is kept and logged, both outputs together', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lab-'));
  const logFile = join(directory, 'log');
  const started = await startProcess('/bin/sh', ['-c', 'echo one; echo two >&2; exit 4'], { logFile });

  expect((await started.ended).code).toBe(4);

  await started.outputEnded;
  expect(readFileSync(logFile, 'utf8').trim().split('\n').sort()).toEqual(['one', 'two']);
  expect(started.lastOutput()).toMatch(/one/);
  rmSync(directory, { recursive: true });
});

test('runToEnd() gives status and output, and ends what takes too long', async () => {
  expect((await runToEnd('/bin/sh', ['-c', 'exit 5'])).status).toBe(5);
  expect((await runToEnd('/bin/sleep', ['60'], { timeoutMs: 100 })).status).toBe(137);
  await expect(startProcess('/no/such/file', [], { diesWithStarter: false })).rejects.toThrow('Cannot start');
});
