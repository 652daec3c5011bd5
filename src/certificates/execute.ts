import { randomBytes } from 'node:crypto';
import type { DeliveryTools } from '../delivery/delivery.ts';
import { deliverByEnvironment } from '../delivery/environment.ts';
import { readVariable } from '../delivery/variable.ts';
import { probeName } from '../delivery/verify.ts';
import { CertathonError } from '../lib/errors.ts';
import type { CertificateStep, Problem } from './model.ts';
import type { ObserveTools } from './observe.ts';
import { type OrderTools, obtainCertificate } from './order.ts';
import { createPlaceholder } from './placeholder.ts';

export type ExecuteTools = ObserveTools & OrderTools & { delivery: DeliveryTools };

/** One entry for each kind of step, so that a new step without an executor does not compile. */
type Executors = {
  [K in CertificateStep['do']]: (
    step: Extract<CertificateStep, { do: K }>,
    tools: ExecuteTools,
  ) => Promise<Problem[]>;
};

const EXECUTORS: Executors = {
  adopt,
  order: async (step, tools) => {
    const dueByClock = step.reason === 'lifetime-share' || step.reason === 'expired';
    const { problems } = await tools.answering(() => obtainCertificate(step.names, dueByClock, tools));
    return problems;
  },
  deliver: (step, tools) => deliver(step.replaces, tools),
  verify: (_step, tools) => deliver(undefined, tools),
};

/** Carries out one step. May be repeated, and may follow a crash at any line.
 * @returns what a person has to see although the step was done */
export async function execute(step: CertificateStep, tools: ExecuteTools): Promise<Problem[]> {
  tools.log.info('pass.step', { ...step });
  return (EXECUTORS[step.do] as (step: CertificateStep, tools: ExecuteTools) => Promise<Problem[]>)(
    step,
    tools,
  );
}

/** Copies certificate and key from the variable of the marathon-lb app into the store. */
async function adopt(
  step: Extract<CertificateStep, { do: 'adopt' }>,
  tools: ExecuteTools,
): Promise<Problem[]> {
  const app = await tools.marathon.app(tools.balancerAppId, tools.signal);
  const content = readVariable(app.env[tools.variable]);
  if (content.kind !== 'certificate' || content.facts.fingerprint !== step.fingerprint) {
    throw new CertathonError(
      'DELIVERY_OVERTAKEN',
      `${tools.variable} of ${app.id} was changed while it was read`,
    );
  }
  const origin = (await tools.store.isIssued(step.fingerprint)) ? 'issued' : 'adopted';
  await tools.store.save({ pem: content.pem, facts: content.facts }, origin, undefined);
  tools.log.info('certificate.adopted', {
    names: step.names,
    fingerprint: step.fingerprint,
    reason: step.reason,
    expiresAt: content.facts.notAfter,
  });
  return [];
}

/** Brings the stored bundle into the variable, if it is not there, and onto every balancer. */
async function deliver(replaces: string | undefined, tools: ExecuteTools): Promise<Problem[]> {
  const current = await tools.store.current();
  if (current === undefined)
    throw new CertathonError('STORE_UNUSABLE', 'The stored certificate disappeared before it was delivered');
  await deliverByEnvironment(
    {
      appId: tools.balancerAppId,
      variable: tools.variable,
      bundle: current.bundle,
      names: current.stored.names.map(probeName),
      replaces,
      placeholderPem: await placeholderFor(tools.variable, current.stored.names, tools),
    },
    tools.delivery,
  );
  return [];
}

async function placeholderFor(
  variable: string,
  names: readonly string[],
  tools: ExecuteTools,
): Promise<string | undefined> {
  if (variable === 'HAPROXY_SSL_CERT') return undefined;
  const placeholder = await createPlaceholder(
    names,
    randomBytes(8).toString('hex'),
    new Date(tools.clock.nowMs()),
  );
  return placeholder.pem;
}
