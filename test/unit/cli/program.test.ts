import { describe, expect, it } from 'vitest';
import { type CommandCall, createProgram } from '../../../src/cli/program.ts';
import { ROLLOUT_COMMANDS } from '../../../src/config/option.ts';

/** What a command line comes to: a call, or what is shown and the code of commander. */
async function typed(...words: string[]) {
  const calls: CommandCall[] = [];
  const lab: string[][] = [];
  let shown = '';
  const program = createProgram(
    async (call) => void calls.push(call),
    async (args) => void lab.push(args),
  );
  const write = (text: string) => {
    shown += text;
  };
  for (const command of [
    program,
    ...program.commands,
    ...program.commands.flatMap(({ commands }) => commands),
  ])
    command.configureOutput({ writeOut: write, writeErr: write });
  const error = await program.parseAsync(['node', 'certathon', ...words]).then(
    () => undefined,
    (thrown: { code: string }) => thrown.code,
  );
  return { call: calls[0], lab: lab[0], shown, error };
}

const nothing = { spelt: {}, notes: [], problems: [] };

describe('createProgram()', () => {
  it.each([
    [['renew', '--now'], { command: 'renew', flags: { now: true }, ...nothing }],
    [
      ['rollout', 'start', 'shop.json', '--yes'],
      {
        command: 'rollout start',
        flags: { app: 'shop.json', yes: true },
        ...nothing,
        spelt: { app: 'APP.json' },
      },
    ],
    [
      ['rollout', 'start', '--app', 'shop.json'],
      { command: 'rollout start', flags: { app: 'shop.json' }, ...nothing },
    ],
    [
      ['rollout', 'resume', 'shop', '--complete', '--drain-timeout', '10'],
      {
        command: 'rollout resume',
        flags: { group: 'shop', complete: true, drainTimeout: '10' },
        ...nothing,
        spelt: { group: 'GROUP' },
      },
    ],
    [['rollout', 'status'], { command: 'rollout status', flags: {}, ...nothing }],
  ])('reads %j', async (words, call) => {
    expect((await typed(...words)).call).toEqual(call);
  });

  it.each([
    [['-n', '2', '-df', '--complete-cur'], { newInstances: '2', dryRun: true, yes: true, complete: true }],
    [['--new-instances=2', '-w', '60'], { newInstances: '2', maxWait: '60' }],
    [['-n2', '-n=3'], { newInstances: '3' }],
    [
      ['-j', 'a.json', '-m', 'http://m', '-l', 'http://l:9090', '-f', '--syslog-socket', '/dev/null'],
      { app: 'a.json', marathonUrl: 'http://m', marathonLb: 'http://l:9090', yes: true },
    ],
    [
      ['-j', 'a.json', '-m', 'http://m', '-p', '--on-failure', 'stop'],
      {
        ...{ app: 'a.json', marathonUrl: 'http://m', completePrev: true, onFailure: 'stop' },
      },
    ],
    [['-r', '--json', 'a.json'], { resume: true, app: 'a.json' }],
  ])('reads %j as zdd.py did', async (words, flags) => {
    const { call } = await typed('zdd', ...words);

    expect(call).toMatchObject({ command: 'zdd', flags, problems: [] });
    expect(Object.keys(call?.flags ?? {})).toHaveLength(Object.keys(flags).length);
  });

  it('takes the app of a rollout once', async () => {
    const { call } = await typed('rollout', 'start', 'a.json', '--app', 'b.json');

    expect(call?.problems).toEqual(['app is given twice, as a word and by its flag; give one of them']);
  });

  it.each([
    ['an unknown flag', ['rollout', 'status', '--max-wait', '3'], 'commander.unknownOption'],
    ['a word too many', ['rollout', 'abort', 'a', 'b'], 'commander.excessArguments'],
    ['an unknown command', ['rollout', 'strat'], 'commander.unknownCommand'],
    ['a flag of certificates', ['zdd', '--acme-email', 'a@b.c'], 'commander.unknownOption'],
  ])('refuses %s', async (_what, words, code) => {
    expect(await typed(...words)).toMatchObject({ call: undefined, error: code });
  });

  it('tells what there is for rollouts when nothing more is said', async () => {
    const { shown, call } = await typed('rollout');

    expect(call).toBeUndefined();
    for (const name of ROLLOUT_COMMANDS.filter((one) => one !== 'zdd'))
      expect(shown).toContain(`  ${name.split(' ')[1]} `);
  });

  it('has a page of help for each command', async () => {
    const { shown, error } = await typed('rollout', 'start', '--help');

    expect(error).toBe('commander.helpDisplayed');
    expect(shown).toContain('certathon rollout start [options] [APP.json]');
    expect(shown).toContain('--on-drain-timeout <word>');
    expect(shown).not.toContain('--acme-email');
  });

  it('hands the words of the lab on', async () => {
    expect((await typed('lab', 'demo', '--keep')).lab).toEqual(['demo', '--keep']);
  });
});
