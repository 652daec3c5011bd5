// pure
import type { ObservedBalancer, Postponed } from '../certificates/model.ts';
import type { PassResult } from '../certificates/pass.ts';
import { contentMark } from '../delivery/variable.ts';
import { ERRORS, type ErrorCode } from '../lib/errors.ts';
import { hostAndPort } from '../lib/host-and-port.ts';

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
  balancers: ShownBalancer[];
  /** Where certificates are delivered to. */
  targets: {
    id: string;
    strategy: string;
    place: string;
    holds: string;
    deployments: string[];
    /** What a delivery by restart would do. */
    restart: string | undefined;
  }[];
  /** Deliveries that wait for a window or their pace. */
  postponed: Postponed[];
  lastPass: { startedAt: Date; finishedAt: Date; did: string[] } | undefined;
  nextPassAt: Date | undefined;
  problems: { code: string; message: string; hint: string }[];
}

export interface ShownBalancer {
  id: string;
  address: string;
  target: string;
  /** Fingerprint, or why there is none. */
  serves: string;
  issuer: string | undefined;
  serial: string | undefined;
  notAfter: Date | undefined;
  /** Names for which it shows another certificate. */
  otherwise: string[];
  /** It serves what is stored, for every name. */
  current: boolean;
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
    balancers: (seen?.targets ?? []).flatMap(({ id, balancers }) =>
      balancers.map((balancer) => shownBalancer(balancer, id, stored?.fingerprint)),
    ),
    targets: (seen?.targets ?? []).map(({ id, strategy, place, state, deployments, restart }) => ({
      id,
      strategy,
      place,
      holds: contentMark(state),
      deployments,
      restart: restart?.sentence,
    })),
    postponed: result?.postponed ?? [],
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

function shownBalancer(
  { id, host, port, served, others }: ObservedBalancer,
  target: string,
  stored: string | undefined,
): ShownBalancer {
  const facts = 'fingerprint' in served ? served : undefined;
  return {
    id,
    address: hostAndPort(host, port),
    target,
    serves: 'fingerprint' in served ? served.fingerprint : `nothing: ${served.unreachable}`,
    issuer: facts?.issuer,
    serial: facts?.serial,
    notAfter: facts?.notAfter,
    otherwise: others.map(({ name }) => name),
    current: facts !== undefined && facts.fingerprint === stored && others.length === 0,
  };
}
