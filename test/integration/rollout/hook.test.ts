import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CertathonError } from '../../../src/lib/errors.ts';
import { checkHook, type HookCall, runHook } from '../../../src/rollout/hook.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { until } from '../../support/until.ts';

const directory = temporaryDirectory();

/** A script of the shell, in a file of its own. */
function script(lines: string, mode = 0o755, head = '#!/bin/sh'): string {
  const path = join(directory.path, 'hook');
  writeFileSync(path, `${head}\n${lines}\n`);
  chmodSync(path, mode);
  return path;
}

const ARGS = ['{"id":"/shop-blue"}', '["shop.1","shop.2"]', '{"id":"/shop-green"}'] as const;

function run(path: string, more: Partial<HookCall> = {}) {
  return runHook({ path, args: ARGS, timeoutMs: 30_000, signal: new AbortController().signal, ...more });
}

/** What the run ends with. */
async function failureOf(running: Promise<unknown>): Promise<CertathonError> {
  const error = await running.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof CertathonError)) throw new Error(`no failure of ours: ${error}`);
  expect(error.code).toBe('ROLLOUT_HOOK_FAILED');
  return error;
}

function pidIn(path: string): number | undefined {
  return existsSync(path) ? Number(readFileSync(path, 'utf8')) || undefined : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A process that has ended and that nobody has asked after yet is not alive.
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

describe('checkHook()', () => {
  it('finds nothing wrong with a program that may be run', () => {
    expect(checkHook(script('exit 0'))).toBeUndefined();
  });

  it('says that it is missing, no file, not executable, or behind something that is no directory', () => {
    const path = join(directory.path, 'nothing');
    mkdirSync(join(directory.path, 'folder'));
    const plain = script('exit 0', 0o644);

    expect(checkHook(path)).toBe(`The pre-kill hook "${path}" is not there`);
    expect(checkHook(join(directory.path, 'folder'))).toMatch(/^The pre-kill hook ".*" is not a file$/);
    expect(checkHook(plain)).toBe(`The pre-kill hook "${plain}" is not executable for this user`);
    expect(checkHook(join(plain, 'x'))).toMatch(/^The pre-kill hook ".*" can not be looked at: ENOTDIR/);
  });
});

describe('runHook()', () => {
  it('hands over three arguments, and the same once more as one document', async () => {
    const output = await run(script('printf "%s\\n" "$#" "$@"; cat; echo aside >&2'));

    const [count, old, taskIds, fresh, document] = output.stdout.split('\n');
    expect([count, old, taskIds, fresh]).toEqual(['3', ...ARGS]);
    expect(JSON.parse(document ?? '')).toEqual({
      old: { id: '/shop-blue' },
      taskIds: ['shop.1', 'shop.2'],
      new: { id: '/shop-green' },
    });
    expect(output.stderr).toBe('aside\n');
  });

  it('uses no shell for what stands in an app', async () => {
    const args = ['{"a":"$(exit 1)`false`"}', '[]', '{"b":"x; false"}'] as const;

    expect((await run(script('printf "%s" "$1$3"'), { args })).stdout).toBe(`${args[0]}${args[2]}`);
  });

  it.each([
    [
      'a status and the last line of its complaints',
      'echo fine; echo first >&2; echo "not yet" >&2; exit 3',
      'says no, with status 3: not yet',
    ],
    ['a status and the last line of all else', 'echo "ask Bob"; exit 1', 'says no, with status 1: ask Bob'],
    ['a status alone', 'exit 42', 'says no, with status 42'],
    ['the signal that ended it', 'kill -9 $$', 'was ended by SIGKILL'],
    [
      'nothing that turns the terminal',
      'printf "\\033[31mred\\007"; exit 1',
      'says no, with status 1: \\u{1b}[31mred\\u{7}',
    ],
  ])('fails with %s', async (_what, lines, words) => {
    const path = script(lines);

    expect((await failureOf(run(path))).message).toBe(`The pre-kill hook "${path}" ${words}`);
  });

  it('keeps a long last line short', async () => {
    const error = await failureOf(run(script('head -c 3000 /dev/zero | tr "\\0" x; exit 1')));

    expect(error.message).toMatch(/: x{499}…$/);
  });

  it('fails when the program or its interpreter is not there', async () => {
    const path = script('exit 0', 0o755, '#!/no/such/interpreter');

    expect((await failureOf(run(path))).message).toMatch(/could not be run .*ENOENT/);
    expect((await failureOf(run(join(directory.path, 'nothing')))).message).toMatch(
      /could not be run .*ENOENT/,
    );
  });

  it('ends one that hangs, and whatever it started, when its time is over', async () => {
    const file = join(directory.path, 'pid');
    const path = script(`sleep 600 & echo $! > ${file}; echo hanging; wait`);

    const error = await failureOf(run(path, { timeoutMs: 700 }));

    expect(error.message).toBe(`The pre-kill hook "${path}" took longer than 0.7 s and was ended: hanging`);
    const pid = pidIn(file) as number;
    await until('the child of the hook is gone', () => !isAlive(pid), 5_000);
  });

  it('ends one that does not mind SIGTERM', async () => {
    const error = await failureOf(
      run(script('trap "" TERM; while :; do sleep 0.1; done'), { timeoutMs: 400 }),
    );

    expect(error.message).toContain('took longer than 0.4 s and was ended');
  });

  it('ends it when the program is stopped, and tells the reason of the stop', async () => {
    const stopping = new AbortController();
    const file = join(directory.path, 'pid');
    const running = run(script(`echo $$ > ${file}; exec sleep 600`), { signal: stopping.signal });
    const reason = new CertathonError('STOPPED', 'Stopped by SIGINT');

    const pid = await until('the hook runs', () => pidIn(file));
    stopping.abort(reason);

    await expect(running).rejects.toBe(reason);
    expect(isAlive(pid)).toBe(false);
  });

  it('does not begin once the program is stopped', async () => {
    const file = join(directory.path, 'ran');

    await expect(run(script(`touch ${file}`), { signal: AbortSignal.abort('stopped') })).rejects.toBe(
      'stopped',
    );
    expect(existsSync(file)).toBe(false);
  });

  it('keeps the end of what a talkative one writes', async () => {
    const { stdout, stderr } = await run(
      script(
        'head -c 5000000 /dev/zero | tr "\\0" x; echo; echo end; head -c 5000000 /dev/zero | tr "\\0" y >&2',
      ),
    );

    expect(stdout).toHaveLength(64 * 1024);
    expect(stdout.endsWith('x\nend\n')).toBe(true);
    expect(stderr).toBe('y'.repeat(64 * 1024));
  });

  it('lets one be that does not read, however much there is to read', async () => {
    const args = [JSON.stringify('a'.repeat(120_000)), '[]', JSON.stringify('b'.repeat(120_000))] as const;

    expect((await run(script('exec <&-; echo agreed'), { args })).stdout).toBe('agreed\n');
  });

  it('does not wait for what a hook left running with its output open', async () => {
    const file = join(directory.path, 'pid');

    const { stdout } = await run(script(`sleep 600 & echo $! > ${file}; echo agreed`), { timeoutMs: 20_000 });

    expect(stdout).toBe('agreed\n');
    process.kill(pidIn(file) as number);
  });

  it.each([
    ['The definition of the old app', 0],
    ['The list of tasks', 1],
    ['The definition of the new app', 2],
  ])('says which argument Linux would not take: %s', async (what, place) => {
    const path = script('exit 0');
    const large = `"${'ü'.repeat(65_535)}"`;
    const args = ARGS.map((text, at) => (at === place ? large : text)) as unknown as HookCall['args'];

    expect((await failureOf(run(path, { args }))).message).toBe(
      `${what} is too large for an argument of the pre-kill hook: 131072 bytes, and Linux takes 131071`,
    );
  });

  it('takes the largest argument that Linux takes', async () => {
    const args = [ARGS[0], ARGS[1], JSON.stringify('a'.repeat(131_069))] as const;

    expect((await run(script('printf "%s" "$3" | wc -c'), { args })).stdout.trim()).toBe('131071');
  });
});
