import { type Gaps, gapsOf, type LoadFailure, type LoadReport, newTally, type Tally } from './load-report.ts';
import { type LoadRequest, type LoadTarget, newSender } from './load-request.ts';
import { type LoadBounds, startSending } from './load-schedule.ts';
import { slowBody } from './load-upload.ts';

/** What users of a web app do.
 * `fresh`: a request on a connection of its own. `kept`: on one that was used before. `slow`: the answer takes seconds.
 * `upload`: the body takes seconds, and must arrive whole. `download`: the answer drips for seconds. */
export const LOAD_KINDS = ['fresh', 'kept', 'slow', 'upload', 'download'] as const;
export type LoadKind = (typeof LOAD_KINDS)[number];

/** How many of a hundred requests are of which kind. */
export const USUAL_MIX: Record<LoadKind, number> = { fresh: 45, kept: 45, slow: 4, upload: 3, download: 3 };

export interface MixedLoadOptions extends LoadTarget, LoadBounds {
  /** Weights of the kinds; kinds that are left out are not sent. Default `USUAL_MIX`. */
  mix?: Partial<Record<LoadKind, number>>;
  /** How long slow answers, uploads and downloads take. Default 3. */
  lastingSeconds?: number;
  /** Default 64 KiB. */
  uploadBytes?: number;
  /** Patience with an answer, beside what it takes by itself. */
  timeoutMs: number;
}

export interface MixedReport {
  /** Wall clock of the start, epoch milliseconds: all other times count from it. */
  startedAtMs: number;
  sentForMs: number;
  requests: number;
  failed: number;
  repeated: number;
  /** In the order of time. */
  failures: (LoadFailure & { kind: LoadKind })[];
  /** Over all kinds: how long nobody got an answer. */
  gaps: Gaps;
  perKind: Partial<Record<LoadKind, LoadReport>>;
}

export interface MixedLoad {
  /** Sends nothing more and waits for what is on the way. */
  stop(): Promise<MixedReport>;
  /** Resolves when it has stopped, by itself or by `stop()`. */
  finished: Promise<MixedReport>;
  /** Requests that have ended so far, well or not. */
  soFar(): { requests: number; failed: number };
}

const MOST_LASTING_SECONDS = 60;
const MOST_UPLOAD_BYTES = 1024 * 1024;

/** Sends a mix of requests to one front at a fixed total rate, whatever comes back. The web app of the lab
 * answers all of them. What is cut before it is whole is a failure.
 * @throws Error on an address outside 127.0.0.0/8 or figures out of bounds */
export function startMixedLoad(options: MixedLoadOptions): MixedLoad {
  const requests = requestsOf(options);
  const kindNext = newTurns(options.mix ?? USUAL_MIX);
  const sender = newSender(options);
  const wallStartedAtMs = Date.now();
  const startedAtMs = performance.now();
  const tallies = new Map<LoadKind, Tally>();
  const goodAtMs: number[] = [];
  const tallyOf = (kind: LoadKind): Tally => {
    const known = tallies.get(kind);
    if (known !== undefined) return known;
    const tally = newTally(startedAtMs, goodAtMs);
    tallies.set(kind, tally);
    return tally;
  };
  const sending = startSending(
    options,
    () => {
      const kind = kindNext();
      return sender.send(requests[kind], kind === 'kept', tallyOf(kind));
    },
    startedAtMs,
  );
  const finished = sending.finished.then((): MixedReport => {
    sender.close();
    const sentUntilMs = sending.sentUntilMs();
    const perKind = Object.fromEntries(
      [...tallies].map(([kind, tally]) => [kind, tally.report(sentUntilMs)]),
    ) as MixedReport['perKind'];
    return {
      startedAtMs: wallStartedAtMs,
      sentForMs: Math.round(sentUntilMs - startedAtMs),
      ...sumOf(Object.values(perKind)),
      failures: failuresOf(perKind),
      gaps: gapsOf(goodAtMs, sentUntilMs - startedAtMs),
      perKind,
    };
  });
  return {
    stop: async () => {
      await sending.stop();
      return finished;
    },
    finished,
    soFar: () => {
      const { requests, failed } = sumOf([...tallies.values()].map((tally) => tally.soFar()));
      return { requests, failed };
    },
  };
}

function requestsOf(options: MixedLoadOptions): Record<LoadKind, LoadRequest> {
  const { lastingSeconds = 3, uploadBytes = 64 * 1024, timeoutMs } = options;
  if (!(lastingSeconds > 0 && lastingSeconds <= MOST_LASTING_SECONDS))
    throw new Error(`lastingSeconds is ${lastingSeconds}: more than 0, at most ${MOST_LASTING_SECONDS}`);
  if (!(uploadBytes > 0 && uploadBytes <= MOST_UPLOAD_BYTES))
    throw new Error(`uploadBytes is ${uploadBytes}: more than 0, at most ${MOST_UPLOAD_BYTES}`);
  const lasting = timeoutMs + lastingSeconds * 1000;
  return {
    fresh: { path: '/', timeoutMs },
    kept: { path: '/', timeoutMs },
    slow: { path: `/slow?ms=${lastingSeconds * 1000}`, timeoutMs: lasting },
    upload: { path: '/upload', timeoutMs: lasting, upload: slowBody(uploadBytes, lastingSeconds) },
    download: { path: `/download?seconds=${lastingSeconds}`, timeoutMs: lasting },
  };
}

/** Takes turns by weight, evenly spread and without chance: with 2 and 1 it is a, b, a, a, b, a …
 * @throws Error when nothing is left to send */
function newTurns(mix: Partial<Record<LoadKind, number>>): () => LoadKind {
  const turns = LOAD_KINDS.map((kind) => ({ kind, weight: mix[kind] ?? 0, credit: 0 })).filter(
    ({ weight }) => weight > 0,
  );
  const total = turns.reduce((sum, { weight }) => sum + weight, 0);
  if (!(total > 0 && Number.isFinite(total))) throw new Error('The mix holds no kind with a weight');
  return () => {
    for (const turn of turns) turn.credit += turn.weight;
    const next = turns.reduce((best, turn) => (turn.credit > best.credit ? turn : best));
    next.credit -= total;
    return next.kind;
  };
}

function sumOf(parts: readonly { requests: number; failed: number; repeated?: number }[]) {
  const sum = { requests: 0, failed: 0, repeated: 0 };
  for (const { requests, failed, repeated = 0 } of parts) {
    sum.requests += requests;
    sum.failed += failed;
    sum.repeated += repeated;
  }
  return sum;
}

function failuresOf(perKind: MixedReport['perKind']): MixedReport['failures'] {
  return LOAD_KINDS.flatMap((kind) =>
    (perKind[kind]?.failures ?? []).map((failure) => ({ ...failure, kind })),
  ).sort((a, b) => a.atMs - b.atMs);
}
