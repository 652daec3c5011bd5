import { randomUUID } from 'node:crypto';

/** One event as it goes over the wire; `eventType` is the SSE event name too. */
export interface MarathonEvent {
  eventType: string;
  timestamp: string;
  [field: string]: unknown;
}

/** Hands every event to every listener, in the order of their birth. */
export class EventBus {
  readonly #listeners = new Map<string, (event: MarathonEvent) => void>();

  publish(eventType: string, payload: Record<string, unknown>): void {
    const event = { ...payload, eventType, timestamp: timestamp(Date.now()) };
    for (const listener of [...this.#listeners.values()]) listener(event);
  }

  /** @returns the way to leave again */
  subscribe(listener: (event: MarathonEvent) => void): () => void {
    const key = randomUUID();
    this.#listeners.set(key, listener);
    return () => void this.#listeners.delete(key);
  }
}

/** Marathon's form of a time: UTC, exactly three digits of milliseconds, `Z`. */
export const timestamp = (atMs: number) => new Date(atMs).toISOString();
