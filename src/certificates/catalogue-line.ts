// pure
import { factsIn, isTexts, type KeptFacts, keptFacts } from './kept-facts.ts';
import type { IssuedBy, StoredCertificate } from './model.ts';
import type { Marked, StoredEntry } from './store-catalogue.ts';
import { CERTIFICATE_RECORD, type CertificateRecord, HOLD, type RenewalInfo } from './store-schema.ts';

/** One certificate of the store as a line of the index: id, mark, issued, what is stored (facts, origin, storedAt, two
 * sizes, keptUntil), the rest where there is any, who issued it (directory, account, whether that is a test CA), and what
 * the CA says about its renewal (directory, start, end, seenAt, askAt, since, restUntil, failures, explanation). Marks and
 * times are epoch milliseconds; 0 stands for none. */
type KeptEntry = [
  string,
  number,
  string[],
  [KeptFacts, StoredCertificate['origin'], number, number, number, number] | null,
  Pick<StoredEntry, 'record' | 'order' | 'hold' | 'otherHolds'>,
  ([string, string, 'test'?] | null)?,
  KeptRenewal?,
];
type KeptRenewal = [string, number, number, number, number, number, number, number, string?];

export function lineOf({ mark, entry }: Marked): string {
  const { id, issued, stored, record, order, hold, otherHolds, renewal } = entry;
  const held: KeptEntry[3] =
    stored === undefined
      ? null
      : [
          keptFacts(stored),
          stored.origin,
          stored.storedAt?.getTime() ?? 0,
          stored.bytes ?? 0,
          stored.chainBytes ?? 0,
          stored.keptUntil?.getTime() ?? 0,
        ];
  const more = { record, order, hold, ...(otherHolds === undefined ? {} : { otherHolds }) };
  const line: KeptEntry = [id, mark, [...issued], held, more];
  const by = stored?.issuedBy;
  if (by !== undefined)
    line[5] =
      by.isTest === true ? [by.directoryUrl, by.accountUrl, 'test'] : [by.directoryUrl, by.accountUrl];
  if (renewal !== undefined) line[6] = keptRenewal(renewal);
  return JSON.stringify(line);
}

/** @param same gives one and the same text for equal ones
 * @throws Error when it is no line of ours */
export function entryIn(line: string, same: (text: string) => string = (text) => text): Marked {
  const [id, mark, issued, held, rest, by, renewal] = JSON.parse(line) as unknown[];
  if (typeof id !== 'string' || typeof mark !== 'number' || !isTexts(issued)) throw foreign();
  const { record, order, hold, otherHolds } = (rest ?? {}) as Record<string, unknown>;
  const stored = held === null ? undefined : storedIn(held);
  if (stored !== undefined && Array.isArray(by)) stored.issuedBy = issuedByIn(by, same);
  // Of equal texts one is kept: with ten thousand certificates the others would be a tenth of the memory.
  const [first = ''] = stored?.names ?? [];
  const sole = id === first ? first : id;
  return {
    mark,
    entry: {
      id: sole,
      record: record === undefined ? undefined : recordIn(record, stored, sole),
      stored,
      issued:
        stored !== undefined && issued.length === 1 && issued[0] === stored.fingerprint
          ? [stored.fingerprint]
          : issued,
      order: order === undefined ? undefined : orderIn(order),
      hold: hold === undefined ? undefined : HOLD.parse(hold),
      ...(Array.isArray(renewal) ? { renewal: renewalIn(renewal, stored, same) } : {}),
      ...(Array.isArray(otherHolds) ? { otherHolds: otherHolds.map((each) => HOLD.parse(each)) } : {}),
    },
  };
}

const ORIGINS: ReadonlySet<unknown> = new Set<StoredCertificate['origin']>([
  'issued',
  'inherited',
  'adopted',
]);

function storedIn(value: unknown): StoredCertificate {
  const [facts, origin, ...numbers] = Array.isArray(value) ? value : [];
  const [storedAt, bytes, chainBytes, keptUntil] = numbers;
  const isOurs = ORIGINS.has(origin);
  if (!isOurs || numbers.length !== 4 || !numbers.every((each) => typeof each === 'number')) throw foreign();
  const { names, fingerprint, issuer, selfSigned, notBefore, notAfter } = factsIn(facts);
  // Written out: objects that are put together from others take several times as long.
  return {
    names,
    fingerprint,
    issuer,
    selfSigned,
    notBefore,
    notAfter,
    origin,
    storedAt: storedAt === 0 ? undefined : new Date(storedAt),
    keptUntil: keptUntil === 0 ? undefined : new Date(keptUntil),
    bytes: bytes === 0 ? undefined : bytes,
    chainBytes: chainBytes === 0 ? undefined : chainBytes,
  };
}

/** Nearly all are wanted, by the operator's defaults: those need no schema. */
function recordIn(value: unknown, stored: StoredCertificate | undefined, id: string): CertificateRecord {
  const { key, choice, names, ...more } = value as Record<string, unknown>;
  const isPlain = typeof choice === 'object' && choice !== null && Object.keys(choice).length === 0;
  if (isPlain && Object.keys(more).length === 0 && typeof key === 'string' && isTexts(names))
    return { key: key === id ? id : key, choice: DEFAULTS, names: sameTexts(names, stored?.names) ?? names };
  return CERTIFICATE_RECORD.parse(value);
}

function issuedByIn([directoryUrl, accountUrl, test]: unknown[], same: (text: string) => string): IssuedBy {
  if (typeof directoryUrl !== 'string' || typeof accountUrl !== 'string') throw foreign();
  const by = { directoryUrl: same(directoryUrl), accountUrl: same(accountUrl) };
  return test === 'test' ? { ...by, isTest: true } : by;
}

function keptRenewal(info: RenewalInfo): KeptRenewal {
  const { directoryUrl, window, seenAt, askAt, since, restUntil, failures, explanationUrl } = info;
  const times = [window?.start, window?.end, seenAt, askAt, since, restUntil] as const;
  const [startMs, endMs, seenMs, askMs, sinceMs, restMs] = times.map((time) => time?.getTime() ?? 0);
  const line = [directoryUrl, startMs, endMs, seenMs, askMs, sinceMs, restMs, failures] as KeptRenewal;
  if (explanationUrl !== undefined) line[8] = explanationUrl;
  return line;
}

/** It is of what is stored: that of another one is not in the index. */
function renewalIn(
  [directoryUrl, ...values]: unknown[],
  stored: StoredCertificate | undefined,
  same: (text: string) => string,
): RenewalInfo {
  const numbers = values.filter((each) => typeof each === 'number');
  const [startMs = 0, endMs = 0, seenMs, askMs = 0, sinceMs = 0, restMs, failures] = numbers;
  const explanationUrl = values[7];
  if (typeof directoryUrl !== 'string' || stored === undefined || failures === undefined) throw foreign();
  const info: RenewalInfo = {
    fingerprint: stored.fingerprint,
    directoryUrl: same(directoryUrl),
    since: new Date(sinceMs),
    askAt: new Date(askMs),
    failures,
  };
  if (startMs !== 0) info.window = { start: new Date(startMs), end: new Date(endMs) };
  if (seenMs !== undefined && seenMs !== 0) info.seenAt = new Date(seenMs);
  if (restMs !== undefined && restMs !== 0) info.restUntil = new Date(restMs);
  if (typeof explanationUrl === 'string') info.explanationUrl = explanationUrl;
  return info;
}

const DEFAULTS = Object.freeze({});

function sameTexts(texts: string[], others: string[] | undefined): string[] | undefined {
  const isSame = texts.length === others?.length && texts.every((text, at) => text === others[at]);
  return isSame ? others : undefined;
}

function orderIn(value: unknown): StoredEntry['order'] {
  const { names, url, directoryUrl } = value as Record<string, unknown>;
  const isUrl = url === undefined || typeof url === 'string';
  if (!isTexts(names) || !isUrl || typeof directoryUrl !== 'string') throw foreign();
  return { names, url, directoryUrl };
}

function foreign(): Error {
  return new Error('It is no line of ours');
}
