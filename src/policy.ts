import type { PassPolicy } from './certificates/pass.ts';
import type { Config } from './config/config.ts';

/** What the options say about when and what may be done. */
export function policyOf(config: Config): Omit<PassPolicy, 'forced'> {
  const { renewAt, ignoreRenewalInfo, replaceForeign, timeZone } = config;
  const pace = {
    windows: config.maintenanceWindows,
    timeZone,
    intervalMs: config.deliveryIntervalMs,
    coalesceMs: config.coalesceMs,
  };
  return { renewAt, asksRenewal: !ignoreRenewalInfo, replaceForeign, pace, graceMs: config.graceMs };
}
