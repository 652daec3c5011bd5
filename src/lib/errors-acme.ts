// pure
import type { ErrorEntry } from './errors.ts';

/** The part of the table of failures that a CA causes; errors.ts has the whole. */
export const ACME_ERRORS = {
  ACME_RATE_LIMITED: {
    exit: 20,
    retry: true,
    hint: 'Wait until the time above; the service tries again by itself.',
  },
  ACME_PAUSED: {
    exit: 20,
    retry: false,
    hint: 'Open the address in the words of the CA, end the pause there, then run `certathon renew --now --certificate NAME`.',
  },
  ACME_BUDGET_SPENT: {
    exit: 20,
    retry: true,
    hint: 'Nothing was asked of the CA; the order is made by itself at that time. Where the CA granted more: --ca-limits learned.',
  },
  ACME_UNREACHABLE: {
    exit: 21,
    retry: true,
    hint: 'Check CERTATHON_ACME_DIRECTORY and the way out to it; installed certificates go on serving.',
  },
  ACME_ANSWER_INVALID: {
    exit: 22,
    retry: true,
    hint: 'What answers at CERTATHON_ACME_DIRECTORY is no ACME server, or a broken one.',
  },
  ACME_CHALLENGE_FAILED: {
    exit: 23,
    retry: true,
    hint: 'Make http://NAME/.well-known/acme-challenge/ reach this app from outside, over every balancer and address of the name.',
  },
  ACME_REFUSED: { exit: 24, retry: true, hint: 'The words of the CA above tell what to correct.' },
  ACME_ORDER_INVALID: { exit: 24, retry: true, hint: 'A new order is made at the next pass.' },
} as const satisfies Record<string, ErrorEntry>;
