import { z } from 'zod';

const settings = z.strictObject({
  /** No leader: every call is held and then refused with this status; 1.8 says 502, older versions 503. */
  noLeader: z.union([z.boolean(), z.literal(502), z.literal(503)]),
  noLeaderHoldMs: z.number().min(0).max(60_000),
  /** Delays every answer. */
  slowMs: z.number().min(0).max(600_000),
  /** So many next writes are carried out, then the connection is cut without an answer. */
  loseReply: z.int().min(0),
  /** Tasks of this app that are launched from now on fail every health probe. */
  neverHealthy: z.string().nullable(),
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

export interface FaultActions {
  closeStreams(): void;
  /** A new leader: streams close and health results are forgotten. */
  failOver(): void;
  /** Begins or ends the deployment by somebody else. */
  setForeignDeployment(appId: string | null): void;
}

/** The knobs of the lab, to be set from a test or over HTTP while it runs. */
export class Faults {
  #settings: FaultSettings = {
    noLeader: false,
    noLeaderHoldMs: 2750,
    slowMs: 0,
    loseReply: 0,
    neverHealthy: null,
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

  /** @returns true once for each reply to be lost */
  takeLostReply(): boolean {
    if (this.#settings.loseReply <= 0) return false;
    this.#settings = { ...this.#settings, loseReply: this.#settings.loseReply - 1 };
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
