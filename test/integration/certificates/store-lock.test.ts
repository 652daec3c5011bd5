import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { withStoreLock } from '../../../src/certificates/store-lock.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { until } from '../../support/until.ts';

const directory = temporaryDirectory();
const home = () => join(directory.path, 'store');
const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }
});
const options = (changes: object = {}) => ({
  waitMs: 0,
  clock: systemClock,
  log: silentLog,
  signal: new AbortController().signal,
  ...changes,
});

/** Another program that takes the lock and then does what it is told. */
function start(work: string): ChildProcess & { lines: string[] } {
  const src = resolve(import.meta.dirname, '../../../src');
  const script = join(directory.path, `script-${children.length}.mts`);
  writeFileSync(
    script,
    `
    import { mkdirSync, rmdirSync } from 'node:fs';
    import { setTimeout as delay } from 'node:timers/promises';
    import { withStoreLock } from '${src}/certificates/store-lock.ts';
    import { systemClock as clock } from '${src}/lib/clock.ts';
    import { silentLog as log } from '${src}/lib/log.ts';
    const home = ${JSON.stringify(home())};
    const signal = new AbortController().signal;
    ${work}
    `,
  );
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const lines: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => lines.push(...text.trim().split('\n')));
  return Object.assign(child, { lines });
}

const HOLD_ON = `
  await withStoreLock(home, { waitMs: 0, clock, log, signal }, async () => {
    console.log('holds');
    await delay(60_000);
  });
`;

describe('withStoreLock()', () => {
  it('lets one program write at a time', async () => {
    mkdirSync(home());
    // A directory that is there already would show a second writer.
    const work = `
      for (let turn = 0; turn < 5; turn += 1)
        await withStoreLock(home, { waitMs: 30_000, clock, log, signal }, async () => {
          mkdirSync(home + '/busy');
          await delay(5);
          rmdirSync(home + '/busy');
        });
      console.log('done');
    `;
    const [one, other] = [start(work), start(work)];

    await Promise.all([once(one, 'exit'), once(other, 'exit')]);

    expect([one.lines, other.lines]).toEqual([['done'], ['done']]);
    expect(readdirSync(home())).toEqual([]);
  });

  it('says who is in the way when it may not wait', async () => {
    mkdirSync(home());
    const holder = start(HOLD_ON);
    await until('the other holds the lock', () => holder.lines.includes('holds'));

    const outcome = withStoreLock(home(), options(), async () => 'done');

    await expect(outcome).rejects.toMatchObject({
      code: 'STORE_LOCKED',
      message: `Another pass works on the store ${home()}; waited 0 s`,
    });
  });

  it('stops waiting when it is told to', async () => {
    mkdirSync(home());
    const holder = start(HOLD_ON);
    await until('the other holds the lock', () => holder.lines.includes('holds'));
    const stop = new AbortController();

    const outcome = withStoreLock(
      home(),
      options({ waitMs: 60_000, signal: stop.signal }),
      async () => 'done',
    );
    stop.abort(new Error('stopped'));

    await expect(outcome).rejects.toThrow('stopped');
  });

  it('comes free some time after its holder was killed', async () => {
    mkdirSync(home());
    const holder = start(HOLD_ON);
    await until('the other holds the lock', () => holder.lines.includes('holds'));
    const exit = once(holder, 'exit');
    holder.kill('SIGKILL');
    await exit;
    const wasLeft = existsSync(join(home(), '.lock'));

    const outcome = await withStoreLock(home(), options({ waitMs: 40_000 }), async () => 'done');

    expect(wasLeft).toBe(true);
    expect(outcome).toBe('done');
  });

  it('tells its holder when somebody else took it, as after a long suspension', async () => {
    mkdirSync(home());

    const reason = await withStoreLock(home(), options(), async (lost) => {
      // What another program does with a lock that has no heartbeat.
      rmdirSync(join(home(), '.lock'));
      await until('the loss is noticed', () => lost.aborted, 30_000);
      return lost.reason as unknown;
    });

    expect(reason).toMatchObject({
      code: 'STORE_LOCKED',
      message: expect.stringContaining('was lost to another writer'),
    });
  });

  it('is released when the work fails', async () => {
    mkdirSync(home());

    await expect(withStoreLock(home(), options(), () => Promise.reject(new Error('work')))).rejects.toThrow(
      'work',
    );

    expect(await withStoreLock(home(), options(), async () => 'done')).toBe('done');
  });

  it('says so when there is no store', async () => {
    await expect(withStoreLock(home(), options(), async () => 'done')).rejects.toMatchObject({
      code: 'STORE_UNUSABLE',
      message: `The store ${home()} can not be locked: ENOENT`,
    });
  });
});
