// pure
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { App } from '../marathon/app-schema.ts';
import { maybe } from '../marathon/fields.ts';

/** The label that tells what the app of a colour replaced; each colour hands it on to the next. */
export const HISTORY_LABEL = 'CERTATHON_ROLLOUT_HISTORY';

const entrySchema = z.object({
  /** When it was begun, by its HAPROXY_DEPLOYMENT_STARTED_AT, else Marathon's time of its last change. */
  at: z.string().max(64),
  colour: maybe(z.enum(['blue', 'green'])),
  image: maybe(z.string().max(256)),
  /** Of `cmd`, or of `args`: enough to tell two apart, nothing of what may be secret. */
  command: maybe(z.string().max(64)),
  instances: z.number().int().nonnegative(),
});
/** One app that served under this name before. */
export type HistoryEntry = z.output<typeof entrySchema>;

const MOST_ENTRIES = 10;
const MOST_BYTES = 4 * 1024;

/** What an app replaced, newest first. Pure. A label that somebody else wrote counts as no history. */
export function historyOf({ labels }: Pick<App, 'labels'>): HistoryEntry[] {
  const text = labels[HISTORY_LABEL] ?? '';
  if (text.length > MOST_BYTES) return [];
  try {
    return z.array(entrySchema).max(MOST_ENTRIES).parse(JSON.parse(text));
  } catch {
    return [];
  }
}

/** The label of the app that replaces this one: its history, and itself first; the oldest fall out. Pure. */
export function historyLabelAfter(last: App): string {
  const entries = [entryOf(last), ...historyOf(last)].slice(0, MOST_ENTRIES);
  while (entries.length > 1 && Buffer.byteLength(JSON.stringify(entries)) > MOST_BYTES) entries.pop();
  return JSON.stringify(entries);
}

/** An app as the history has it. */
export function entryOf(app: App): HistoryEntry {
  const { HAPROXY_DEPLOYMENT_STARTED_AT: startedAt, HAPROXY_DEPLOYMENT_COLOUR: colour } = app.labels;
  const at = startedAt ?? app.versionInfo.lastConfigChangeAt ?? app.version;
  const command = app.cmd ?? (app.args.length > 0 ? JSON.stringify(app.args) : undefined);
  return {
    at: at.slice(0, 64),
    colour: colour === 'blue' || colour === 'green' ? colour : undefined,
    image: app.image?.slice(0, 256),
    command: command === undefined ? undefined : digest(command),
    instances: app.instances,
  };
}

function digest(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
}
