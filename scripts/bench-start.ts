import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { claimSubnet, freePort } from '../src/lab/subnet.ts';

const MAIN = resolve(import.meta.dirname, '../src/main.ts');
export const TIMES = 5;

export interface Timing {
  withoutCacheMs: number;
  withCacheMs: number;
}

/** From the start of the process to the line `service.started`, which is written when both ports answer. Marathon
 * and the CA are away: a start does not wait for either.
 * @param cache directory of a compile cache, as the image has one; it is filled first */
export async function measureStart(cache: string): Promise<Timing> {
  const subnet = await claimSubnet();
  const address = subnet.address(2);
  const nobody = await freePort(address);
  try {
    return await withAndWithoutCache(cache, async (env) => {
      const store = await mkdtemp(join(tmpdir(), 'certathon-bench-'));
      const [challengePort, adminPort] = [await freePort(address), await freePort(address)];
      const startedMs = performance.now();
      const child = run(['serve'], {
        ...env,
        CERTATHON_BIND: address,
        CERTATHON_CHALLENGE_PORT: String(challengePort),
        CERTATHON_ADMIN_PORT: String(adminPort),
        CERTATHON_STORE: store,
        CERTATHON_MARATHON_URL: `http://${address}:${nobody}`,
        CERTATHON_ACME_DIRECTORY: `https://${address}:${nobody}/`,
      });
      try {
        await lineWith(child, '"service.started"');
        return performance.now() - startedMs;
      } finally {
        child.kill();
        await ended(child);
        await rm(store, { recursive: true, force: true });
      }
    });
  } finally {
    await subnet.release();
  }
}

/** From the start to the end of `certathon renew` when nothing is due and every balancer serves the certificate.
 * @param settings environment with which the program reaches its cluster and its store */
export function measureIdleRenew(settings: Record<string, string>, cache: string): Promise<Timing> {
  return withAndWithoutCache(cache, async (env) => {
    const startedMs = performance.now();
    const status = await ended(run(['renew'], { ...env, ...settings }));
    if (status !== 0) throw new Error(`certathon renew ended with status ${status}`);
    return performance.now() - startedMs;
  });
}

async function withAndWithoutCache(
  cache: string,
  once: (env: Record<string, string>) => Promise<number>,
): Promise<Timing> {
  const withoutCacheMs = await medianOf(() => once({}));
  await once({ NODE_COMPILE_CACHE: cache });
  return { withoutCacheMs, withCacheMs: await medianOf(() => once({ NODE_COMPILE_CACHE: cache })) };
}

async function medianOf(once: () => Promise<number>): Promise<number> {
  const taken: number[] = [];
  for (let time = 0; time < TIMES; time += 1) taken.push(await once());
  return taken.toSorted((a, b) => a - b)[Math.floor(TIMES / 2)] as number;
}

/** Only what is named is passed on, so that the measuring shell's own settings change nothing. */
function run(args: string[], env: Record<string, string>): ChildProcess {
  return spawn(process.execPath, [MAIN, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env.PATH ?? '', ...env },
  });
}

function lineWith(child: ChildProcess, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let seen = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
      if (seen.includes(text)) resolve();
    });
    child.once('exit', () =>
      reject(new Error(`certathon serve ended before ${text}:\n${seen.slice(-2000)}`)),
    );
  });
}

function ended(child: ChildProcess): Promise<number | null> {
  child.stderr?.resume();
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => child.once('exit', (status) => resolve(status)));
}
