import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Lab, startLab } from '../src/lab/cluster.ts';
import { startMixedLoad } from '../src/lab/load-mixed.ts';

/** One rollout under load. */
export interface RolloutFigures {
  what: string;
  wallMs: number;
  requests: number;
  failed: number;
}

const PORT = 10_000;
const RATE = 30;
const LONGEST_S = 150;
const ROOT = resolve(import.meta.dirname, '..');

/** What is measured, each from where the one before it ended. */
const RUNS: readonly { what: string; instances: number; words: readonly string[] }[] = [
  { what: 'zdd.py’s own ladder', instances: 4, words: [] },
  { what: 'the old colour kept whole', instances: 4, words: ['--old', 'keep'] },
  { what: 'all four at once', instances: 4, words: ['-i', '4'] },
  { what: 'a split of 2', instances: 4, words: ['-n', '2'] },
  { what: 'the completion of that split', instances: 4, words: ['-c'] },
  { what: 'a split of 2, once more', instances: 4, words: ['-n', '2'] },
  { what: 'the way back from that split', instances: 4, words: ['-p'] },
  { what: 'zdd.py’s own ladder', instances: 10, words: [] },
  { what: 'the old colour kept whole', instances: 10, words: ['--old', 'keep'] },
  { what: 'all ten at once', instances: 10, words: ['-i', '10'] },
];

/** Rollouts of the shipped example, checked every 2 s, behind two balancers, by `certathon zdd` from its start to its
 * exit. @throws Error when one of them does not end well */
export async function measureRollouts(say: (line: string) => void): Promise<RolloutFigures[]> {
  const lab = await startLab({ marathon: { credentials: 'none' } });
  const directory = mkdtempSync(join(tmpdir(), 'certathon-bench-'));
  const figures: RolloutFigures[] = [];
  try {
    for (const { what, instances, words } of RUNS) {
      const file = definitionOf(directory, instances);
      const isFirst = figures.at(-1)?.what.startsWith(`${instances} `) !== true;
      if (isFirst) await fromNothing(lab, file);
      say(`${instances} instances, ${what}`);
      figures.push({ what: `${instances} instances, ${what}`, ...(await underLoad(lab, file, words)) });
    }
    return figures;
  } finally {
    rmSync(directory, { recursive: true, force: true });
    await lab.stop();
  }
}

function definitionOf(directory: string, instances: number): string {
  const shipped = JSON.parse(readFileSync(join(ROOT, 'deploy/rollout/nginx.json'), 'utf8')) as object;
  const file = join(directory, `${instances}.json`);
  writeFileSync(file, JSON.stringify({ ...shipped, instances }));
  return file;
}

async function fromNothing(lab: Lab, file: string): Promise<void> {
  for (const colour of ['blue', 'green']) await lab.api('DELETE', `/v2/apps/nginx-${colour}`);
  await zdd(lab, file, []);
}

async function underLoad(
  lab: Lab,
  file: string,
  words: readonly string[],
): Promise<Omit<RolloutFigures, 'what'>> {
  const loads = lab.publicAgents.map((address) =>
    startMixedLoad({
      ...{ address, port: PORT, plain: true, ratePerSecond: RATE, timeoutMs: 10_000, lastingSeconds: 1 },
      ...{ maxSeconds: LONGEST_S, maxRequests: RATE * LONGEST_S },
    }),
  );
  const startedMs = performance.now();
  let wallMs = 0;
  try {
    await zdd(lab, file, words);
    wallMs = performance.now() - startedMs;
  } finally {
    await Promise.all(loads.map((load) => load.stop()));
  }
  const reports = await Promise.all(loads.map((load) => load.finished));
  const sum = (key: 'requests' | 'failed') => reports.reduce((total, report) => total + report[key], 0);
  return { wallMs, requests: sum('requests'), failed: sum('failed') };
}

async function zdd(lab: Lab, file: string, words: readonly string[]): Promise<void> {
  const balancers = lab.publicAgents.map((host) => `http://${host}:${lab.ports.admin}`).join(',');
  const flags = ['-j', file, '-m', lab.marathon.url, '-f', '-l', balancers, '--syslog-socket', '/dev/null'];
  const child = spawn(process.execPath, [join(ROOT, 'src/main.ts'), 'zdd', ...flags, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk;
  });
  const [status] = await once(child, 'exit');
  if (status !== 0) throw new Error(`certathon zdd ${words.join(' ')} ended with ${status}:\n${said}`);
}

/** docs/benchmarks-rollouts.md, whole. */
export function renderRollouts(figures: readonly RolloutFigures[], machine: string): string {
  const rows = figures.map(
    ({ what, wallMs, requests, failed }) =>
      `| ${what} | ${(wallMs / 1000).toFixed(1)} s | ${requests.toLocaleString('en-US')} | ${failed} |`,
  );
  return `# Benchmarks of rollouts

Written by the command below. It reports; no test depends on these figures.

\`\`\`
npm run bench -- --only rollouts --write
\`\`\`

${machine}; everything runs on this one machine: Marathon, two balancers, the tasks, the load, and the program itself.

| \`certathon zdd\`, from its start to its exit | Took | Requests | Failed |
| --- | --- | --- | --- |
${rows.join('\n')}

- The app is \`deploy/rollout/nginx.json\`, checked every 2 s; Marathon's first check comes 2 s after a new size is asked
  for, so each step up takes so long at least.
- Load: ${RATE} requests a second at each balancer. Of a hundred 45 have a connection of their own, 45 use one that was used
  before, 4 are answered after 1 s, 3 upload for 1 s, 3 download for 1 s.
- The real \`zdd.py\` with a real marathon-lb needed 30.4 s for 4 instances (\`--step-delay 5\`), 12.4 s (\`--step-delay 1\`),
  307.7 s for a split and 304.6 s for its completion.
`;
}
