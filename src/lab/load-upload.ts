import { createHash } from 'node:crypto';
import type { ClientRequest } from 'node:http';

/** A body that is sent in small pieces over some time. */
export interface SlowBody {
  bytes: number;
  /** Begins to send. @returns what knows whether all of it arrived */
  sendTo(request: ClientRequest): { check(answer: string): void };
}

const EVERY_MS = 100;
/** Pieces differ from each other, so that one that is lost or sent twice shows in the hash. */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** @param seconds over which it is sent, evenly */
export function slowBody(bytes: number, seconds: number): SlowBody {
  const pieces = Math.max(1, Math.min(bytes, Math.round((seconds * 1000) / EVERY_MS)));
  return {
    bytes,
    sendTo: (request) => {
      const hash = createHash('sha256');
      let sent = 0;
      let wanted: string | undefined;
      const timer = setInterval(() => {
        if (request.destroyed || request.writableEnded) return clearInterval(timer);
        const upTo = Math.min(bytes, Math.ceil(((sent + 1) * bytes) / pieces));
        const from = Math.ceil((sent * bytes) / pieces);
        const piece = (ALPHABET[sent % ALPHABET.length] as string).repeat(upTo - from);
        sent += 1;
        hash.update(piece);
        request.write(piece);
        if (sent < pieces) return;
        clearInterval(timer);
        wanted = hash.digest('hex');
        request.end();
      }, EVERY_MS);
      request.once('close', () => clearInterval(timer));
      return {
        check: (answer) => {
          if (wanted === undefined) throw new Error('answered before the upload was whole');
          const { bytes: arrived, sha256 } = readAnswer(answer);
          if (arrived !== bytes || sha256 !== wanted)
            throw new Error(`${arrived} of ${bytes} bytes arrived, or not the same`);
        },
      };
    },
  };
}

function readAnswer(answer: string): { bytes: unknown; sha256: unknown } {
  try {
    const { bytes, sha256 } = JSON.parse(answer) as Record<string, unknown>;
    return { bytes, sha256 };
  } catch (cause) {
    throw new Error('the upload was answered with something else', { cause });
  }
}
