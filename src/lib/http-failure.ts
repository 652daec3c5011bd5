// pure

/** Did a request that got no answer reach the other side? `not-sent`: certainly not, a repeat is harmless.
 * `unknown`: it may have been carried out; look before repeating. */
export type Outcome = 'not-sent' | 'unknown';

/** The deadline of a whole request passed. */
export class DeadlineError extends Error {
  constructor(timeoutMs: number) {
    super(`no complete answer within ${timeoutMs / 1000} s`);
    this.name = 'DeadlineError';
  }
}

/** The body of an answer is larger than allowed. */
export class BodyTooLargeError extends Error {
  constructor(maxBytes: number) {
    super(`the answer has more than ${maxBytes} bytes`);
    this.name = 'BodyTooLargeError';
  }
}

/** What went wrong with a connection, in one line. When a host has several addresses Node throws an
 * AggregateError without a message of its own. */
export function connectionWords(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return [...new Set(error.errors.map(connectionWords))].join('; ');
  }
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { code?: unknown };
  const words = error.message === '' ? error.name : error.message;
  return typeof code === 'string' && !code.startsWith('UND_') && !words.includes(code)
    ? `${words} (${code})`
    : words;
}
