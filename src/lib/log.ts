import { createRequire } from 'node:module';
import type { DestinationStream, Logger as Pino } from 'pino';
import { maskSecrets } from './mask.ts';
import { printable } from './printable.ts';

/** Every event that is logged, with one sentence each. docs/reference.md lists them from here. */
export const EVENTS = {
  'service.started': 'The service is up: its ports answer and the first pass begins.',
  'service.stopping': 'A signal arrived; the current step is finished or abandoned.',
  'service.stopped': 'Everything is closed.',
  'service.user':
    'Started as root: the user it goes on as, or why it stays root (the storage of a predecessor belongs to root).',
  'config.loaded': 'The configuration, secrets masked, with the source of each value.',
  'config.deprecated':
    'An option was given by a name of a predecessor; the new name is in the line, or why it means nothing here.',
  'pass.started': 'A pass begins: observe, plan, execute.',
  'pass.step': 'A step of the plan is carried out, with its reason.',
  'pass.finished': 'The pass ended: every certificate is valid and served.',
  'pass.noticed': 'Something that a person may want to know; nothing is wrong.',
  'pass.failed': 'The pass ended with a failure: code, reason and hint.',
  'certificate.adopted':
    'A valid certificate was read back from the marathon-lb app into the store, or taken over from the storage of a predecessor.',
  'certificate.removed': 'A certificate that nobody needs any more was taken out of the store.',
  'certificate.restored': 'An earlier version of a certificate was taken into use again, with the reason.',
  'certificate.revoked': 'The CA revoked a certificate, or had done so before.',
  'certificate.issued': 'The CA issued a certificate; it is in the store.',
  'certificate.failed': 'No certificate was obtained this time.',
  'delivery.postponed': 'A delivery waits for a maintenance window or its pace, until the time that it says.',
  'delivery.planned': 'A new value for the variable of the marathon-lb app is about to be written.',
  'delivery.started': 'Marathon accepted the change and deploys it.',
  'delivery.waiting': 'The deployment goes on, or the app is locked by another one.',
  'delivery.verified': 'Every balancer serves the certificate, shown by a TLS handshake with each.',
  'delivery.undone': 'Our deployment, or our change of files, was taken back.',
  'delivery.failed': 'The delivery failed, with the reason.',
  'balancer.reload-requested': 'A balancer was sent the signal to reload.',
  'balancer.reloaded': 'A balancer serves the certificate after a reload.',
  'balancer.unreachable': 'The signal to reload did not reach a balancer, or it was refused.',
  'balancer.replaced':
    'The task of a balancer that serves another certificate was ended; Marathon starts another one.',
  'account.adopted': 'An account key was taken over from the storage of a predecessor.',
  'adoption.problem':
    'Something in the storage of a predecessor could not be used; no contents are in the line.',
  'adoption.finished': 'What could be taken over from the storage of a predecessor is in the store.',
  'account.registered': 'The account exists at the CA (created or found by its key).',
  'account.rolled-over': 'The account has a new key at the CA and in the store.',
  'account.deactivated': 'The account at the CA is deactivated; nothing is ordered by it any more.',
  'ca.passed-over': 'Another CA than the one that comes first is ordered from, with the reason.',
  'caa.checked': 'The CAA records of a name forbid the CA, or could not be read (debug).',
  'order.profile-dropped': 'The CA does not offer the profile that is wanted; the order goes without one.',
  'order.created': 'The CA opened an order.',
  'order.resumed': 'An order begun earlier is taken up again.',
  'order.ready': 'All authorizations of the order are valid.',
  'order.finalized': 'The certificate request was handed in.',
  'order.invalid':
    'An order that can not become a certificate any more was given up; a new one takes its place.',
  'order.key-refused': 'The CA refused the key that was to be kept; the order goes on with a new one.',
  'order.staged': 'The test CA issued for names that had failed, so the real one is asked again.',
  'order.staging-skipped': 'The test CA could not be asked, so the real one is asked without it.',
  'name.set-aside': 'A name failed and is left out of its certificate, so that the others get theirs.',
  'order.chain-missing':
    'No chain of the CA that can be used ends at the preferred issuer; its usual one is used.',
  'challenge.presented': 'The answer of a challenge is in the store, ready to be served.',
  'challenge.validated': 'The CA accepted the challenge.',
  'challenge.removed': 'The answer of a challenge was removed from the store.',
  'challenge.served': 'The responder answered a request below the challenge path.',
  'challenge.port':
    'Challenges are answered at another port than the predecessor had: the definition of the app says so, or it could not be opened (then with a code).',
  'route.checked': 'What came back through the public route of a name.',
  'store.locked': 'Another pass works on the store; this one waits.',
  'store.written': 'A file of the store was replaced.',
  'marathon.attached': 'The event stream of Marathon is open.',
  'marathon.detached': 'The event stream of Marathon ended; it is opened again.',
  'rollout.started': 'The new colour of an app was created, and takes over from here.',
  'rollout.step': 'A step of a rollout is carried out, with its reason.',
  'rollout.waiting': 'A rollout can not go on for now: Marathon is away, or a write was not taken.',
  'rollout.aborted': 'A rollout goes back to the old colour, with the reason.',
  'rollout.finished': 'The deployment group is as it was asked for.',
  'rollout.failed': 'A rollout ended with a failure: code, reason, and who serves now.',
  'renewal.looked': 'The CA said when it wants a certificate to be renewed (debug).',
  'renewal.moved': 'The CA wants a certificate to be renewed at another time than it said before.',
  'renewal.explained':
    'The CA names a page that explains when it wants a certificate to be renewed: read it.',
  'renewal.failed':
    'The CA did not say when it wants certificates to be renewed; the share of the lifetime counts until it does.',
  'clock.skewed': 'The clock of this machine and that of the CA differ.',
  'http.retried': 'A request is repeated.',
  'http.request': 'A request was answered (debug).',
} as const;
export type EventName = keyof typeof EVENTS;
export type Fields = Record<string, unknown>;

/** The only logger of the program: a typed event name and fields. Warnings and errors carry `code`. */
export interface Log {
  debug(event: EventName, fields?: Fields): void;
  info(event: EventName, fields?: Fields): void;
  warn(event: EventName, fields?: Fields): void;
  error(event: EventName, fields?: Fields): void;
  /** Waits until what was logged has been handed to the operating system. */
  flush(): void;
}

export interface LogOptions {
  level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** `json` for machines, `text` for a terminal. */
  format: 'json' | 'text';
  /** Where lines go; standard error unless a test says otherwise, so that standard output stays for results. */
  destination?: { write(line: string): void };
}

/** Creates the logger over pino; every line passes the mask last, whatever produced it. */
export function createLog(options: LogOptions): Log {
  const sink = options.destination ?? { write: (line: string) => void process.stderr.write(line) };
  const masked: DestinationStream = {
    write: (line) => sink.write(maskSecrets(options.format === 'text' ? textLine(line) : line)),
  };
  // pino costs 20 ms to load: only a command that logs pays for it.
  const pino = createRequire(import.meta.url)('pino') as typeof import('pino').default;
  const logger: Pino = pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      messageKey: 'event',
    },
    masked,
  );
  const at =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (event: EventName, fields: Fields = {}) =>
      logger[level](fields, event);
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    flush: () => logger.flush(),
  };
}

/** A log that says nothing, for callers that want none. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {}, flush() {} };

/** Longest value shown on a terminal. */
const LONGEST_TEXT = 4000;

function textLine(line: string): string {
  const { time, level, event, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const rest = Object.entries(fields)
    .map(
      ([key, value]) =>
        `${key}=${printable(typeof value === 'string' ? value : String(JSON.stringify(value)), LONGEST_TEXT)}`,
    )
    .join(' ');
  return `${String(time).slice(11, 19)} ${String(level).padEnd(5)} ${String(event)} ${rest}`
    .trimEnd()
    .concat('\n');
}
