import { type LoadReport, newTally } from './load-report.ts';
import { type LoadTarget, newSender } from './load-request.ts';
import { type LoadBounds, startSending } from './load-schedule.ts';

export type { LoadReport } from './load-report.ts';

export interface LoadOptions extends LoadTarget, LoadBounds {
  path: string;
  /** A new connection for each request, as from many clients; kept ones hide what a front does to new ones. */
  freshConnections?: boolean;
  timeoutMs: number;
}

export interface Load {
  /** Sends nothing more and waits for what is on the way. */
  stop(): Promise<LoadReport>;
  /** Resolves when it has stopped, by itself or by `stop()`. */
  finished: Promise<LoadReport>;
  /** Requests that have ended so far, well or not. */
  soFar(): { requests: number; failed: number };
}

/** Sends requests of one kind at a fixed rate, whatever comes back; how they are sent and judged is in
 * load-request.ts.
 * @throws Error on an address outside 127.0.0.0/8 or figures out of bounds */
export function startLoad(options: LoadOptions): Load {
  const sender = newSender(options);
  const startedAtMs = performance.now();
  const tally = newTally(startedAtMs);
  const isKept = options.freshConnections !== true;
  const sending = startSending(options, () => sender.send(options, isKept, tally), startedAtMs);
  const finished = sending.finished.then(() => {
    sender.close();
    return tally.report(sending.sentUntilMs());
  });
  return {
    stop: async () => {
      await sending.stop();
      return finished;
    },
    finished,
    soFar: () => tally.soFar(),
  };
}
