import { ACME_ERRORS } from './errors-acme.ts';
import { CA_ERRORS } from './errors-ca.ts';
import { ROLLOUT_ERRORS } from './errors-rollout.ts';

/** Every failure that a person may meet, by code. The table is the source of the exit statuses, of the hints
 * and of docs/reference.md. A code is never reused; callers match on `code`, never on text. Statuses 3 to 9
 * keep the meaning that zdd.py gave them: a rollout alone ends with one of them. */
export const ERRORS = {
  UNEXPECTED: {
    exit: 1,
    retry: false,
    hint: 'This is a fault of Certathon: report it with the log lines around it.',
  },
  CONFIG_INVALID: {
    exit: 2,
    retry: false,
    hint: 'Correct the options named above; `certathon --help` lists them.',
  },
  NAMES_INVALID: {
    exit: 10,
    retry: false,
    hint: 'Correct or remove the names above; the other names go on without them.',
  },
  NAMES_MISSING: {
    exit: 10,
    retry: true,
    hint: 'Set CERTATHON_DOMAINS, or list the names in the HAPROXY_0_VHOST label of this app.',
  },
  STORE_UNUSABLE: {
    exit: 11,
    retry: true,
    hint: 'Make the store directory writable for this user, with free space; nothing was lost.',
  },
  CERTIFICATE_UNKNOWN: {
    exit: 18,
    retry: false,
    hint: 'Name one of the certificates that `certathon certificates list` shows, by its id.',
  },
  CERTIFICATE_WANTED: {
    exit: 19,
    retry: false,
    hint: 'Take its names out of the labels or options first; to have another one in its place, reissue or revoke it.',
  },
  STORE_LOCKED: {
    exit: 12,
    retry: true,
    hint: 'Another pass works on this store; this one may be repeated later.',
  },
  MARATHON_UNREACHABLE: {
    exit: 13,
    retry: true,
    hint: 'Check CERTATHON_MARATHON_URL and that Marathon has a leader.',
  },
  MARATHON_UNAUTHORIZED: {
    exit: 14,
    retry: false,
    hint: 'Check the password, token or service account for Marathon, and what it may do there.',
  },
  MARATHON_ANSWER_INVALID: {
    exit: 15,
    retry: true,
    hint: 'Check that CERTATHON_MARATHON_URL is the address of Marathon, with the base path of a proxy before it.',
  },
  MARATHON_REFUSED: { exit: 15, retry: false, hint: 'Marathon refused the change; its own words are above.' },
  MARATHON_TOO_OLD: { exit: 15, retry: false, hint: 'Certathon needs Marathon 1.4 or newer.' },
  APP_MISSING: {
    exit: 16,
    retry: true,
    hint: 'Check CERTATHON_MARATHON_LB_APP: it is the id of the marathon-lb app.',
  },
  APP_LOCKED: { exit: 17, retry: true, hint: 'Wait for the deployment named above, or end it in Marathon.' },
  ...ACME_ERRORS,
  CERTIFICATE_UNUSABLE: {
    exit: 25,
    retry: true,
    hint: 'The certificate was not installed; the one before it goes on serving.',
  },
  ...CA_ERRORS,
  ROUTE_CHECK_FAILED: {
    exit: 27,
    retry: true,
    hint: 'Make http://NAME/.well-known/acme-challenge/ reach this app; --route-check warn asks the CA all the same.',
  },
  DELIVERY_FOREIGN: {
    exit: 30,
    retry: false,
    hint: 'Add the missing names, choose another variable (--cert-env) or directory, or allow it by --replace-foreign.',
  },
  DELIVERY_UNREADABLE: {
    exit: 31,
    retry: false,
    hint: 'Clear the variable of the marathon-lb app or take the file away, or allow the replacement by --replace-foreign.',
  },
  DELIVERY_SECRET: {
    exit: 31,
    retry: false,
    hint: 'Choose another variable by CERTATHON_CERT_ENV, or remove the secret reference from the app.',
  },
  DELIVERY_TOO_LARGE: {
    exit: 32,
    retry: false,
    hint: 'Pack more names into each certificate (--pack), ask for fewer, or deliver by directory, which has no such limit.',
  },
  DELIVERY_STUCK: {
    exit: 33,
    retry: true,
    hint: 'Above stand what the balancers wait for and what became of the change; free an agent or correct the app.',
  },
  DELIVERY_NOT_SERVED: {
    exit: 34,
    retry: true,
    hint: 'Look at the log of the balancer named above; what became of the change stands there too.',
  },
  DELIVERY_OVERTAKEN: {
    exit: 35,
    retry: true,
    hint: 'Someone else changed the marathon-lb app or the directory at the same time; the next pass starts from what they left.',
  },
  DIRECTORY_UNUSABLE: {
    exit: 36,
    retry: true,
    hint: 'Mount the volume that marathon-lb reads into this app, writable for its user, and keep it one file system.',
  },
  DELIVERY_WOULD_HANG: {
    exit: 37,
    retry: false,
    hint: 'Run `certathon doctor --fix`, add an agent and say so by --spare-agent, or deliver by directory.',
  },
  APPS_UNREADABLE: {
    exit: 39,
    retry: true,
    hint: 'Nothing is wrong where only our own names are wanted; else grant `read` on all apps (on DC/OS: dcos:service:marathon:marathon:services:/).',
  },
  RENEWAL_EXPLAINED: {
    exit: 26,
    retry: true,
    hint: 'Read that page: the CA may have revoked the certificate, or be about to. It is renewed by itself.',
  },
  BALANCERS_UNKNOWN: {
    exit: 38,
    retry: true,
    hint: 'Check --balancer-urls, --balancer-dns, or the groups of the marathon-lb apps and of the apps with these names.',
  },
  CLOCK_WRONG: {
    exit: 40,
    retry: true,
    hint: 'Set the clock of this machine (NTP): certificates look expired or not yet valid.',
  },
  PORT_UNUSABLE: {
    exit: 41,
    retry: false,
    hint: 'Choose another port, or end what listens there. Below 1024 (EACCES) start as root by CERTATHON_USER=0, or have the container run by Docker 20.10 or newer, or map another container port and name it by CERTATHON_CHALLENGE_PORT.',
  },
  ...ROLLOUT_ERRORS,
  STOPPED: {
    exit: 130,
    retry: true,
    hint: 'It was stopped from outside; the next pass, or `certathon rollout resume`, goes on where it ended.',
  },
} as const satisfies Record<string, ErrorEntry>;

export interface ErrorEntry {
  exit: number;
  retry: boolean;
  hint: string;
}
export type ErrorCode = keyof typeof ERRORS;

export interface ErrorDetails {
  cause?: unknown;
  /** Not before this time does a repeat make sense (Retry-After of the CA). */
  retryAt?: Date;
  /** Further facts for the log; never a key, token or password. */
  facts?: Record<string, unknown>;
}

/** A failure with a code of the table above: what failed, on which thing, what the other side said. */
export class CertathonError extends Error {
  readonly code: ErrorCode;
  readonly retryAt: Date | undefined;
  readonly facts: Record<string, unknown>;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'CertathonError';
    this.code = code;
    this.retryAt = details.retryAt;
    this.facts = details.facts ?? {};
  }

  get hint(): string {
    return ERRORS[this.code].hint;
  }

  get exitStatus(): number {
    return ERRORS[this.code].exit;
  }
}

/** Any thrown value as a CertathonError; foreign ones become UNEXPECTED with the original as cause. */
export function asCertathonError(thrown: unknown): CertathonError {
  if (thrown instanceof CertathonError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new CertathonError('UNEXPECTED', message, { cause: thrown });
}

const MOST_CAUSES = 6;

/** The chain of messages, outermost first, without stacks: what a person reads. */
export function describeError(thrown: unknown): string {
  const parts: string[] = [];
  let current: unknown = thrown;
  // By count, since nothing keeps an error from being its own cause.
  for (let depth = 0; current instanceof Error && depth < MOST_CAUSES; depth += 1) {
    if (current.message !== '' && !parts.includes(current.message)) parts.push(current.message);
    current = current.cause;
  }
  if (parts.length === 0) parts.push(String(thrown));
  return parts.join(': ');
}
