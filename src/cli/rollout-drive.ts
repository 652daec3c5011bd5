import { asCertathonError, CertathonError, describeError } from '../lib/errors.ts';
import { createLog } from '../lib/log.ts';
import type { RolloutOutcome, RolloutUi } from '../rollouts.ts';
import type { Running } from '../service.ts';
import { type Asking, hasTerminal, requireTerminal } from './ask.ts';
import type { RolloutEnd } from './rollout-lines.ts';
import { createReporter, type ReporterOptions } from './rollout-reporter.ts';
import { createUi, type Seen } from './rollout-ui.ts';

/** How a command that changes something is called, and asks. */
export interface Manner {
  /** As one types it: `rollout start`. */
  command: string;
  /** The flag that keeps questions away. */
  flag: string;
  /** Whether each removal of tasks is asked about too, as zdd.py does it. */
  asksEachRemoval: boolean;
}

type Work = (running: Running, ui: RolloutUi) => Promise<RolloutOutcome>;

export interface DriveWork {
  manner: Manner;
  work: Work;
  /** Offered at a terminal when somebody stops the work by Ctrl-C on its way. */
  goBack: Work;
}

/** Where it is shown and asked; of the process unless a test says otherwise. */
export interface DriveIo extends Omit<ReporterOptions, 'json'> {
  asking?: Pick<Asking, 'input' | 'output'>;
}

/** Runs what changes the cluster: shows how it goes, asks before, and ends with the colour that serves.
 * @returns the exit status   @throws what the work throws, once its last line is written */
export async function drive(
  given: Running,
  { manner, work, goBack }: DriveWork,
  io: DriveIo = {},
): Promise<number> {
  const { config, clock, signal } = given;
  const reporter = createReporter({ ...io, json: config.json });
  const log = createLog({ level: config.logLevel, format: config.logFormat, destination: reporter.log });
  const running = { ...given, log };
  // Whoever reads standard output as JSON does not want a question in it.
  const asking: Asking = { ...manner, ...(config.json ? { output: process.stderr } : {}), ...io.asking };
  if (!config.yes && !config.dryRun) requireTerminal(asking);
  const { ui, seen } = createUi(running, reporter, asking, manner.asksEachRemoval);
  const end = (last: Seen, more: Pick<RolloutEnd, 'state' | 'sentence' | 'problem'>): void =>
    reporter.end({ at: new Date(clock.nowMs()), group: last.group ?? '', serves: last.serves, ...more });
  try {
    const { group, state, sentence } = await work(running, ui);
    end({ ...seen, group }, { state, sentence });
    return 0;
  } catch (thrown) {
    const error = asCertathonError(thrown);
    const back = isStoppedByHand(error, signal) && seen.isUnderWay && hasTerminal(asking);
    if (back && (await wentBack())) throw thrown;
    const serves = typeof error.facts.serves === 'string' ? error.facts.serves : seen.serves;
    // Where nothing was looked at yet there is nothing to say of it, but programs wait for a last line.
    if (config.json || seen.group !== undefined)
      end(
        { ...seen, serves },
        { state: 'failed', problem: { code: error.code, message: describeError(error) } },
      );
    throw thrown;
  } finally {
    log.flush();
  }

  /** @returns whether it is done; not when nobody agreed, or when it failed too */
  async function wentBack(): Promise<boolean> {
    const stopping = new AbortController();
    const stop = () => stopping.abort(new CertathonError('STOPPED', 'Stopped by SIGINT'));
    process.on('SIGINT', stop);
    const again = {
      ...running,
      signal: stopping.signal,
      // The hook was named for the way forward.
      config: { ...config, group: seen.group, yes: false, preKillHook: undefined },
    };
    try {
      reporter.say(
        'Stopped: what is there stays as it is, and can be carried on or taken back by any machine.',
      );
      const offered = createUi(again, reporter, asking, false);
      const { state, sentence } = await goBack(again, offered.ui);
      end(offered.seen, { state, sentence });
      return true;
    } catch (failure) {
      if (asCertathonError(failure).code !== 'ROLLOUT_DECLINED') reporter.say(describeError(failure));
      return false;
    } finally {
      process.off('SIGINT', stop);
    }
  }
}

function isStoppedByHand({ code, facts }: CertathonError, signal: AbortSignal): boolean {
  return signal.aborted && code === 'STOPPED' && facts.signal === 'SIGINT';
}
