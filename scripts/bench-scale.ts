import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../src/lab/subnet.ts';
import { APPS, CERTIFICATES, type ScaleWorld, startScaleWorld } from './bench-scale-world.ts';

/** One pass with nothing due, and the process that made it. */
export interface PassFigures {
  what: string;
  /** Of the pass, as its own log tells: observe and plan. */
  passMs: number;
  /** From the start of the process to its end; undefined for one that goes on. */
  wallMs: number | undefined;
  /** Processor time of the process until then, user and system. */
  processorMs: number | undefined;
  /** The most that was resident at any time until then (VmHWM). */
  peakKib: number;
}

export interface ScaleFigures {
  passes: PassFigures[];
  /** Of the list of all apps. */
  appsBytes: number;
}

const ROOT = resolve(import.meta.dirname, '..');
const TIMES = 5;
const PATIENCE_MS = 120_000;
const LOOK_MS = 10;
const TICKS_PER_SECOND = 100;
/** What lies in the store beside the certificates, so that passes need not read them all. */
const CACHES = ['index.jsonl', 'files.jsonl'];

/** Passes over a store of 10,000 certificates and a cluster of 5,000 apps in which nothing is due, in the form that is
 * shipped: processes of their own, with the environment of the image.
 * @param cache directory of a compile cache, as the image has one */
export async function measureScale(cache: string, say: (line: string) => void): Promise<ScaleFigures> {
  const world = await startScaleWorld(say);
  const env = { ...imageEnv(), NODE_COMPILE_CACHE: cache, ...world.settings };
  try {
    say('renew');
    await renewOnce('filling the caches', env);
    const warm: PassFigures[] = [];
    for (let time = 0; time < TIMES; time += 1)
      warm.push(await renewOnce(`\`renew\`, median of ${TIMES}`, env));
    for (const file of CACHES) rmSync(join(world.lab.storeDirectory, file), { force: true });
    const cold = await renewOnce('`renew` on a store without its index: every certificate is read', env);
    say('serve');
    return {
      passes: [cold, median(warm), ...(await servePasses(world, env))],
      appsBytes: world.appsBytes,
    };
  } finally {
    await world.stop();
  }
}

/** The variables that the image gives every process. */
function imageEnv(): Record<string, string> {
  const text = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
  const wanted = [...text.matchAll(/\b(NODE_OPTIONS|NODE_ENV|MALLOC_\w+)=(?:"([^"]*)"|(\S+))/g)];
  return Object.fromEntries(wanted.map(([, name = '', quoted, plain = '']) => [name, quoted ?? plain]));
}

async function renewOnce(what: string, env: Record<string, string>): Promise<PassFigures> {
  const startedMs = performance.now();
  const running = start(['renew'], env);
  const [status] = await once(running.child, 'exit');
  const wallMs = performance.now() - startedMs;
  const passMs = running.passes().at(-1);
  if (status !== 0 || passMs === undefined)
    throw new Error(`certathon renew ended with ${status}:\n${running.said()}`);
  return { what, passMs, wallMs, ...running.used() };
}

/** The first pass finds the index on disk, the others in memory. */
async function servePasses(world: ScaleWorld, env: Record<string, string>): Promise<PassFigures[]> {
  const host = world.settings.CERTATHON_BIND ?? '';
  const [challengePort, adminPort] = [await freePort(host), await freePort(host)];
  const token = 'token-of-the-bench';
  const running = start(['serve'], {
    ...env,
    CERTATHON_CHALLENGE_PORT: String(challengePort),
    CERTATHON_ADMIN_PORT: String(adminPort),
    CERTATHON_ADMIN_TOKEN: token,
  });
  try {
    const first = await running.pass(1);
    const figures: PassFigures[] = [
      { what: '`serve`, its first pass', passMs: first, wallMs: undefined, ...running.used() },
    ];
    const later: PassFigures[] = [];
    for (let time = 0; time < TIMES; time += 1) {
      const answer = await fetch(`http://${host}:${adminPort}/renew`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ now: false }),
      });
      if (answer.status !== 202) throw new Error(`POST /renew was answered with ${answer.status}`);
      const passMs = await running.pass(running.passes().length + 1);
      const what = `\`serve\`, each further pass, median of ${TIMES}`;
      later.push({ what, passMs, wallMs: undefined, ...running.used(), processorMs: undefined });
    }
    return [...figures, { ...median(later), peakKib: later.at(-1)?.peakKib ?? 0 }];
  } finally {
    running.child.kill();
    await once(running.child, 'exit');
  }
}

interface RunningProgram {
  child: ChildProcess;
  /** How long its passes took so far. */
  passes(): number[];
  /** Waits until so many have ended. @returns how long the last of them took */
  pass(count: number): Promise<number>;
  used(): Pick<PassFigures, 'processorMs' | 'peakKib'>;
  said(): string;
}

/** @source proc(5): VmHWM, the largest resident set so far, in KiB; utime and stime in ticks */
function start(args: string[], env: Record<string, string>): RunningProgram {
  const child = spawn(process.execPath, [join(ROOT, 'src/main.ts'), ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env.PATH ?? '', ...env, CERTATHON_LOG_LEVEL: 'debug' },
  });
  const [lines, passes]: [string[], number[]] = [[], []];
  let used: ReturnType<RunningProgram['used']> = { processorMs: 0, peakKib: 0 };
  const look = (): void => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      const peakKib = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]);
      // The name of the program may hold spaces: fields are counted from its closing parenthesis.
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      const ticks = Number(fields[11]) + Number(fields[12]);
      if (peakKib > 0) used = { processorMs: (ticks * 1000) / TICKS_PER_SECOND, peakKib };
    } catch {
      // It has ended.
    }
  };
  const timer = setInterval(look, LOOK_MS);
  child.once('exit', () => clearInterval(timer));
  createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => {
    lines.push(line);
    if (!line.includes('"pass.finished"')) return;
    passes.push((JSON.parse(line) as { durationMs: number }).durationMs);
    look();
  });
  const said = (): string => lines.slice(-8).join('\n').slice(-4_000);
  return {
    child,
    passes: () => passes,
    async pass(count) {
      for (const endMs = Date.now() + PATIENCE_MS; passes.length < count; await delay(LOOK_MS))
        if (Date.now() > endMs || child.exitCode !== null)
          throw new Error(`certathon ${args[0]} made ${passes.length} good passes, not ${count}:\n${said()}`);
      return passes[count - 1] as number;
    },
    used: () => used,
    said,
  };
}

/** By the time of the pass. */
function median(figures: readonly PassFigures[]): PassFigures {
  return figures.toSorted((a, b) => a.passMs - b.passMs)[Math.floor(figures.length / 2)] as PassFigures;
}

export function scaleTable({ passes }: ScaleFigures): string {
  const rows = passes.map(({ what, passMs, wallMs, processorMs, peakKib }) => {
    const seconds = [passMs, wallMs, processorMs].map((ms) =>
      ms === undefined ? '-' : `${(ms / 1000).toFixed(2)} s`,
    );
    return `| ${[what, ...seconds, `${Math.round((peakKib * 1024) / 1e6)} MB`].join(' | ')} |`;
  });
  return `| A pass with nothing due | The pass | The whole command | Processor time | Most memory (VmHWM) |
| --- | --- | --- | --- | --- |
${rows.join('\n')}`;
}

/** docs/benchmarks-scale.md, whole. */
export function renderScale(figures: ScaleFigures, machine: string, load: string): string {
  const thousands = (count: number): string => count.toLocaleString('en-US');
  return `# Benchmarks at scale

Written by the command below. It reports; no test depends on these figures.

\`\`\`
npm run bench -- --only scale --write
\`\`\`

${machine}; load of the machine when it began (1, 5, 15 minutes): ${load}. Marathon, the balancer and the program share it.

The store holds ${thousands(CERTIFICATES)} certificates (P-256, one name each, \`--pack name\`), Marathon ${thousands(APPS)} apps with 16 labels each that ask
for their names. Of each it is known when its CA wants it renewed. Delivery is by directory: all files are in place, and one
real HAProxy has loaded them. Nothing is due.

${scaleTable(figures)}

- The pass: read the labels of all apps and the state of all certificates and files, ask the balancer for 50 of the
  names, plan. \`durationMs\` of the line \`pass.finished\`.
- The program runs as a process of its own with the environment of the image (compile cache, limits of the heap and
  of malloc).
- Marathon's list of all apps (${(figures.appsBytes / 1e6).toFixed(1)} MB) is answered from memory; a real Marathon takes its own time for it.
- Processor time includes the start of the program; \`serve\` starts once.
`;
}
