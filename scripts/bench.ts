import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CELLS, type Cell, type CellFigures, cellName, measureCells, whatFailed } from './bench-cells.ts';
import { measureInLab } from './bench-lab.ts';
import { measureRollouts, renderRollouts } from './bench-rollouts.ts';
import { measureScale, renderScale, scaleTable } from './bench-scale.ts';
import { measureStart } from './bench-start.ts';
import { renderBenchmarks, renderCells, renderProgram } from './bench-table.ts';

/** `npm run bench`: measures and reports; nothing is asserted and nothing depends on it.
 * `-- --only TEXT` measures only the cells whose names hold the text, `-- --only program` the program by itself,
 * `-- --only rollouts` rollouts, and `-- --only scale` thousands of certificates; `-- --write` puts the figures into
 * docs/benchmarks.md, those of rollouts into docs/benchmarks-rollouts.md, those of scale into docs/benchmarks-scale.md. */
const PROGRAM = 'program';
const ROLLOUTS = 'rollouts';
const SCALE = 'scale';
const say = (line: string): void => console.error(`${new Date().toISOString().slice(11, 19)} ${line}`);

const { only, write } = parsed();
const cells = CELLS.filter((cell) => only === undefined || cellName(cell).includes(only));
const withProgram = only === undefined || only === PROGRAM;
const withRollouts = only === undefined || only === ROLLOUTS;
const withScale = only === undefined || only === SCALE;
if (cells.length === 0 && !withProgram && !withRollouts && !withScale)
  stop(`No cell has "${only}" in its name:\n${names().join('\n')}`);
if (only !== undefined && only !== ROLLOUTS && only !== SCALE && write)
  stop('--write needs all figures of one run: leave out --only.');

if (withRollouts) {
  const text = renderRollouts(await measureRollouts(say), machineWords());
  console.log(text);
  if (write) writeFileSync(resolve(import.meta.dirname, '../docs/benchmarks-rollouts.md'), text);
}
if (withScale) {
  const load = loadavg().map((each) => each.toFixed(1));
  const figures = await withCache((cache) => measureScale(cache, say));
  console.log(scaleTable(figures));
  const text = renderScale(figures, machineWords(), load.join(', '));
  if (write) writeFileSync(resolve(import.meta.dirname, '../docs/benchmarks-scale.md'), text);
}
const program = withProgram ? await measureProgram() : undefined;
if (program !== undefined) console.log(`${renderProgram(program)}\n`);
const { figures, failures } = await measureAll();
if (figures.length > 0) console.log(renderCells(figures));
for (const failure of failures) console.error(failure);
if (failures.length > 0) process.exitCode = 1;
else if (write && program !== undefined) {
  const file = resolve(import.meta.dirname, '../docs/benchmarks.md');
  writeFileSync(
    file,
    renderBenchmarks(program, figures, {
      day: new Date().toISOString().slice(0, 10),
      processors: availableParallelism(),
      node: process.versions.node,
      haproxy: versionOf('haproxy', ['-v']),
    }),
  );
  say('docs/benchmarks.md written');
}

function parsed(): { only?: string | undefined; write: boolean } {
  try {
    const options = { only: { type: 'string' }, write: { type: 'boolean', default: false } } as const;
    return parseArgs({ options }).values;
  } catch (error) {
    return stop(`${(error as Error).message}\nKnown: --only TEXT, --write`);
  }
}

function stop(words: string): never {
  console.error(words);
  process.exit(2);
}

function names(): string[] {
  return [PROGRAM, ROLLOUTS, SCALE, ...CELLS.map(cellName)];
}

function machineWords(): string {
  const day = new Date().toISOString().slice(0, 10);
  return `${day}, ${availableParallelism()} processors, Node ${process.versions.node}, HAProxy ${versionOf('haproxy', ['-v'])}`;
}

function measureProgram() {
  return withCache(async (cache) => {
    say('start of serve');
    const start = await measureStart(cache);
    return { start, ...(await measureInLab(cache, say)) };
  });
}

/** With the directory of a compile cache. */
async function withCache<T>(work: (cache: string) => Promise<T>): Promise<T> {
  const cache = mkdtempSync(join(tmpdir(), 'certathon-cache-'));
  try {
    return await work(cache);
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
}

/** One cell that fails does not take the others along. */
async function measureAll(): Promise<{ figures: CellFigures[]; failures: string[] }> {
  const groups = Object.values(
    Object.groupBy(cells, ({ strategy, balancers }) => `${strategy} ${balancers}`),
  ) as Cell[][];
  const figures: CellFigures[] = [];
  const failures: string[] = [];
  for (const group of groups) {
    const what = group.map(cellName).join('; ');
    say(what);
    await measureCells(group).then(
      (measured) => {
        figures.push(...measured);
        for (const cell of measured) for (const line of whatFailed(cell)) say(`  ${cell.front}: ${line}`);
      },
      (error: unknown) => void failures.push(`${what}: ${error instanceof Error ? error.stack : error}`),
    );
  }
  return { figures, failures };
}

/** `HAProxy version 2.6.12-1+deb12u4 2026/10/17 - …` → `2.6.12` */
function versionOf(command: string, args: string[]): string {
  const { stdout } = spawnSync(command, args, { encoding: 'utf8' });
  return /\d+\.\d+\.\d+/.exec(stdout ?? '')?.[0] ?? 'unknown';
}
