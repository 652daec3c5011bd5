import { z } from 'zod';

/** What a test or a demo may do to one balancer; all off at the start. */
const schema = z.strictObject({
  /** So many of the next USR1 calls are answered 200 and forgotten, as when an event comes at the same moment. */
  dropUsr1: z.int().min(0),
  /** USR1 takes effect so much later. */
  delayUsr1Ms: z.int().min(0).max(600_000),
  /** 500: both signal endpoints answer as in poll mode, and do nothing. */
  signalStatus: z.union([z.literal(200), z.literal(500)]),
  /** The updater does nothing at all; HAProxy serves on and its health check stays 200. */
  isFrozen: z.boolean(),
  /** So many of the next validations fail, whatever the configuration. */
  failValidations: z.int().min(0),
  /** Events are seen so much later than they come. */
  delayEventsMs: z.int().min(0).max(600_000),
});

export type Switches = z.infer<typeof schema>;

export const CALM: Switches = {
  dropUsr1: 0,
  delayUsr1Ms: 0,
  signalStatus: 200,
  isFrozen: false,
  failValidations: 0,
  delayEventsMs: 0,
};

/** Switches to change, from JSON text. @throws Error on an unknown switch or a value out of bounds */
export function readSwitches(json: string): Partial<Switches> {
  const parsed = schema.partial().safeParse(JSON.parse(json));
  if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
  // Keys that were left out stay out: with `exactOptionalPropertyTypes` the parsed type says so only after this.
  return Object.fromEntries(Object.entries(parsed.data).filter(([, value]) => value !== undefined));
}

/** What happened so far, for assertions such as "exactly one reload". */
export interface Counters {
  /** Reloads that brought a new worker up, the first start not counted. */
  reloads: number;
  /** SIGHUPs sent to the HAProxy master. */
  reloadAttempts: number;
  validations: number;
  failedValidations: number;
  /** Those that have ended, well or not. */
  regenerations: number;
  failedGenerations: number;
  /** Searches for the apps that make a configuration invalid. */
  rescues: number;
  streams: number;
  events: number;
  hup: number;
  usr1: number;
}

export function newCounters(): Counters {
  return {
    reloads: 0,
    reloadAttempts: 0,
    validations: 0,
    failedValidations: 0,
    regenerations: 0,
    failedGenerations: 0,
    rescues: 0,
    streams: 0,
    events: 0,
    hup: 0,
    usr1: 0,
  };
}
