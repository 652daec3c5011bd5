import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { isAlive, SLEEP, until } from './lab-harness.ts';

const START = new URL('../../../../src/lab/marathon/start.ts', import.meta.url).href;

/** A program that starts a lab with one task and prints the process id of the task. */
const program = (workDirectory: string) => `
import { startMarathon } from ${JSON.stringify(START)};
const lab = await startMarathon({
  address: '127.0.0.1',
  agents: [{ host: '127.0.31.21' }],
  credentials: 'none',
  workDirectory: ${JSON.stringify(workDirectory)},
});
await fetch(lab.url + '/v2/apps', {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ id: '/app', cmd: ${JSON.stringify(SLEEP)}, portDefinitions: [] }),
});
const wait = setInterval(() => {
  const pid = lab.tasks('/app')[0]?.pid;
  if (pid === undefined) return;
  clearInterval(wait);
  console.log(pid);
}, 5);
`;

test.each(['SIGKILL', 'SIGTERM'] as const)('no task outlives a lab that dies by %s', async (signal) => {
  const workDirectory = await mkdtemp(join(tmpdir(), 'marathon-lab-'));
  const lab = spawn(process.execPath, ['--input-type=module', '-e', program(workDirectory)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const pid = await new Promise<number>((resolve) => {
    createInterface({ input: lab.stdout }).once('line', (line) => resolve(Number(line)));
  });
  const before = isAlive(pid);

  lab.kill(signal);

  expect(before).toBe(true);
  await until('the task is dead', () => !isAlive(pid));
  await rm(workDirectory, { recursive: true, force: true });
});
