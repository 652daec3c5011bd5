#!/usr/bin/env node
import { existsSync } from 'node:fs';
import type { GuessedPorts } from './challenge-port.ts';
import { COMMANDS } from './cli/commands.ts';
import { type CommandCall, createProgram } from './cli/program.ts';
import { stepDown } from './cli/step-down.ts';
import { maskedView } from './config/describe.ts';
import { loadConfig } from './config/load.ts';
import { type StockSettings, stockSettings } from './config/stock-settings.ts';
import { systemClock } from './lib/clock.ts';
import { asCertathonError, CertathonError, describeError } from './lib/errors.ts';
import { createLog } from './lib/log.ts';
import { maskSecrets } from './lib/mask.ts';

const USAGE_STATUS = 2;

/** argv → command → exit status. The only place that ends the process. */
async function main(argv: string[]): Promise<void> {
  const stock = stockSettings(argv, process.env, existsSync);
  const program = createProgram(
    async (call) => {
      process.exitCode = await run(call, stock);
    },
    async (words) => {
      process.exitCode = await (await import('./cli/lab.ts')).runLab(words);
    },
  );
  await program.parseAsync(stock.argv, { from: 'user' });
}

async function run({ command, notes, ...typed }: CommandCall, stock: StockSettings): Promise<number> {
  const {
    config: loaded,
    sources,
    warnings,
  } = loadConfig({
    ...{ command, flags: typed.flags, env: stock.env, defaults: stock.defaults },
    spelt: { ...stock.spelt, ...typed.spelt },
    problems: [...stock.refusals, ...typed.problems],
  });
  const usual = COMMANDS[command].logLevel;
  const logLevel = sources.logLevel === 'default' && usual !== undefined ? usual : loaded.logLevel;
  const config = Object.freeze({ ...loaded, logLevel });
  const log = createLog({ level: logLevel, format: config.logFormat });
  for (const fields of stock.notices) log.warn('config.deprecated', { ...fields });
  for (const { event, fields } of warnings) log.warn(event, fields);
  for (const fields of notes) log.warn('config.deprecated', fields);
  stepDown(process, config.user, stock.whyRoot, log);
  log[command === 'serve' ? 'info' : 'debug']('config.loaded', { config: maskedView(config), sources });
  const stopping = new AbortController();
  const stop = (name: NodeJS.Signals): void =>
    stopping.abort(new CertathonError('STOPPED', `Stopped by ${name}`, { facts: { signal: name } }));
  // Not once(): the store's lock also listens, and ends the process when it finds itself the only listener.
  process.on('SIGTERM', stop).on('SIGINT', stop);
  const runCommand = await COMMANDS[command].load();
  try {
    return await runCommand({
      ...{ config, clock: systemClock, log, signal: stopping.signal },
      ...{ stock, isGuessed: guessedPorts(stock, sources) },
    });
  } finally {
    log.flush();
  }
}

/** Which ports nobody but the predecessor's own habit, or Marathon's PORT0 and PORT1, says. */
function guessedPorts(
  { predecessor }: StockSettings,
  { challengePort, adminPort }: Readonly<Record<string, string>>,
): GuessedPorts {
  return {
    challengePort: [`as ${predecessor} has it`, 'env PORT0'].includes(challengePort ?? ''),
    adminPort: adminPort === 'env PORT1',
  };
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
  await main(process.argv.slice(2));
} catch (thrown) {
  const code = (thrown as { code?: string }).code ?? '';
  if (code.startsWith('commander.'))
    process.exitCode = (thrown as { exitCode: number }).exitCode === 0 ? 0 : USAGE_STATUS;
  else process.exitCode = complain(thrown);
}
