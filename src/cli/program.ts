import { Command } from 'commander';
import { helpOptions } from '../config/describe.ts';
import { readTextFile } from '../config/file.ts';
import type { CommandName } from '../config/option.ts';
import { VERSION } from '../lib/version.ts';
import { COMMANDS, type CommandEntry, GROUPS } from './commands.ts';
import { readZddFlags, type ZddReading, zddOptions } from './zdd-flags.ts';
import { longhelp } from './zdd-longhelp.ts';

/** A command as it was typed, ready for loadConfig(). */
export interface CommandCall extends ZddReading {
  command: CommandName;
}

/** The command line: which commands there are, and what each takes. */
export function createProgram(
  run: (call: CommandCall) => Promise<void>,
  runLab: (words: string[]) => Promise<void>,
): Command {
  const program = new Command('certathon')
    .description(
      "Keeps the TLS certificates of a Marathon cluster valid, Let's Encrypt to marathon-lb, and replaces apps behind it.",
    )
    .version(VERSION)
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: false })
    .exitOverride();
  const groups = new Map<string, Command>();
  for (const [name, entry] of Object.entries(COMMANDS) as [CommandName, CommandEntry][])
    addCommand(parentOf(name), name, entry, run);
  program
    .command('lab')
    .description(
      'A whole cluster on this machine, to try things out: Marathon and marathon-lb stand-ins, real HAProxy, Pebble.',
    )
    .argument('[words...]', 'demo, up')
    .allowUnknownOption()
    .helpOption(false)
    .action((_words, _options, command: Command) => runLab(command.args));
  return program;

  /** `rollout start` is the command `start` of the command `rollout`, which by itself only tells what it has. */
  function parentOf(name: CommandName): Command {
    const [group, own] = name.split(' ');
    if (group === undefined || own === undefined) return program;
    const parent = groups.get(group) ?? program.command(group).description(GROUPS[group] ?? '');
    groups.set(group, parent);
    return parent;
  }
}

function addCommand(
  parent: Command,
  name: CommandName,
  { summary, example, positional }: CommandEntry,
  run: (call: CommandCall) => Promise<void>,
): void {
  const command = parent
    .command(name.split(' ').at(-1) ?? name)
    .description(summary)
    .addHelpText('after', `\nExample:\n  ${example}`);
  if (positional !== undefined) command.argument(positional.placeholder, positional.doc);
  const isZdd = name === 'zdd';
  for (const { flags, description } of isZdd ? zddOptions() : helpOptions(name))
    command.option(flags, description);
  command.action(async () => {
    const typed = command.opts();
    if (isZdd && typed.longhelp) {
      process.stdout.write(longhelp());
      return;
    }
    const reading = isZdd ? readZddFlags(typed, readTextFile) : withoutReading(typed);
    if (positional !== undefined) takePositional(reading, positional, wordsOf(command));
    await run({ command: name, ...reading });
  });
}

/** Of a positional that takes several words all, as one list. */
function wordsOf({ args }: Command): string | undefined {
  return args.length === 0 ? undefined : args.join(',');
}

function withoutReading(typed: Record<string, unknown>): ZddReading {
  return { flags: { ...typed }, spelt: {}, notes: [], problems: [] };
}

/** The word after the command stands for an option, which may be given by its flag instead. */
function takePositional(
  { flags, spelt, problems }: ZddReading,
  { option, placeholder }: NonNullable<CommandEntry['positional']>,
  word: string | undefined,
): void {
  if (word === undefined) return;
  if (flags[option] !== undefined && flags[option] !== word)
    problems.push(`${option} is given twice, as a word and by its flag; give one of them`);
  flags[option] = word;
  spelt[option] = placeholder.replace(/[[\]]|\.{3}/g, '');
}
