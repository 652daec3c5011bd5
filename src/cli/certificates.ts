import { limitNow } from '../ca-limits.ts';
import { revokedBy } from '../certificates/store-revocations.ts';
import { versionsOf } from '../certificates/versions.ts';
import { namedCertificate, readOnlyStores } from './certificates-named.ts';
import { aboutCertificate, listed, listText, showText } from './certificates-text.ts';
import { print } from './renew.ts';
import type { RunCommand } from './run-command.ts';

/** `certathon certificates list`: what the store alone tells, without Marathon, CA or lock. */
export const runList: RunCommand = async (running) => {
  const { config, clock } = running;
  const stores = await readOnlyStores(running);
  const [entries, revocations] = await Promise.all([stores.list(), stores.revocations.list()]);
  const now = new Date(clock.nowMs());
  const rows = listed(entries, revokedBy(revocations), { now, graceMs: config.graceMs });
  print(config.json ? `${JSON.stringify({ certificates: rows }, null, 2)}\n` : listText(rows, now));
  return 0;
};

/** `certathon certificates show`: all that the store knows of one, but no key. */
export const runShow: RunCommand = async (running) => {
  const { config, clock } = running;
  const stores = await readOnlyStores(running);
  const entry = await namedCertificate(running, stores);
  const [versions, revocations] = await Promise.all([
    versionsOf(stores.of(entry.id)),
    stores.revocations.list(),
  ]);
  const now = new Date(clock.nowMs());
  const { renewAt, graceMs } = config;
  const limit = await limitNow(running, entry);
  const times = { now, renewAt, graceMs, limit, asksRenewal: !config.ignoreRenewalInfo };
  const about = aboutCertificate(entry, versions, revocations, times);
  print(config.json ? `${JSON.stringify(about, null, 2)}\n` : showText(about, now));
  return 0;
};
