// pure
import { CertathonError } from '../lib/errors.ts';
import { quoted } from '../lib/printable.ts';

/** One line of HAProxy's statistics: a frontend, a backend, or a server of a backend. */
export interface StatsRow {
  /** `pxname` */
  backend: string;
  /** `svname`: `FRONTEND`, `BACKEND`, or the name of a server. */
  server: string;
  /** `UP`, `UP 1/3`, `DOWN`, `DOWN 1/2`, `MAINT`, `MAINT (via …)`, `DRAIN`, `NOLB`, `no check`, and what later
   * versions add. */
  status: string;
  /** `qcur`: requests that wait for it; 0 where the kind of row has none. */
  queued: number;
  /** `scur`: sessions now, of the process that answers. */
  sessions: number;
  weight: number | undefined;
  /** `lastchg`: seconds since the status changed. */
  lastChangeS: number | undefined;
  /** `check_status`: `L7OK`, `L4CON` …; undefined without a check. */
  checkStatus: string | undefined;
  /** `stot`: sessions since the process started. */
  totalSessions: number | undefined;
}

/** Bounds on what a balancer may send. */
const [LONGEST_TEXT, MOST_ROWS, MOST_COLUMNS] = [64 * 1024 * 1024, 200_000, 2_000];
const NEEDED = ['pxname', 'svname', 'status', 'qcur', 'scur'] as const;
const USED = [...NEEDED, 'weight', 'lastchg', 'check_status', 'stot'] as const;
type Used = (typeof USED)[number];

/** Reads HAProxy's statistics. Columns are found by the names in the first line, so that those of other versions do
 * not matter (from 2.3 on one is named `-`); a further line of names, as in the answers of several balancers one
 * after the other, holds from there on.
 * @throws ROLLOUT_BALANCERS_UNREADABLE for a text that is no statistics, or was cut short
 * @source HAProxy management guide, 9.1 CSV format; RFC 4180 for the quotes */
export function parseStats(csv: string): StatsRow[] {
  if (csv.length > LONGEST_TEXT) throw unreadable(`they have more than ${LONGEST_TEXT} characters`);
  const rows: StatsRow[] = [];
  let columns: ReadonlyMap<string, number> | undefined;
  for (const fields of records(csv)) {
    if (fields.length === 1 && fields[0] === '') continue;
    if (isNames(fields)) columns = columnsOf(fields);
    else if (columns === undefined)
      throw unreadable(`they begin with ${quoted(fields.join(',').slice(0, 80))}`);
    else rows.push(rowOf(fields, columns));
    if (rows.length > MOST_ROWS) throw unreadable(`they have more than ${MOST_ROWS} rows`);
  }
  if (columns === undefined) throw unreadable('they are empty');
  return rows;
}

/** A field, plain or in quotes (a quote inside is doubled), and what ends it. */
const FIELD = /(?:"([^"]*(?:""[^"]*)*)"|((?!")[^,\r\n]*))(,|\r\n?|\n|$)/y;

function* records(text: string): Generator<string[]> {
  let fields: string[] = [];
  const field = new RegExp(FIELD);
  while (field.lastIndex < text.length) {
    const startsAt = field.lastIndex;
    const match = field.exec(text);
    if (match === null) throw unreadable(`quotes are open at ${quoted(text.slice(startsAt, startsAt + 40))}`);
    const [, inQuotes, plain = '', end] = match;
    fields.push(inQuotes === undefined ? plain : inQuotes.replaceAll('""', '"'));
    if (fields.length > MOST_COLUMNS) throw unreadable(`a row has more than ${MOST_COLUMNS} fields`);
    if (end === ',' && field.lastIndex < text.length) continue;
    // A comma ends the lines of HAProxy, so the last field is empty, also where the text itself ends.
    if (end === ',') fields.push('');
    yield fields;
    fields = [];
  }
}

function isNames([first, second]: readonly string[]): boolean {
  return /^(# ?)?pxname$/.test(first ?? '') && second === 'svname';
}

function columnsOf(fields: readonly string[]): Map<string, number> {
  const columns = new Map(fields.map((name, index) => [index === 0 ? 'pxname' : name, index]));
  const missing = NEEDED.filter((name) => !columns.has(name));
  if (missing.length > 0) throw unreadable(`they have no column ${missing.join(', ')}`);
  return columns;
}

function rowOf(fields: readonly string[], columns: ReadonlyMap<string, number>): StatsRow {
  // The last one that is there could itself be cut.
  const needed = Math.max(...USED.map((name) => columns.get(name) ?? 0)) + 1;
  if (fields.length < Math.min(needed + 1, columns.size))
    throw unreadable(`they are cut short at ${quoted(fields.slice(0, 2).join('/'))}`);
  const text = (name: Used) => fields[columns.get(name) ?? -1] ?? '';
  const number = (name: Used) => numberOf(text(name), name);
  return {
    backend: text('pxname'),
    server: text('svname'),
    status: text('status'),
    queued: number('qcur') ?? 0,
    sessions: number('scur') ?? 0,
    weight: number('weight'),
    lastChangeS: number('lastchg'),
    checkStatus: text('check_status') || undefined,
    totalSessions: number('stot'),
  };
}

function numberOf(text: string, column: Used): number | undefined {
  if (text === '') return undefined;
  if (/^-?\d{1,18}$/.test(text)) return Number(text);
  throw unreadable(`${quoted(text)} in the column ${column} is no number`);
}

function unreadable(why: string): CertathonError {
  return new CertathonError(
    'ROLLOUT_BALANCERS_UNREADABLE',
    `The statistics of HAProxy can not be read: ${why}`,
  );
}
