import type { BalancerLook } from '../haproxy/look.ts';
import type { BalancerPlace } from '../haproxy/places.ts';
import type { Clock } from '../lib/clock.ts';
import type { ErrorCode } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { MarathonClient } from '../marathon/client.ts';

/** What a rollout works with, built once from the configuration. */
export interface RolloutTools {
  marathon: MarathonClient;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  /** Ends early when Marathon tells of one of the apps. */
  wait(ms: number): Promise<void>;
  /** Where balancers answer, looked up anew at each call; what could not be found is said beside them. */
  findPlaces(): Promise<{ places: BalancerPlace[]; problems: string[] }>;
  look(place: BalancerPlace): Promise<BalancerLook | { reloading: true } | { unreachable: string }>;
  /** IPv4 address of a host that Marathon names. */
  addressOf(host: string): Promise<string | undefined>;
  /** Asks the hook, or a person, before tasks are removed. @returns why not, or undefined when it is agreed */
  ask(removal: Removal): Promise<Refusal | undefined>;
}

/** Tasks that are about to be removed, and by whom they are replaced. */
export interface Removal {
  oldId: string;
  taskIds: readonly string[];
  freshId: string;
}

export interface Refusal {
  code: ErrorCode;
  sentence: string;
}
