import { readDirectory } from '../delivery/directory-files.ts';
import { readVariable, type VariableContent } from '../delivery/variable.ts';
import { CertathonError } from '../lib/errors.ts';
import { type DeliverTools, deliverTo, prepareTarget, repairTarget, verifyTarget } from './deliver.ts';
import type { CertificateObservation, CertificateStep, Problem, Target } from './model.ts';
import { type OrderTools, obtainCertificate } from './order.ts';

export type ExecuteTools = DeliverTools & OrderTools;

/** One entry for each kind of step, so that a new step without an executor does not compile. */
type Executors = {
  [K in CertificateStep['do']]: (
    step: Extract<CertificateStep, { do: K }>,
    seen: CertificateObservation,
    tools: ExecuteTools,
  ) => Promise<Problem[]>;
};

const EXECUTORS: Executors = {
  prepare: (_step, seen, tools) => nothingFound(prepareTarget(seen.wanted.names, tools)),
  adopt,
  order: async (step, _seen, tools) => {
    const dueByClock = step.reason === 'lifetime-share' || step.reason === 'expired';
    const { problems } = await tools.answering(() => obtainCertificate(step.names, dueByClock, tools));
    return problems;
  },
  wait: (step, _seen, { clock, signal }) =>
    nothingFound(clock.sleep(Math.max(0, step.until.getTime() - clock.nowMs()), signal)),
  deliver: (step, seen, tools) => nothingFound(deliverTo(targetOf(step, seen), step, seen, tools)),
  repair: (step, seen, tools) => nothingFound(repairTarget(targetOf(step, seen), step, tools)),
  verify: (step, seen, tools) => nothingFound(verifyTarget(targetOf(step, seen), tools)),
};

/** Carries out one step. May be repeated, and may follow a crash at any line.
 * @param seen what the step was planned from
 * @returns what a person has to see although the step was done */
export async function execute(
  step: CertificateStep,
  seen: CertificateObservation,
  tools: ExecuteTools,
): Promise<Problem[]> {
  tools.log.info('pass.step', { ...step });
  const executor = EXECUTORS[step.do] as (
    step: CertificateStep,
    seen: CertificateObservation,
    tools: ExecuteTools,
  ) => Promise<Problem[]>;
  return executor(step, seen, tools);
}

/** Copies certificate and key from a target into the store. */
async function adopt(
  step: Extract<CertificateStep, { do: 'adopt' }>,
  seen: CertificateObservation,
  tools: ExecuteTools,
): Promise<Problem[]> {
  const target = targetOf(step, seen);
  const content = await contentWith(step.fingerprint, target, tools);
  if (content === undefined)
    throw new CertathonError('DELIVERY_OVERTAKEN', `${target.place} was changed while it was read`);
  const origin = (await tools.store.isIssued(step.fingerprint)) ? 'issued' : 'adopted';
  const { pem, facts } = content;
  await tools.store.save({ pem, facts }, origin, undefined, new Date(tools.clock.nowMs()));
  tools.log.info('certificate.adopted', {
    names: step.names,
    fingerprint: step.fingerprint,
    reason: step.reason,
    expiresAt: facts.notAfter,
  });
  return [];
}

type Certificate = Extract<VariableContent, { kind: 'certificate' }>;

async function contentWith(
  fingerprint: string,
  target: Target,
  { marathon, variable, signal }: ExecuteTools,
): Promise<Certificate | undefined> {
  const contents =
    target.strategy === 'environment'
      ? [readVariable((await marathon.app(target.id, signal)).env[variable])]
      : (await readDirectory(target.id)).files.map(({ content }) => content);
  return contents.find(
    (content): content is Certificate =>
      content.kind === 'certificate' && content.facts.fingerprint === fingerprint,
  );
}

function targetOf(step: { target: string }, { targets }: CertificateObservation): Target {
  const target = targets.find(({ id }) => id === step.target);
  if (target === undefined) throw new CertathonError('UNEXPECTED', `No target ${step.target} was seen`);
  return target;
}

async function nothingFound(work: Promise<void>): Promise<Problem[]> {
  await work;
  return [];
}
