// pure
import type { PassResult } from '../certificates/pass.ts';
import { ERRORS, type ErrorCode } from '../lib/errors.ts';

/** What the status answers show: the last observation and plan. No key, token or password is ever in it. */
export interface Snapshot {
  instance: string;
  version: string;
  startedAt: Date;
  /** One word for the whole. `waiting` before the first pass has ended. */
  state: 'ok' | 'failing' | 'waiting';
  names: string[];
  certificate:
    | {
        names: string[];
        fingerprint: string;
        issuer: string;
        notBefore: Date;
        notAfter: Date;
        origin: string;
      }
    | undefined;
  balancers: { task: string; address: string; serves: string; current: boolean }[];
  app: { id: string; variable: string; holds: string; deployments: string[] } | undefined;
  lastPass: { startedAt: Date; finishedAt: Date; did: string[] } | undefined;
  nextPassAt: Date | undefined;
  problems: { code: string; message: string; hint: string }[];
}

export function snapshotOf(
  about: { instance: string; version: string; startedAt: Date },
  result: PassResult | undefined,
): Snapshot {
  const seen = result?.seen;
  const stored = seen?.stored;
  return {
    ...about,
    state: result === undefined ? 'waiting' : result.problems.length > 0 ? 'failing' : 'ok',
    names: seen?.wanted.names ?? [],
    certificate: stored,
    balancers: (seen?.balancers ?? []).map(({ id, host, port, served }) => ({
      task: id,
      address: `${host}:${port}`,
      serves: 'fingerprint' in served ? served.fingerprint : `nothing: ${served.unreachable}`,
      current: 'fingerprint' in served && served.fingerprint === stored?.fingerprint,
    })),
    app:
      seen === undefined
        ? undefined
        : {
            id: seen.app.id,
            variable: seen.app.variable,
            holds: holds(seen.app.state),
            deployments: seen.app.deployments,
          },
    lastPass:
      result === undefined
        ? undefined
        : {
            startedAt: result.startedAt,
            finishedAt: result.finishedAt,
            did: result.done.map((step) => step.do),
          },
    nextPassAt: result?.checkAgainAt,
    problems: (result?.problems ?? []).map(({ code, message }) => ({
      code,
      message,
      hint: ERRORS[code as ErrorCode]?.hint ?? '',
    })),
  };
}

function holds(state: NonNullable<PassResult['seen']>['app']['state']): string {
  return state.kind === 'certificate' ? state.facts.fingerprint : state.kind;
}
