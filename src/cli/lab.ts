import { describeError } from '../lib/errors.ts';

const USAGE = `certathon lab <demo|up> [--keep]
  demo          a cluster comes up, gets a certificate, renews it under load, and goes again
  demo --keep   the same, and leaves it running
  up            a cluster without Certathon, to try things by hand; prints how to reach it
`;

/** `certathon lab`: the only part of the program that knows the lab, and it is loaded only for this. */
export async function runLab(words: string[]): Promise<number> {
  const [what, ...flags] = words;
  const unknown = flags.find((flag) => flag !== '--keep');
  if ((what !== 'demo' && what !== 'up') || unknown !== undefined) {
    process.stderr.write(unknown === undefined ? USAGE : `Unknown: ${unknown}\n${USAGE}`);
    return 2;
  }
  const stopping = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stopping.abort());
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  try {
    if (what === 'demo')
      await (await import('../lab/demo.ts')).runDemo({
        keep: flags.includes('--keep'),
        say,
        signal: stopping.signal,
      });
    else await up(say, stopping.signal);
    return 0;
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n`);
    return 1;
  }
}

async function up(say: (line: string) => void, signal: AbortSignal): Promise<void> {
  const { startLab } = await import('../lab/cluster.ts');
  const lab = await startLab({ slowFront: true });
  const settings = Object.entries(lab.settings).map(([name, value]) => `  export ${name}='${value}'`);
  say(
    `Running until Ctrl-C. For a Certathon of your own:\n${settings.join('\n')}\nLogs of every task: ${lab.directory}/tasks`,
  );
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  await lab.stop();
}
