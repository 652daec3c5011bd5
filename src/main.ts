#!/usr/bin/env node
import { Command } from 'commander';
import { COMMANDS } from './cli/commands.ts';
import { helpOptions, maskedView } from './config/describe.ts';
import { loadConfig } from './config/load.ts';
import { systemClock } from './lib/clock.ts';
import { asCertathonError, CertathonError, describeError } from './lib/errors.ts';
import { createLog } from './lib/log.ts';
import { maskSecrets } from './lib/mask.ts';
import { VERSION } from './lib/version.ts';

const USAGE_STATUS = 2;

/** argv → command → exit status. The only place that ends the process. */
async function main(argv: string[]): Promise<void> {
  const program = new Command('certathon')
    .description("Keeps the TLS certificates of a Marathon cluster valid: Let's Encrypt to marathon-lb.")
    .version(VERSION)
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: false })
    .exitOverride();
  for (const [name, entry] of Object.entries(COMMANDS)) {
    const command = program
      .command(name)
      .description(entry.summary)
      .addHelpText('after', `\nExample:\n  ${entry.example}`);
    for (const { flags, description } of helpOptions(name as keyof typeof COMMANDS))
      command.option(flags, description);
    command.action(async (options: Record<string, unknown>) => {
      process.exitCode = await run(name as keyof typeof COMMANDS, options);
    });
  }
  program
    .command('lab')
    .description(
      'A whole cluster on this machine, to try things out: Marathon and marathon-lb stand-ins, real HAProxy, Pebble.',
    )
    .argument('[words...]', 'demo, up')
    .allowUnknownOption()
    .helpOption(false)
    .action(async (_words, _options, command: Command) => {
      process.exitCode = await (await import('./cli/lab.ts')).runLab(command.args);
    });
  await program.parseAsync(argv);
}

async function run(command: keyof typeof COMMANDS, flags: Record<string, unknown>): Promise<number> {
  const { config, sources, warnings } = loadConfig({ command, flags });
  const log = createLog({ level: config.logLevel, format: config.logFormat });
  for (const { event, fields } of warnings) log.warn(event, fields);
  log[command === 'serve' ? 'info' : 'debug']('config.loaded', { config: maskedView(config), sources });
  const stopping = new AbortController();
  const stop = (name: NodeJS.Signals): void =>
    stopping.abort(new CertathonError('STOPPED', `Stopped by ${name}`));
  // Not once(): the store's lock also listens, and ends the process when it finds itself the only listener.
  process.on('SIGTERM', stop).on('SIGINT', stop);
  const runCommand = await COMMANDS[command].load();
  try {
    return await runCommand({ config, clock: systemClock, log, signal: stopping.signal });
  } finally {
    log.flush();
  }
}

/** Three lines: what, why, what to do. Never a stack, which helps nobody at night; never a secret. */
function complain(thrown: unknown): number {
  const error = asCertathonError(thrown);
  process.stderr.write(maskSecrets(`${error.code}\n  ${describeError(error)}\n  ${error.hint}\n`));
  return error.exitStatus;
}

// `certathon plan | head` closes the pipe early: nobody is left to read, and that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

try {
  await main(process.argv);
} catch (thrown) {
  const code = (thrown as { code?: string }).code ?? '';
  if (code.startsWith('commander.'))
    process.exitCode = (thrown as { exitCode: number }).exitCode === 0 ? 0 : USAGE_STATUS;
  else process.exitCode = complain(thrown);
}
