// pure

import { KNOWN_CAS } from '../../config/known-cas.ts';
import type { PassPolicy } from '../pass.ts';
import { domainOf, type Fleet, newFleet } from './fleet.ts';
import { seededRandom } from './random.ts';
import { type VirtualCa, virtualCa } from './virtual-ca.ts';
import { type Counts, noCounts, virtualPass } from './virtual-pass.ts';

export interface SimulationSettings {
  /** Virtual time. */
  startMs: number;
  durationMs: number;
  lifetimeMs: number;
  certificates: number;
  /** Share of the requests to the CA and of the deliveries that fail, in [0, 1). */
  failing: number;
  seed: number;
  policy: Omit<PassPolicy, 'forced'>;
}

export interface SimulationResult extends Counts {
  /** Certificates that were never issued, and those that nobody had delivered, at the end. */
  unserved: number;
  settings: Pick<SimulationSettings, 'durationMs' | 'lifetimeMs' | 'certificates' | 'failing' | 'seed'>;
  passes: number;
  /** The most that was used of each limit of the CA at any time. */
  used: ReturnType<VirtualCa['used']>;
  /** Orders that the CA refused by its limits. */
  refused: number;
}

/** Passes follow one another no faster (lib/loop.ts). */
const LEAST_PAUSE_MS = 1_000;
/** Where nothing names a time: the schedule of every day. */
const SCHEDULE_MS = 86_400_000;

/** Lets the planner work on a virtual clock, from nothing, against a CA that counts and fails. Pure: the same settings
 * give the same result. */
export function simulate(settings: SimulationSettings): SimulationResult {
  const { startMs, durationMs, lifetimeMs, certificates, failing, seed, policy } = settings;
  const directoryUrl = KNOWN_CAS.letsencrypt;
  const random = seededRandom(seed);
  const ca = virtualCa({ lifetimeMs, failing, random, domainOf });
  const fleet: Fleet = newFleet(certificates, directoryUrl);
  const counts = noCounts();
  const pass = virtualPass({ fleet, ca, counts, policy, failing, random, directoryUrl, lifetimeMs });
  let passes = 0;
  for (let nowMs = startMs; nowMs < startMs + durationMs; passes += 1) {
    const nextMs = pass.at(nowMs) ?? nowMs + SCHEDULE_MS;
    nowMs = Math.max(nowMs + LEAST_PAUSE_MS, Math.min(nextMs, nowMs + SCHEDULE_MS));
  }
  const unserved = pass.end(startMs + durationMs);
  return {
    unserved,
    settings: { durationMs, lifetimeMs, certificates, failing, seed },
    ...counts,
    passes,
    used: ca.used(),
    refused: ca.refused(),
  };
}
