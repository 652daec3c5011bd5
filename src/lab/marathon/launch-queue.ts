import type { Agents, Slot } from './agents.ts';
import type { App } from './app.ts';
import { type Backoff, longerBackoff } from './backoff.ts';
import { NO_OFFERS, type OfferCounts, withRefusals } from './offers.ts';
import { type Instance, type Tracker, wasPlaced } from './tracker.ts';

export interface QueueEntry {
  app: App;
  count: number;
  sinceMs: number;
  /** When the back-off ends; in the past when the app waits for room. */
  delayUntilMs: number;
  offers: OfferCounts;
}

/** Instances that wait for a place: first for the end of their app's back-off, then for an agent that fits. */
export class LaunchQueue {
  readonly #waiting = new Map<Instance, number>();
  readonly #backoffs = new Map<string, Backoff>();
  /** By app; of those that wait. */
  readonly #offers = new Map<string, OfferCounts>();
  readonly #agents: Agents;
  readonly #tracker: Tracker;
  readonly #appOf: (appId: string) => App | undefined;
  readonly #launch: (instance: Instance, app: App, slot: Slot) => void;
  #timer: NodeJS.Timeout | undefined;
  /** Of the instances that were passed over in the last round because of their back-off. */
  #nextDelayEndMs = Number.POSITIVE_INFINITY;
  #isPumping = false;
  #mustPumpAgain = false;
  #isStopped = false;

  constructor(
    agents: Agents,
    tracker: Tracker,
    appOf: (appId: string) => App | undefined,
    launch: (instance: Instance, app: App, slot: Slot) => void,
  ) {
    this.#agents = agents;
    this.#tracker = tracker;
    this.#appOf = appOf;
    this.#launch = launch;
  }

  add(instance: Instance): void {
    this.#waiting.set(instance, Date.now());
    this.pump();
  }

  remove(instance: Instance): void {
    this.#waiting.delete(instance);
    if (!this.#isWaiting(instance.appId)) this.#offers.delete(instance.appId);
  }

  /** Forgets the requests of an app that no agent has taken yet.
   * @param kind `purged`: behind the back of the deployment that made them */
  dropNeverPlaced(appId: string, kind: 'gone' | 'purged' = 'gone'): void {
    for (const instance of [...this.#waiting.keys()])
      if (instance.appId === appId && !wasPlaced(instance)) {
        this.remove(instance);
        instance.goal = 'Decommissioned';
        this.#tracker.remove(instance, kind);
      }
  }

  /** A task of this app failed: the next launch waits longer. */
  delay(app: App): void {
    const key = backoffKey(app);
    this.#backoffs.set(key, longerBackoff(this.#backoffs.get(key), app, Date.now()));
  }

  /** @returns false when nothing of this app is queued */
  resetDelay(app: App): boolean {
    this.#backoffs.delete(backoffKey(app));
    this.pump();
    return this.#isWaiting(app.id);
  }

  entries(): QueueEntry[] {
    const entries = new Map<string, QueueEntry>();
    for (const [instance, sinceMs] of this.#waiting) {
      const app = this.#appOf(instance.appId);
      if (!app) continue;
      const entry = entries.get(app.id) ?? {
        app,
        count: 0,
        sinceMs,
        delayUntilMs: this.#delayUntilMs(app),
        offers: this.#offers.get(app.id) ?? NO_OFFERS,
      };
      entries.set(app.id, { ...entry, count: entry.count + 1, sinceMs: Math.min(entry.sinceMs, sinceMs) });
    }
    return [...entries.values()];
  }

  /** Tries to place everything that may go now. Called whenever room or time may have come free. */
  pump(): void {
    this.#mustPumpAgain = true;
    if (!this.#isPumping) void this.#pumpUntilQuiet();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#waiting.clear();
  }

  async #pumpUntilQuiet(): Promise<void> {
    this.#isPumping = true;
    // A write's own answer and events come first; Marathon too places tasks only with the next offer.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#mustPumpAgain && !this.#isStopped) {
      this.#mustPumpAgain = false;
      this.#nextDelayEndMs = Number.POSITIVE_INFINITY;
      for (const instance of [...this.#waiting.keys()]) await this.#tryPlace(instance);
    }
    this.#isPumping = false;
    this.#wakeAtNextDelayEnd();
  }

  async #tryPlace(instance: Instance): Promise<void> {
    const app = this.#appOf(instance.appId);
    if (!app || !this.#waiting.has(instance)) return;
    const untilMs = this.#delayUntilMs(app);
    if (untilMs > Date.now()) {
      this.#nextDelayEndMs = Math.min(this.#nextDelayEndMs, untilMs);
      return;
    }
    const living = this.#tracker
      .ofApp(app.id)
      .flatMap((other) => (other.task ? [other.task.slot.agent] : []));
    const placement = await this.#agents.place(app, living);
    if (!('slot' in placement)) {
      const before = this.#offers.get(app.id) ?? NO_OFFERS;
      this.#offers.set(app.id, withRefusals(before, placement.refusals));
      return;
    }
    const { slot } = placement;
    // The definition may have changed, or the request been dropped, while the ports were tried.
    if (this.#isStopped || !this.#waiting.has(instance) || this.#appOf(app.id) !== app) {
      this.#agents.release(slot);
      this.#mustPumpAgain = true;
      return;
    }
    this.remove(instance);
    this.#launch(instance, app, slot);
  }

  /** Also when the delay has ended since it was looked at: nobody else would try again. */
  #wakeAtNextDelayEnd(): void {
    clearTimeout(this.#timer);
    if (this.#nextDelayEndMs === Number.POSITIVE_INFINITY || this.#isStopped) return;
    this.#timer = setTimeout(() => this.pump(), Math.max(0, this.#nextDelayEndMs - Date.now()) + 1);
  }

  #isWaiting(appId: string): boolean {
    return [...this.#waiting.keys()].some((instance) => instance.appId === appId);
  }

  #delayUntilMs(app: App): number {
    return this.#backoffs.get(backoffKey(app))?.untilMs ?? 0;
  }
}

/** A new configuration begins without delay. */
const backoffKey = (app: App) => `${app.id} ${app.versionInfo.lastConfigChangeAt}`;
