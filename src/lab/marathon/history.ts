import { maskSecrets } from '../../lib/mask.ts';

const KEPT_REQUESTS = 2000;
const KEPT_BODY_BYTES = 64 * 1024;

export interface SeenRequest {
  method: string;
  path: string;
  query: string;
  status: number;
  /** Without private keys and cut to 64 KiB. */
  body: string;
  at: string;
}

/** The last requests that the lab was asked. `status` is 0 while there is no answer, or when it was lost. */
export class RequestHistory {
  readonly #seen: SeenRequest[] = [];

  /** @returns the entry, so that its body and status can be filled in */
  begin(method: string, path: string, query: string): SeenRequest {
    const entry = { method, path, query, status: 0, body: '', at: new Date().toISOString() };
    this.#seen.push(entry);
    if (this.#seen.length > KEPT_REQUESTS) this.#seen.shift();
    return entry;
  }

  all(): SeenRequest[] {
    return this.#seen.map((entry) => ({ ...entry }));
  }
}

/** Masked first and cut afterwards, so that no half of a key is left. */
export const keptBody = (body: string) =>
  Buffer.from(maskSecrets(body)).subarray(0, KEPT_BODY_BYTES).toString('utf8');
