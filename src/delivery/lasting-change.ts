import { isDeepStrictEqual } from 'node:util';
import { CertathonError, describeError } from '../lib/errors.ts';
import type { App } from '../marathon/schema.ts';
import type { AppChange } from './apply.ts';
import type { DeliveryTools } from './delivery.ts';
import { differenceOf } from './difference.ts';
import { lookAtServed, proveServedAsBefore } from './served-before.ts';

/** How Marathon restarts the balancers, from now on. */
export type LastingPatch = Partial<Pick<App, 'upgradeStrategy' | 'readinessChecks'>>;

/** A lasting change of how Marathon restarts the balancers. It restarts them once itself, by the new values;
 * afterwards, and after an undo, every balancer has to serve what was served before.
 * @param app as the change was planned for
 * @param names to ask for, beside those of the certificates in the app */
export async function lastingChange(
  app: App,
  patch: LastingPatch,
  names: readonly string[],
  tools: DeliveryTools,
): Promise<AppChange> {
  const before = await lookAtServed(app, names, tools);
  const fields = Object.keys(patch) as (keyof LastingPatch)[];
  const isHeldBy = (now: App) => fields.every((field) => isDeepStrictEqual(now[field], patch[field]));
  const differences = differenceOf(app, patch);
  return {
    appId: app.id,
    mark: differences.map(({ field, to }) => `${field} ${to}`).join('; '),
    subject: fields.join(', '),
    facts: Object.fromEntries(differences.map(({ field, to }) => [field, to])),
    isHeldBy,
    patchFor: (now) => {
      if (isHeldBy(now)) return undefined;
      const isAsPlanned = fields.every((field) => isDeepStrictEqual(now[field], app[field]));
      if (isAsPlanned && now.instances === app.instances) return patch;
      throw new CertathonError(
        'DELIVERY_OVERTAKEN',
        `The ${fields.join(' or ')}, or the number of instances, of ${app.id} was changed by somebody else since it was looked at`,
      );
    },
    previousOf: () => undefined,
    verify: async () => void (await proveServedAsBefore(app.id, before, tools)),
    servedAgain: () =>
      proveServedAsBefore(app.id, before, tools).then(
        (count) => `${count} of ${count} balancers serve what they served before`,
        (error: unknown) => {
          if (tools.signal.aborted) throw error;
          return describeError(error);
        },
      ),
  };
}
