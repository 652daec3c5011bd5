// pure
import { namesOf } from '../certificates/find-certificate.ts';
import type { LimitVerdict } from '../certificates/limits/verdict.ts';
import type { Hold, Version } from '../certificates/model.ts';
import { dueTime, type RenewalPolicy } from '../certificates/renewal.ts';
import type { StoredEntry } from '../certificates/store-catalogue.ts';
import type { RenewalInfo, Revocation } from '../certificates/store-schema.ts';
import type { Revoked } from '../certificates/world.ts';
import { printable } from '../lib/printable.ts';

/** As far as the store alone tells: whether anybody asks for the names, only a pass finds out. */
type StoredLife = 'in use' | 'grace' | 'ended' | 'forgotten' | 'revoked' | 'not issued';

/** One line of the list. */
export interface ListedCertificate {
  id: string;
  names: readonly string[];
  issuer: string | undefined;
  fingerprint: string | undefined;
  notAfter: Date | undefined;
  life: StoredLife;
  /** Until when no order is made. */
  heldUntil: Date | undefined;
}

/** All that the store knows of one certificate, but no key. */
export interface AboutCertificate extends ListedCertificate {
  key: string | undefined;
  choice: Record<string, unknown>;
  origin: string | undefined;
  notBefore: Date | undefined;
  storedAt: Date | undefined;
  /** When it is renewed, if nothing changes. */
  dueAt: Date | undefined;
  /** What the CA said about that. */
  renewal: RenewalInfo | undefined;
  goneSince: Date | undefined;
  order: StoredEntry['order'];
  hold: Hold | undefined;
  /** Why an order would wait now, and until when. */
  waits: { until: Date; words: string } | undefined;
  versions: (Version & { inUse: boolean; note: string | undefined })[];
}

/** The certificates of a store, those that end first at the top. Pure. */
export function listed(
  entries: readonly StoredEntry[],
  revoked: Pick<Revoked, 'fingerprints'>,
  { now, graceMs }: { now: Date; graceMs: number },
): ListedCertificate[] {
  const endOf = ({ notAfter }: ListedCertificate): number => notAfter?.getTime() ?? Number.NEGATIVE_INFINITY;
  return entries
    .map((entry) => rowOf(entry, revoked, { now, graceMs }))
    .sort((a, b) => endOf(a) - endOf(b) || (a.id < b.id ? -1 : 1));
}

function rowOf(
  entry: StoredEntry,
  revoked: Pick<Revoked, 'fingerprints'>,
  times: { now: Date; graceMs: number },
): ListedCertificate {
  const { id, stored, hold } = entry;
  return {
    id,
    names: namesOf(entry),
    issuer: stored?.issuer,
    fingerprint: stored?.fingerprint,
    notAfter: stored?.notAfter,
    life: lifeIn(entry, revoked, times),
    heldUntil: hold !== undefined && hold.until > times.now ? hold.until : undefined,
  };
}

function lifeIn(
  { stored, record }: StoredEntry,
  { fingerprints }: Pick<Revoked, 'fingerprints'>,
  { now, graceMs }: { now: Date; graceMs: number },
): StoredLife {
  if (stored === undefined) return 'not issued';
  if (fingerprints.has(stored.fingerprint)) return 'revoked';
  if (record?.forgottenAt !== undefined) return 'forgotten';
  if (record?.goneSince === undefined) return 'in use';
  return now.getTime() < record.goneSince.getTime() + graceMs ? 'grace' : 'ended';
}

/** Pure. */
export function aboutCertificate(
  entry: StoredEntry,
  versions: readonly Version[],
  revocations: readonly Revocation[],
  { now, graceMs, limit, ...policy }: { now: Date; graceMs: number; limit: LimitVerdict } & RenewalPolicy,
): AboutCertificate {
  const { stored, record, order, hold } = entry;
  const fingerprints = new Set(revocations.map(({ fingerprint }) => fingerprint));
  const noteOf = (fingerprint: string): string | undefined => {
    const revocation = revocations.find((each) => each.fingerprint === fingerprint);
    if (revocation !== undefined) return `revocation ${revocation.state} (${revocation.reason})`;
    return record?.aside?.find((each) => each.fingerprint === fingerprint)?.why;
  };
  return {
    ...rowOf(entry, { fingerprints }, { now, graceMs }),
    key: record?.key,
    choice: record?.choice ?? {},
    origin: stored?.origin,
    notBefore: stored?.notBefore,
    storedAt: stored?.storedAt,
    dueAt:
      stored === undefined
        ? undefined
        : (stored.keptUntil ?? new Date(dueTime(stored, policy, now, entry.renewal).dueMs)),
    renewal: policy.asksRenewal === true ? entry.renewal : undefined,
    goneSince: record?.goneSince,
    order,
    hold,
    waits: limit.fits ? undefined : { until: limit.until, words: limit.words },
    versions: versions.map((version) => ({
      ...version,
      inUse: version.fingerprint === stored?.fingerprint,
      note: noteOf(version.fingerprint),
    })),
  };
}

const NAMES_SHOWN = 3;

/** The list for people. Pure. */
export function listText(rows: readonly ListedCertificate[], now: Date): string {
  if (rows.length === 0) return 'no certificate is in the store\n';
  const cells = rows.map(({ id, names, issuer, notAfter, life, heldUntil }) => [
    id,
    shortNames(names),
    issuer === undefined ? '-' : issuerName(issuer),
    notAfter === undefined ? '-' : `${day(notAfter)} (${leftWords(notAfter, now)})`,
    heldUntil === undefined ? life : `${life}, held until ${heldUntil.toISOString()}`,
  ]);
  return columns([['CERTIFICATE', 'NAMES', 'ISSUER', 'ENDS', 'LIFE'], ...cells]);
}

/** One certificate for people. Pure. */
export function showText(about: AboutCertificate, now: Date): string {
  const { id, names, life, key, issuer, notBefore, notAfter, dueAt, origin, order, hold, versions } = about;
  const choice = Object.entries(about.choice).map(
    ([name, value]) => `${name} ${printable(String(value), 200)}`,
  );
  const rows: [string, string | undefined][] = [
    ['certificate', id],
    ['names', names.join(', ')],
    [
      'life',
      about.goneSince === undefined ? life : `${life}, not asked for since ${about.goneSince.toISOString()}`,
    ],
    ['for', key],
    ['chosen', choice.length === 0 ? undefined : choice.join(', ')],
    ['issuer', issuer],
    [
      'valid',
      notBefore &&
        notAfter &&
        `${notBefore.toISOString()} to ${notAfter.toISOString()} (${leftWords(notAfter, now)})`,
    ],
    ['renewed', dueAt && `from ${dueAt.toISOString()}`],
    ['CA says', about.renewal && toldIn(about.renewal)],
    ['fingerprint', about.fingerprint],
    [
      'origin',
      origin && `${origin}${about.storedAt === undefined ? '' : ` at ${about.storedAt.toISOString()}`}`,
    ],
    [
      'order',
      order &&
        `begun for ${order.names.join(', ')}${order.url === undefined ? '' : `: ${printable(order.url, 300)}`}`,
    ],
    ['held', hold && `until ${hold.until.toISOString()} (${hold.code}: ${printable(hold.reason, 500)})`],
    ['limit', about.waits && `an order would wait: ${printable(about.waits.words, 500)}`],
  ];
  const facts = columns(rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
  if (versions.length === 0) return facts;
  const table = versions.map(({ fingerprint, names: covers, notAfter: end, writtenAt, inUse, note }) => [
    inUse ? '*' : '',
    fingerprint.slice(0, 16),
    shortNames(covers),
    `${writtenAt.toISOString().slice(0, 16)}Z`,
    `${day(end)} (${leftWords(end, now)})`,
    note ?? '',
  ]);
  return `${facts}\n${columns([['', 'VERSION', 'NAMES', 'STORED', 'ENDS', ''], ...table])}`;
}

function toldIn({ window, explanationUrl, askAt }: RenewalInfo): string {
  const when =
    window === undefined
      ? 'nothing about that yet'
      : `between ${window.start.toISOString()} and ${window.end.toISOString()}`;
  const why = explanationUrl === undefined ? '' : `, see ${printable(explanationUrl, 500)}`;
  return `${when}${why}; asked again from ${askAt.toISOString()}`;
}

function shortNames(names: readonly string[]): string {
  const more = names.length > NAMES_SHOWN ? ` +${names.length - NAMES_SHOWN}` : '';
  return `${names.slice(0, NAMES_SHOWN).join(', ')}${more}` || '-';
}

/** `C=US, O=Let's Encrypt, CN=E7` → `E7` */
function issuerName(issuer: string): string {
  return printable(/(?:^|, )CN=([^,]+)/.exec(issuer)?.[1] ?? issuer, 40);
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}

/** How long until then: `59 d left`, `5 h left`, `expired`. Pure. */
export function leftWords(end: Date, now: Date): string {
  const hours = Math.floor((end.getTime() - now.getTime()) / 3_600_000);
  if (end <= now) return 'expired';
  return hours < 48 ? `${hours} h left` : `${Math.floor(hours / 24)} d left`;
}

function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => (row[at] ?? '').length)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, at) => cell.padEnd(widths[at] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
