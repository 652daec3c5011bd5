import { CertathonError, describeError } from '../lib/errors.ts';
import type { App } from '../marathon/schema.ts';
import type { AppChange } from './apply.ts';
import type { DeliveryTools } from './delivery.ts';
import { lookAtServed, proveServedAsBefore } from './served-before.ts';

type Strategy = App['upgradeStrategy'];

/** A lasting change of how Marathon restarts the balancers. It restarts them once itself, by the new strategy;
 * afterwards, and after an undo, every balancer has to serve what was served before.
 * @param app as the change was planned for
 * @param names to ask for, beside those of the certificates in the app */
export async function strategyChange(
  app: App,
  strategy: Strategy,
  names: readonly string[],
  tools: DeliveryTools,
): Promise<AppChange> {
  const before = await lookAtServed(app, names, tools);
  const { minimumHealthCapacity, maximumOverCapacity } = strategy;
  return {
    appId: app.id,
    mark: `upgradeStrategy ${minimumHealthCapacity}/${maximumOverCapacity}`,
    subject: 'upgradeStrategy',
    facts: { minimumHealthCapacity, maximumOverCapacity },
    isHeldBy: (now) => isSame(now.upgradeStrategy, strategy),
    patchFor: (now) => {
      if (isSame(now.upgradeStrategy, strategy)) return undefined;
      if (isSame(now.upgradeStrategy, app.upgradeStrategy) && now.instances === app.instances)
        return { upgradeStrategy: strategy };
      throw new CertathonError(
        'DELIVERY_OVERTAKEN',
        `The upgradeStrategy or the number of instances of ${app.id} was changed by somebody else since it was looked at`,
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

function isSame(one: Strategy, other: Strategy): boolean {
  return (
    one.minimumHealthCapacity === other.minimumHealthCapacity &&
    one.maximumOverCapacity === other.maximumOverCapacity
  );
}
