// pure

/** What the label HAPROXY_DEPLOYMENT_STARTED_AT says. */
export interface StartedAt {
  /** Microseconds since 1970; a time without a zone is taken for UTC. */
  micros: number;
  /** The same digits without a look at the zone. */
  wallMicros: number;
  /** marathon-lb cannot compare a time with a zone with one without, and then stops following Marathon. */
  hasZone: boolean;
}

const FORM =
  /^\s*([12]\d{3}-\d\d-\d\d)[T ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d{1,6})\d*)?)?\s*(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?\s*$/;

/** Reads the label. marathon-lb reads more spellings, but no deployer writes them, and what is not understood here
 * is better called so than guessed. Pure.
 *   '2016-02-01T14:13:42.499089'  as zdd.py writes it   '2016-02-01T14:13:42'  when its microseconds are 0
 * @returns undefined when it is no such time
 * @source marathon-lb marathon_lb.py, get_apps (dateutil) */
export function readStartedAt(text: string): StartedAt | undefined {
  const [, date, minutes, seconds = '00', fraction = '', zone] = FORM.exec(text.slice(0, 100)) ?? [];
  if (date === undefined) return undefined;
  const ms = Date.parse(`${date}T${minutes}:${seconds}Z`);
  // A day that the month does not have would come back as another one.
  if (Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(`${date}T${minutes}`)) return undefined;
  const wallMicros = ms * 1_000 + Number(fraction.padEnd(6, '0'));
  return { micros: wallMicros - offsetMinutes(zone) * 60_000_000, wallMicros, hasZone: zone !== undefined };
}

/** A text for the label that is later than the last app's in every way it may be compared: as times, as texts, with
 * its zone or without. UTC, no zone, always six digits. Pure.
 *   (Date.UTC(2026, 0, 2), '2026-01-01T00:00:00')        → '2026-01-02T00:00:00.000000'
 *   (Date.UTC(2026, 0, 2), '2026-01-02T01:00:00.000000') → '2026-01-02T01:00:00.000001'
 * @param last the label of the app that is replaced, if it has one */
export function startedAtAfter(nowMs: number, last: string | undefined): string {
  const before = readStartedAt(last ?? '');
  // A zone sorts after the digits of a fraction; a whole second more is later all the same.
  const step = before?.hasZone ? 1_000_000 : 1;
  const least = before === undefined ? 0 : Math.max(before.micros, before.wallMicros) + step;
  const micros = Math.max(Math.floor(nowMs) * 1_000, least);
  const ms = Math.floor(micros / 1_000);
  return `${new Date(ms).toISOString().slice(0, -1)}${String(micros - ms * 1_000).padStart(3, '0')}`;
}

function offsetMinutes(zone: string | undefined): number {
  const [, sign, hours, minutes = '0'] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone ?? '') ?? [];
  return hours === undefined ? 0 : (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}
