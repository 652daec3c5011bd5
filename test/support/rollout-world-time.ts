import { seededRandom } from '../../src/certificates/simulate/random.ts';

/** Virtual time in whole milliseconds: what is to happen is kept in order, and done one after the other. Things of the
 * same moment happen in the order in which they were asked for. */
export class Timeline {
  nowMs = 0;
  /** What happened when, for people; undefined where nobody reads it. */
  readonly notes: string[] | undefined;
  readonly #heap: { atMs: number; order: number; act: () => void }[] = [];
  #order = 0;

  constructor(keepsNotes: boolean) {
    this.notes = keepsNotes ? [] : undefined;
  }

  after(delayMs: number, act: () => void): void {
    const heap = this.#heap;
    const entry = { atMs: this.nowMs + Math.max(0, Math.round(delayMs)), order: this.#order++, act };
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isSooner(entry, heap[parent] as typeof entry)) break;
      heap[at] = heap[parent] as typeof entry;
      at = parent;
    }
    heap[at] = entry;
  }

  /** @returns whether `isOver` became true before the time was up */
  runUntil(isOver: () => boolean, limitMs: number): boolean {
    while (!isOver()) {
      const next = this.#heap[0];
      if (next === undefined || next.atMs > limitMs) {
        this.nowMs = limitMs;
        return false;
      }
      this.#takeFirst();
      this.nowMs = next.atMs;
      next.act();
    }
    return true;
  }

  note(who: string, what: () => string): void {
    this.notes?.push(`${(this.nowMs / 1_000).toFixed(3).padStart(9)}  ${who.padEnd(8)} ${what()}`);
  }

  #takeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop() as (typeof heap)[number];
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && isSooner(right, heap[child] as typeof last)) child += 1;
      if (!isSooner(heap[child] as typeof last, last)) break;
      heap[at] = heap[child] as typeof last;
      at = child;
    }
    heap[at] = last;
  }
}

function isSooner(a: { atMs: number; order: number }, b: { atMs: number; order: number }): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

export type Range = readonly [min: number, max: number];

/** Chance that can be repeated. Each part of the world has its own, so that a change in one leaves the others alone. */
export class Dice {
  readonly #next: () => number;

  constructor(seed: number, part: string) {
    let mixed = seed;
    for (const letter of part) mixed = Math.imul(mixed ^ letter.charCodeAt(0), 0x01000193);
    this.#next = seededRandom(mixed);
  }

  between([min, max]: Range): number {
    return Math.floor(min + this.#next() * (max - min + 1));
  }

  isLucky(share: number): boolean {
    return share > 0 && this.#next() < share;
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.#next() * items.length)];
  }
}
