import { spawn, spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

/** Types, lint, then Vitest with the arguments given. A failed check does not keep the tests from running;
 * it counts as a failure in the closing line, which the reporter writes. */
const root = resolve(import.meta.dirname, '..');

const CHECKS = [
  { name: 'types', argv: ['node_modules/typescript/bin/tsc'] },
  { name: 'lint', argv: ['node_modules/@biomejs/biome/bin/biome', 'check'] },
] as const;

let failedChecks = 0;
for (const { name, argv } of CHECKS) {
  const done = spawnSync(process.execPath, argv, { cwd: root, encoding: 'utf8' });
  console.log(`${name}: ${done.status === 0 ? 'passed' : 'failed'}`);
  if (done.status === 0) continue;
  failedChecks += 1;
  console.log(`${done.stdout}${done.stderr}`.trim());
}

const vitest = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, CERTATHON_FAILED_CHECKS: String(failedChecks) },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // A terminal sends Ctrl-C to every process in the foreground by itself.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) vitest.kill(signal);
  });
}
vitest.on('exit', (status) => {
  process.exitCode = status === 0 && failedChecks > 0 ? 1 : (status ?? 1);
});
