import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { type DriveIo, type DriveWork, drive } from '../../../src/cli/rollout-drive.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { CertathonError } from '../../../src/lib/errors.ts';
import { silentLog } from '../../../src/lib/log.ts';
import type { RolloutOutcome, RolloutUi } from '../../../src/rollouts.ts';
import type { Running } from '../../../src/service.ts';
import { manualClock } from '../../support/clock.ts';
import { rolloutProgress } from '../../support/rollout-progress.ts';

const MANNER = { command: 'rollout start', flag: '--yes', asksEachRemoval: false };
const DONE: RolloutOutcome = { group: 'shop', state: 'complete', sentence: 'green serves' };
const GREEN = rolloutProgress({ serves: 'green', deadlineMs: undefined, sessions: [] });
const STUCK = new CertathonError('ROLLOUT_STUCK', 'No task is healthy', { facts: { serves: 'blue' } });

interface Case {
  flags?: Record<string, unknown>;
  manner?: Partial<DriveWork['manner']>;
  work: DriveWork['work'];
  goBack?: DriveWork['work'];
  signal?: AbortSignal;
  /** Typed at the terminal; undefined where there is none. */
  typed?: string;
}

/** Runs the work as a command would; with what it wrote and what it ended with. */
async function driven({ flags = { yes: true }, manner, work, goBack, signal, typed }: Case) {
  const { config } = loadConfig({
    command: 'rollout start',
    flags: { app: 'a.json', ...flags },
    env: {},
    terminal: false,
  });
  const texts: string[] = [];
  const running: Running = {
    ...{ config, log: silentLog, signal: signal ?? new AbortController().signal },
    clock: manualClock(Date.parse('2026-01-03T10:00:09.000Z')),
  };
  const input = Object.assign(new PassThrough(), { isTTY: typed !== undefined, setRawMode: () => undefined });
  const output = Object.assign(new PassThrough(), { isTTY: typed !== undefined });
  input.write(typed ?? '');
  const io: DriveIo = {
    output: { write: (text: string) => texts.push(text) },
    errors: { write: () => true },
    ...{ env: {}, asking: { input, output } },
  };
  const never: DriveWork['work'] = async () => {
    throw new Error('nobody asked for the way back');
  };
  const given = { manner: { ...MANNER, ...manner }, work, goBack: goBack ?? never };
  const ended = await drive(running, given, io).catch((thrown: unknown) => thrown);
  return { ended, text: texts.join(''), asked: String(output.read() ?? '') };
}

/** Work that shows one look and then does what is said. */
const looking =
  (then: (ui: RolloutUi) => Promise<RolloutOutcome>): DriveWork['work'] =>
  async (_running, ui) => {
    ui.progress(GREEN);
    return then(ui);
  };

describe('drive()', () => {
  it('ends with the colour that serves, and status 0', async () => {
    const { ended, text } = await driven({ work: looking(async () => DONE) });

    expect(ended).toBe(0);
    expect(text.split('\n').at(-2)).toBe('10:00:09 shop: complete; green serves');
  });

  it('names the colour that serves after a failure too, and passes the failure on', async () => {
    const { ended, text } = await driven({ work: looking(async () => Promise.reject(STUCK)) });

    expect(ended).toBe(STUCK);
    expect(text.split('\n').at(-2)).toBe('10:00:09 shop: failed (ROLLOUT_STUCK); blue serves');
  });

  it('says nothing of a group that nobody looked at', async () => {
    const { ended, text } = await driven({ work: async () => Promise.reject(STUCK) });

    expect(ended).toBe(STUCK);
    expect(text).toBe('');
  });

  it('writes JSON for programs: notices, steps, and a last line whatever happens', async () => {
    const flags = { yes: true, json: true };
    const good = await driven({
      flags,
      work: looking(async (ui) => {
        ui.notice('Labels change.');
        return DONE;
      }),
    });
    const bad = await driven({ flags, work: async () => Promise.reject(STUCK) });
    const lines = (text: string) =>
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));

    expect(lines(good.text)).toMatchObject([
      { type: 'progress', serves: 'green' },
      { type: 'notice', sentence: 'Labels change.' },
      { type: 'result', state: 'complete', serves: 'green', sentence: 'green serves', exitStatus: 0 },
    ]);
    expect(lines(bad.text)).toMatchObject([
      { type: 'result', state: 'failed', code: 'ROLLOUT_STUCK', serves: 'blue', exitStatus: 52 },
    ]);
  });

  it('does not begin without a terminal or a yes, and names the flag', async () => {
    let began = false;
    const work: DriveWork['work'] = async () => {
      began = true;
      return DONE;
    };
    const zdd = { command: 'zdd', flag: '--force' };

    expect((await driven({ flags: {}, manner: zdd, work })).ended).toMatchObject({
      code: 'CONFIG_INVALID',
      message: '`zdd` asks before it changes anything, and there is no terminal to ask on: add --force',
    });
    expect(began).toBe(false);
    expect((await driven({ flags: { dryRun: true }, work })).ended).toBe(0);
  });

  it.each([
    ['y\n', true],
    ['n\n', false],
  ])('asks at the terminal, and hands on that it was %j', async (typed, expected) => {
    const answers: boolean[] = [];
    const { asked } = await driven({
      ...{ flags: {}, typed },
      work: async (_running, ui) => {
        answers.push(await ui.confirm('Create /shop-green?'));
        return DONE;
      },
    });

    expect(answers).toEqual([expected]);
    expect(asked).toContain('Create /shop-green? [y/N] ');
  });

  it.each([
    ['never, as rollouts do', {}, { asksEachRemoval: false }, undefined],
    ['before each removal, as zdd.py', {}, { asksEachRemoval: true }, 'function'],
    ['never when everything is agreed to', { yes: true }, { asksEachRemoval: true }, undefined],
  ])('asks %s', async (_what, flags, manner, kind) => {
    const kinds: string[] = [];
    const work: DriveWork['work'] = async (_running, ui) => {
      kinds.push(typeof ui.confirmRemoval);
      return DONE;
    };
    await driven({ flags, manner, work, typed: '' });

    expect(kinds).toEqual([kind ?? 'undefined']);
  });

  describe('when somebody presses Ctrl-C', () => {
    const stopping = new AbortController();
    const STOPPED = new CertathonError('STOPPED', 'Stopped by SIGINT', { facts: { signal: 'SIGINT' } });
    stopping.abort(STOPPED);
    const signal = stopping.signal;
    const both = { ...GREEN, serves: 'both' };
    const work: DriveWork['work'] = async (_running, ui) => {
      ui.progress(both);
      throw STOPPED;
    };
    const seen: Running[] = [];
    const goBack: DriveWork['work'] = async (running, ui) => {
      seen.push(running);
      if (!(await ui.confirm('Go back to /shop-blue?'))) throw new CertathonError('ROLLOUT_DECLINED', 'No');
      ui.progress({ ...both, direction: 'back', serves: 'blue' });
      return { group: 'shop', state: 'reverted', sentence: 'blue serves' };
    };

    it('offers to go back, does so, and still ends as stopped', async () => {
      const { ended, text, asked } = await driven({ work, goBack, signal, typed: 'y\n' });

      expect(asked).toContain('Go back to /shop-blue? [y/N] ');
      expect(ended).toBe(STOPPED);
      expect(text.split('\n').at(-2)).toBe('10:00:09 shop: reverted; blue serves');
      expect(seen.at(-1)?.config).toMatchObject({ group: 'shop', app: 'a.json' });
      expect(seen.at(-1)?.signal.aborted).toBe(false);
    });

    it('leaves everything as it is when nobody agrees', async () => {
      const { ended, text } = await driven({ work, goBack, signal, typed: 'n\n' });

      expect(ended).toBe(STOPPED);
      expect(text.split('\n').at(-2)).toBe('10:00:09 shop: failed (STOPPED); both colours serve');
    });

    it('tells why it could not go back', async () => {
      const { text } = await driven({ work, goBack: async () => Promise.reject(STUCK), signal, typed: '' });

      expect(text).toContain('No task is healthy\n');
      expect(text).toContain('failed (STOPPED); both colours serve');
    });

    it.each([
      ['without a terminal', { work, signal }],
      ['before there are two colours', { work: async () => Promise.reject(STOPPED), signal, typed: 'y\n' }],
      [
        'on the way back',
        {
          work: async (_running: Running, ui: RolloutUi) => {
            ui.progress({ ...both, direction: 'back' as const });
            throw STOPPED;
          },
          ...{ signal, typed: 'y\n' },
        },
      ],
    ])('asks nothing %s', async (_what, more) => {
      const { ended, asked } = await driven(more);

      expect(ended).toBe(STOPPED);
      expect(asked).toBe('');
    });
  });
});
