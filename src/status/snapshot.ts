// pure
import type { UsedBudget } from '../certificates/limits/shown.ts';
import type { Postponed } from '../certificates/model.ts';
import type { PassResult } from '../certificates/pass-result.ts';
import type { ServedBy } from '../certificates/served.ts';
import type { Retired } from '../certificates/world.ts';
import type { Served } from '../delivery/delivery.ts';
import { contentMark } from '../delivery/variable.ts';
import { ERRORS, type ErrorCode } from '../lib/errors.ts';
import { hostAndPort } from '../lib/host-and-port.ts';
import { inRuns } from '../lib/runs.ts';

/** What the status answers show: the last observation and plan. No key, token or password is ever in it. */
export interface Snapshot {
  instance: string;
  version: string;
  startedAt: Date;
  /** One word for the whole. `waiting` before the first pass has ended. */
  state: 'ok' | 'failing' | 'waiting';
  names: string[];
  certificates: ShownCertificate[];
  balancers: ShownBalancer[];
  /** Where certificates are delivered to. */
  targets: {
    id: string;
    strategy: string;
    places: { certificate: string; place: string; holds: string }[];
    deployments: string[];
    /** What a delivery by restart would do. */
    restart: string | undefined;
  }[];
  /** Deliveries that wait for a window or their pace. */
  postponed: Postponed[];
  /** How much of the limits of each CA is used. */
  budgets: UsedBudget[];
  lastPass: { startedAt: Date; finishedAt: Date; did: string[] } | undefined;
  nextPassAt: Date | undefined;
  /** Certificates that nobody asks for any more, and what becomes of them. */
  retired: Retired[];
  problems: { code: string; message: string; hint: string }[];
  /** What a person may want to know; nothing is wrong. */
  notices: { code: string; message: string; hint: string }[];
}

export interface ShownCertificate {
  id: string;
  /** The names that it is wanted for. */
  names: string[];
  life: string;
  /** What is stored; undefined before the first one. */
  fingerprint: string | undefined;
  issuer: string | undefined;
  notBefore: Date | undefined;
  notAfter: Date | undefined;
  origin: string | undefined;
  /** Until when no order is made. */
  heldUntil: Date | undefined;
  /** Names that failed by themselves and are left out for now, each with the time of its next try. */
  leftOut: { name: string; until: Date; reason: string }[];
}

export interface ShownBalancer {
  id: string;
  address: string;
  target: string;
  /** What it showed in the last look for each name that it was asked for. */
  serves: ({ name: string } & Served)[];
  /** Names for which it shows another certificate than the stored one. */
  otherwise: string[];
  /** It serves what is stored, for every name that it was asked for. */
  current: boolean;
}

export function snapshotOf(
  about: { instance: string; version: string; startedAt: Date },
  result: PassResult | undefined,
  served: readonly ServedBy[] = [],
): Snapshot {
  const seen = result?.seen;
  return {
    ...about,
    state: result === undefined ? 'waiting' : result.problems.length > 0 ? 'failing' : 'ok',
    names: seen?.wanted.names ?? [],
    certificates: (seen?.certificates ?? []).map(
      ({ id, names, life, stored, orderHold, waits, held = [] }) => ({
        id,
        names,
        life,
        fingerprint: stored?.fingerprint,
        issuer: stored?.issuer,
        notBefore: stored?.notBefore,
        notAfter: stored?.notAfter,
        origin: stored?.origin,
        heldUntil: (waits ?? orderHold)?.until,
        leftOut: held.map(({ name, hold }) => ({ name, until: hold.until, reason: hold.reason })),
      }),
    ),
    balancers: served.map(shownBalancer),
    targets: (seen?.targets ?? []).map(({ id, strategy, places, deployments, restart }) => ({
      id,
      strategy,
      places: [...places].map(([certificate, { place, state }]) => ({
        certificate,
        place,
        holds: contentMark(state),
      })),
      deployments,
      restart: restart?.sentence,
    })),
    postponed: result?.postponed ?? [],
    budgets: result?.budgets ?? [],
    lastPass:
      result === undefined
        ? undefined
        : {
            startedAt: result.startedAt,
            finishedAt: result.finishedAt,
            did: inRuns(result.done.map((step) => step.do)),
          },
    nextPassAt: result?.checkAgainAt,
    retired: result?.plan?.retired ?? [],
    problems: (result?.problems ?? []).map(hinted),
    notices: (result?.notices ?? []).map(hinted),
  };
}

function hinted({ code, message }: { code: string; message: string }) {
  return { code, message, hint: ERRORS[code as ErrorCode]?.hint ?? '' };
}

function shownBalancer({ target, balancer, otherwise, isCurrent }: ServedBy): ShownBalancer {
  const { id, host, port, shown } = balancer;
  return {
    id,
    address: hostAndPort(host, port),
    target,
    serves: [...shown].map(([name, served]) => ({ name, ...served })),
    otherwise,
    current: isCurrent,
  };
}
