import { applyChange } from '../delivery/apply.ts';
import type { DeliveryTools } from '../delivery/delivery.ts';
import { differenceOf } from '../delivery/difference.ts';
import { lastingChange } from '../delivery/lasting-change.ts';
import type { Running } from '../service.ts';
import { isAgreed } from './ask.ts';
import { asWords, type Fix, print } from './doctor-text.ts';

/** Shows each change, asks, and makes it: verified, or taken back.
 * @throws CONFIG_INVALID when nobody can be asked and nobody said yes before; DELIVERY_*, APP_LOCKED */
export async function applyFixes(
  fixes: readonly Fix[],
  { config, signal }: Running,
  tools: DeliveryTools,
): Promise<number> {
  const say = (text: string) => (config.json ? undefined : print(`${text}\n`));
  const applied: { app: string; changes: string[]; sentence: string }[] = [];
  if (fixes.length === 0) say('Nothing to apply: no change of the marathon-lb app would help.');
  for (const fix of fixes) {
    const { app, patch, after } = fix;
    const changes = differenceOf(app, patch);
    for (const change of changes) say(`${app.id}: ${asWords(change)}`);
    say(`This restarts the balancers once, by the new values: ${after.sentence}.`);
    if (
      !config.yes &&
      !(await isAgreed(`Change ${app.id}?`, { command: 'doctor --apply', flag: '--yes', signal }))
    ) {
      say('Nothing was changed.');
      return 0;
    }
    const change = await lastingChange(app, patch, config.domains, tools);
    await applyChange(change, tools);
    say(`${app.id} is changed, and every balancer serves what it served before.`);
    applied.push({ app: app.id, changes: changes.map(asWords), sentence: after.sentence });
  }
  if (config.json) print(`${JSON.stringify({ applied }, null, 2)}\n`);
  return 0;
}
