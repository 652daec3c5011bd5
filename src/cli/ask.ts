import { createInterface } from 'node:readline/promises';
import { CertathonError } from '../lib/errors.ts';
import { printable } from '../lib/printable.ts';

/** Who asks, where, and what saves the asking. */
export interface Asking {
  /** As one types it: `doctor --apply`. */
  command: string;
  /** The flag that says yes beforehand: `--yes`. */
  flag: string;
  signal?: AbortSignal;
  input?: NodeJS.ReadableStream & { isTTY?: boolean };
  output?: NodeJS.WritableStream & { isTTY?: boolean };
}

const LONGEST_QUESTION = 500;

/** Puts a question of yes or no to the person at the terminal. Anything but yes is a no, and so is an end of input.
 * @throws CONFIG_INVALID without a terminal   @throws STOPPED at Ctrl-C; the reason of an aborted signal */
export async function isAgreed(question: string, asking: Asking): Promise<boolean> {
  requireTerminal(asking);
  const { signal, input = process.stdin, output = process.stdout } = asking;
  signal?.throwIfAborted();
  const terminal = createInterface({ input, output });
  let stop = (): void => undefined;
  try {
    const answer = await new Promise<string>((answered, failed) => {
      // While a line is read, the terminal hands Ctrl-C over as a key, and no signal is sent.
      terminal.once('SIGINT', () => failed(new CertathonError('STOPPED', 'Stopped by Ctrl-C')));
      terminal.once('close', () => answered(''));
      stop = () => failed(signal?.reason);
      signal?.addEventListener('abort', stop, { once: true });
      terminal.question(`${printable(question, LONGEST_QUESTION)} [y/N] `).then(answered, failed);
    });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    signal?.removeEventListener('abort', stop);
    terminal.close();
  }
}

/** To be called before anything begins that will have to ask later.
 * @throws CONFIG_INVALID when there is nobody to ask, with the flag that helps */
export function requireTerminal({ command, flag, ...streams }: Asking): void {
  if (hasTerminal(streams)) return;
  throw new CertathonError(
    'CONFIG_INVALID',
    `\`${command}\` asks before it changes anything, and there is no terminal to ask on: add ${flag}`,
  );
}

export function hasTerminal({ input, output }: Pick<Asking, 'input' | 'output'>): boolean {
  return Boolean((input ?? process.stdin).isTTY && (output ?? process.stdout).isTTY);
}
