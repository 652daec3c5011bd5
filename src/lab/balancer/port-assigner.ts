// pure
import { createHash } from 'node:crypto';

const MOST_CLASHES = 50;

/** Service ports for apps with an address per task, to which Marathon gives none: found by hash, so that all balancers
 * agree. One for each generation, asked in the order of the apps. */
export class PortAssigner {
  readonly #range: { min: number; max: number };
  readonly #ports = new Map<string, number | undefined>();

  /** @param range both inclusive */
  constructor(range: { min: number; max: number }) {
    this.#range = range;
  }

  /** @returns the port for one port of one app; undefined when none is left */
  portFor(appId: string, taskPort: number): number | undefined {
    const key = `${appId} ${taskPort}`;
    const port = this.#ports.get(key) ?? this.#choose(appId, taskPort);
    this.#ports.set(key, port);
    return port;
  }

  #choose(appId: string, taskPort: number): number | undefined {
    const { min, max } = this.#range;
    const size = max - min + 1;
    if (this.#ports.size >= size) return undefined;
    const taken = new Set(this.#ports.values());
    for (let clash = 0; clash < MOST_CLASHES; clash += 1) {
      const digest = createHash('sha1').update(`${appId}-${taskPort}-${clash}`).digest('hex');
      const port = min + (Number.parseInt(digest.slice(0, 8), 16) % size);
      if (!taken.has(port)) return port;
    }
    for (let port = min; port <= max; port += 1) if (!taken.has(port)) return port;
    return undefined;
  }
}
