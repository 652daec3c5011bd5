import { z } from 'zod';

const settings = z.strictObject({
  /** No leader: every call is held and then refused with this status; `true` means that of the version. */
  noLeader: z.union([z.boolean(), z.literal(502), z.literal(503)]),
  noLeaderHoldMs: z.number().min(0).max(60_000),
  /** Delays every answer. */
  slowMs: z.number().min(0).max(600_000),
  /** So many next writes are carried out, then the connection is cut without an answer. */
  loseReply: z.int().min(0),
  /** So many next writes are refused with 503 and not carried out. */
  refuseWrites: z.int().min(0),
  /** Tasks of this app that are launched from now on fail every health probe. */
  neverHealthy: z.string().nullable(),
  /** Tasks of this app that are launched from now on exit with status 1 shortly after their start. */
  crashing: z.string().nullable(),
  /** SIGTERM reaches tasks of this app so much later than it is sent. */
  slowStop: z.strictObject({ appId: z.string(), ms: z.number().min(0).max(600_000) }).nullable(),
  /** The next deployment of this app makes no progress. */
  hangDeployment: z.string().nullable(),
  /** Somebody else's deployment holds the lock of this app until this is cleared. */
  foreignDeployment: z.string().nullable(),
  /** Streams stay open but carry no events. */
  dropEvents: z.boolean(),
});
const request = settings
  .partial()
  .extend({ closeStreams: z.boolean().optional(), failOver: z.boolean().optional() });

export type FaultSettings = z.infer<typeof settings>;

/** What faults do to tasks. */
export interface TaskFaults {
  isNeverHealthy(appId: string): boolean;
  isCrashing(appId: string): boolean;
  stopDelayMs(appId: string): number;
}

export interface FaultActions {
  closeStreams(): void;
  /** A new leader: streams close and health results are forgotten. */
  failOver(): void;
  /** Begins or ends the deployment by somebody else. */
  setForeignDeployment(appId: string | null): void;
}

/** The knobs of the lab, to be set from a test or over HTTP while it runs. */
export class Faults implements TaskFaults {
  #settings: FaultSettings = {
    noLeader: false,
    noLeaderHoldMs: 2750,
    slowMs: 0,
    loseReply: 0,
    refuseWrites: 0,
    neverHealthy: null,
    crashing: null,
    slowStop: null,
    hangDeployment: null,
    foreignDeployment: null,
    dropEvents: false,
  };
  readonly #actions: FaultActions;

  constructor(actions: FaultActions) {
    this.#actions = actions;
  }

  get settings(): Readonly<FaultSettings> {
    return this.#settings;
  }

  /** Sets some knobs and leaves the others. */
  set(change: Partial<FaultSettings>): void {
    const { foreignDeployment } = this.#settings;
    this.#settings = { ...this.#settings, ...change };
    if (this.#settings.foreignDeployment !== foreignDeployment)
      this.#actions.setForeignDeployment(this.#settings.foreignDeployment);
  }

  /** The body of `PUT /lab/faults`. @throws ZodError when a knob or its value is not known */
  apply(body: unknown): void {
    const { closeStreams, failOver, ...change } = request.parse(body);
    const given = Object.entries(change).filter(([, value]) => value !== undefined);
    this.set(Object.fromEntries(given) as Partial<FaultSettings>);
    if (closeStreams) this.closeStreams();
    if (failOver) this.failOver();
  }

  closeStreams(): void {
    this.#actions.closeStreams();
  }

  failOver(): void {
    this.#actions.failOver();
  }

  isNeverHealthy(appId: string): boolean {
    return this.#settings.neverHealthy === appId;
  }

  isCrashing(appId: string): boolean {
    return this.#settings.crashing === appId;
  }

  stopDelayMs(appId: string): number {
    const { slowStop } = this.#settings;
    return slowStop?.appId === appId ? slowStop.ms : 0;
  }

  /** @returns true once for each reply to be lost */
  takeLostReply(): boolean {
    return this.#take('loseReply');
  }

  /** @returns true once for each write to be refused */
  takeRefusal(): boolean {
    return this.#take('refuseWrites');
  }

  #take(knob: 'loseReply' | 'refuseWrites'): boolean {
    const left = this.#settings[knob];
    if (left <= 0) return false;
    this.#settings = { ...this.#settings, [knob]: left - 1 };
    return true;
  }

  /** @returns true for the one deployment that shall hang */
  takeHang(appIds: readonly string[]): boolean {
    const { hangDeployment } = this.#settings;
    if (hangDeployment === null || !appIds.includes(hangDeployment)) return false;
    this.#settings = { ...this.#settings, hangDeployment: null };
    return true;
  }
}
