import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { measureInLab } from './bench-lab.ts';
import { measureStart } from './bench-start.ts';
import { type Figures, renderBenchmarks, renderTable } from './bench-table.ts';

/** `npm run bench`: measures and reports; nothing is asserted and nothing depends on it.
 * `npm run bench -- --write` also puts the table into docs/benchmarks.md. */
const say = (line: string): void => console.error(`${new Date().toISOString().slice(11, 19)} ${line}`);

const [option, ...more] = process.argv.slice(2);
if ((option !== undefined && option !== '--write') || more.length > 0) {
  console.error('Only --write is known: it puts the table into docs/benchmarks.md.');
  process.exit(2);
}
const figures = await measure();
console.log(renderTable(figures));
if (option === '--write') {
  const file = resolve(import.meta.dirname, '../docs/benchmarks.md');
  writeFileSync(
    file,
    renderBenchmarks(figures, {
      day: new Date().toISOString().slice(0, 10),
      processors: availableParallelism(),
      node: process.versions.node,
      haproxy: versionOf('haproxy', ['-v']),
    }),
  );
  say('docs/benchmarks.md written');
}

async function measure(): Promise<Figures> {
  const cache = mkdtempSync(join(tmpdir(), 'certathon-cache-'));
  try {
    say('start of serve');
    const start = await measureStart(cache);
    return { start, ...(await measureInLab(cache, say)) };
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
}

/** `HAProxy version 2.6.12-1+deb12u4 2026/10/17 - …` → `2.6.12` */
function versionOf(program: string, args: string[]): string {
  const { stdout } = spawnSync(program, args, { encoding: 'utf8' });
  return /\d+\.\d+\.\d+/.exec(stdout ?? '')?.[0] ?? 'unknown';
}
