// pure
import type { Window } from '../config/windows.ts';
import { windowAt } from './window.ts';

export interface TimingFacts {
  /** The strategy restarts balancers. */
  isDisruptive: boolean;
  /** A name that nothing delivered here covers yet gets its first certificate. */
  isFirst: boolean;
  /** A person asked for it now (`--now`). */
  isAsked: boolean;
  /** When the certificate came into the store. */
  issuedAt: Date | undefined;
  /** Of this target, when it was disruptive. */
  lastDeliveryAt: Date | undefined;
  /** Life of what is delivered now; nothing delivered counts as a first certificate. */
  current: { notBefore: Date; notAfter: Date } | undefined;
  now: Date;
}

export interface Pace {
  windows: readonly Window[];
  timeZone: string;
  /** Between two disruptive deliveries to one target. */
  intervalMs: number;
  /** How long a new certificate waits for others that come with it. */
  coalesceMs: number;
}

export type TimingVerdict =
  | { wait: false; reason: 'free' | 'first' | 'asked' | 'urgent' | 'in-window' }
  | { wait: true; until: Date; reason: 'coalescing' | 'window' | 'pace' };

/** A time of issue that is ahead by no more than this was stamped by a clock a little ahead of this one (a
 * shared store); one farther ahead says nothing. */
const CLOCK_STEP_MS = 5_000;
const [HOUR_MS, MOST_TURNS] = [3_600_000, 10];

/** Whether a delivery may begin now, or when to ask again. Pure.
 *
 *   delivery           | waits for
 *   not disruptive     | nothing                                          → free
 *   first, asked       | coalescing                                       → first, asked
 *   any other          | coalescing, pace and window together             → in-window; free without any windows
 *   urgent as well     | nothing: not even coalescing                     → urgent, if pace or window held it back
 *
 * coalescing: until issuedAt + coalesceMs. pace: until lastDeliveryAt + intervalMs, unless that delivery lies in
 * the future. window: until one opens. Urgent is what `urgentAt` says.
 * @returns `until`: the earliest moment at which nothing holds it back or it is urgent, so that asking again
 *   then begins it; `reason`: what holds it back longest */
export function deliveryTiming(facts: TimingFacts, pace: Pace): TimingVerdict {
  if (!facts.isDisruptive) return { wait: false, reason: 'free' };
  const nowMs = facts.now.getTime();
  const urgentMs = facts.current === undefined ? Number.POSITIVE_INFINITY : urgentAt(facts.current).getTime();
  const isFirst = facts.isFirst || facts.current === undefined;
  const held = isFirst || facts.isAsked ? coalescing : heldBack;

  let [atMs, reason] = [nowMs, undefined as Hold['reason'] | undefined];
  // Turn by turn, as asking again would find it: a window may close before the pace is over.
  for (let turn = 0; turn < MOST_TURNS && atMs < urgentMs; turn += 1) {
    const hold = held(facts, pace, atMs);
    if (hold === undefined) break;
    [atMs, reason] = [hold.untilMs, hold.reason];
  }
  if (reason !== undefined) return { wait: true, until: new Date(Math.min(atMs, urgentMs)), reason };
  if (isFirst) return { wait: false, reason: 'first' };
  if (facts.isAsked) return { wait: false, reason: 'asked' };
  const withoutHurry = nowMs >= urgentMs ? (pacing(facts, pace, nowMs) ?? closed(pace, nowMs)) : undefined;
  if (withoutHurry !== undefined) return { wait: false, reason: 'urgent' };
  return { wait: false, reason: pace.windows.length === 0 ? 'free' : 'in-window' };
}

/** From when on what is delivered must be replaced whatever the time of day: when a tenth of its life is left;
 * never less than the last 6 hours, or a quarter of the life where that is less.
 *   life   | a tenth | 6 h or a quarter | urgent for its last
 *   90 d   | 9 d     | 6 h              | 9 d
 *   45 d   | 4.5 d   | 6 h              | 4.5 d
 *   6.7 d  | 16.08 h | 6 h              | 16.08 h
 *   24 h   | 2.4 h   | 6 h              | 6 h
 *   1 h    | 6 min   | 15 min           | 15 min */
export function urgentAt({ notBefore, notAfter }: { notBefore: Date; notAfter: Date }): Date {
  const lifeMs = Math.max(0, notAfter.getTime() - notBefore.getTime());
  return new Date(notAfter.getTime() - Math.max(lifeMs / 10, Math.min(6 * HOUR_MS, lifeMs / 4)));
}

interface Hold {
  untilMs: number;
  reason: 'coalescing' | 'window' | 'pace';
}

/** What holds back a delivery that is neither first nor asked for; each is looked at from the end of the one
 * before it, so that the last one is what holds longest. */
function heldBack(facts: TimingFacts, pace: Pace, atMs: number): Hold | undefined {
  return coalescing(facts, pace, atMs) ?? pacing(facts, pace, atMs) ?? closed(pace, atMs);
}

function coalescing({ issuedAt }: TimingFacts, { coalesceMs }: Pace, atMs: number): Hold | undefined {
  const issuedMs = issuedAt?.getTime() ?? Number.POSITIVE_INFINITY;
  const untilMs = issuedMs + coalesceMs;
  return issuedMs <= atMs + CLOCK_STEP_MS && atMs < untilMs ? { untilMs, reason: 'coalescing' } : undefined;
}

function pacing({ lastDeliveryAt }: TimingFacts, { intervalMs }: Pace, atMs: number): Hold | undefined {
  const lastMs = lastDeliveryAt?.getTime() ?? Number.POSITIVE_INFINITY;
  const untilMs = lastMs + intervalMs;
  return lastMs <= atMs && atMs < untilMs ? { untilMs, reason: 'pace' } : undefined;
}

function closed({ windows, timeZone }: Pace, atMs: number): Hold | undefined {
  const window = windowAt(windows, timeZone, new Date(atMs));
  return window.open ? undefined : { untilMs: window.opensAt.getTime(), reason: 'window' };
}
