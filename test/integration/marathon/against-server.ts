import { afterEach } from 'vitest';
import type { CertathonError } from '../../../src/lib/errors.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { createMarathonHttp } from '../../../src/marathon/calls.ts';
import { createMarathonClient, type MarathonClient } from '../../../src/marathon/client.ts';
import { type ManualClock, manualClock } from '../../support/clock.ts';
import { type Answer, cleanups, startServer, until } from '../lib/loopback.ts';

const { add, run } = cleanups();
afterEach(run);

export interface Setup {
  marathon: MarathonClient;
  clock: ManualClock;
  seen: Awaited<ReturnType<typeof startServer>>['seen'];
}

/** A client with a password, at these addresses. */
export function clientOf(baseUrls: string[], clock: ManualClock, timeoutMs = 20_000): MarathonClient {
  const http = createMarathonHttp({
    baseUrls,
    timeoutMs,
    connectTimeoutMs: 5_000,
    userAgent: 'certathon/test',
    clock,
    log: silentLog,
    auth: { user: 'joe', password: 'secret-1' },
  });
  add(() => http.close());
  return createMarathonClient({ http, clock, log: silentLog });
}

/** A server that answers as it is told, and a client of it. */
export async function setup(answer: Answer, timeoutMs?: number): Promise<Setup> {
  const server = await startServer(answer);
  add(() => server.close());
  const clock = manualClock();
  return { marathon: clientOf([server.url], clock, timeoutMs), clock, seen: server.seen };
}

/** Lets every wait between the tries pass. */
export async function letRetriesPass<T>(
  clock: ManualClock,
  promise: Promise<T>,
): Promise<T | CertathonError> {
  let isDone = false;
  const settled = promise.then(
    (value) => value,
    (error: unknown) => error as CertathonError,
  );
  void settled.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    await until(() => isDone || clock.sleeping() > 0, 'a wait or the end');
    await clock.advance(clock.nextDueMs() ?? 0);
  }
  return settled;
}
