// pure
import { isHeld } from './backoff.ts';
import { adoptionStep, currentVerdict, foreignProblem, obstacleInVariable } from './found.ts';
import type {
  CertificateObservation,
  CertificatePlan,
  CertificatePolicy,
  CertificateStep,
  DeliverReason,
  Hold,
  OrderReason,
  Problem,
  VariableState,
} from './model.ts';

/** What to do next for the certificate, in order, with reasons. Pure: any pass may be repeated and may follow
 * a crash at any line, since everything is decided anew from what is seen.
 *
 * A ladder of questions, most urgent first: is any name wanted? may the variable be written at all? is a valid
 * certificate already there? is a new one due? is ours in the variable? does every balancer serve it? */
export function planCertificate(seen: CertificateObservation, policy: CertificatePolicy): CertificatePlan {
  const problems = refusedNames(seen);
  const done = (steps: CertificateStep[], checkAgainAt?: Date): CertificatePlan => ({
    steps,
    problems,
    checkAgainAt,
  });
  const { names } = seen.wanted;
  if (names.length === 0) {
    if (problems.length === 0)
      problems.push({ code: 'NAMES_MISSING', message: 'No name wants a certificate' });
    return done([]);
  }
  const obstacle = obstacleInVariable(seen, policy);
  if (obstacle !== undefined) {
    problems.push(obstacle);
    return done([]);
  }
  const adopt = policy.forced ? undefined : adoptionStep(seen, policy);
  if (adopt !== undefined) return done([adopt]);

  const verdict = currentVerdict(seen, policy);
  if (!verdict.due) {
    if (verdict.clockWrong) problems.push(clockProblem(seen));
    return done(
      stepsToServe(seen, policy, problems),
      earlier(verdict.dueAt, activeHold(seen.holds.delivery, seen, policy)?.until),
    );
  }
  const held = activeHold(seen.holds.order, seen, policy);
  if (held !== undefined) {
    problems.push(heldProblem('order', held));
    return done(isUsable(seen) ? stepsToServe(seen, policy, problems) : [], held.until);
  }
  return done(stepsToObtain(seen, verdict.reason), undefined);
}

function stepsToObtain(seen: CertificateObservation, reason: OrderReason): CertificateStep[] {
  const { names } = seen.wanted;
  const resumes = seen.order !== undefined && sameNames(seen.order.names, names) ? seen.order.url : undefined;
  const { variable } = seen.app;
  return [
    { do: 'order', names, reason, resumes },
    {
      do: 'deliver',
      variable,
      fingerprint: 'the new one',
      reason: 'issued',
      replaces: stateMark(seen.app.state),
    },
  ];
}

/** Steps that bring the stored certificate into the variable and onto every balancer. */
function stepsToServe(
  seen: CertificateObservation,
  policy: CertificatePolicy,
  problems: Problem[],
): CertificateStep[] {
  const stored = seen.stored;
  if (stored === undefined) return [];
  const { state, variable } = seen.app;
  if (state.kind !== 'certificate' || state.facts.fingerprint !== stored.fingerprint) {
    // While the order of a new one is held, the stored one may cover less than what is wanted.
    const foreign = foreignProblem(seen, policy, stored.names);
    if (foreign !== undefined) {
      problems.push(foreign);
      return [];
    }
    const held = activeHold(seen.holds.delivery, seen, policy);
    if (held !== undefined) {
      problems.push(heldProblem('delivery', held));
      return [];
    }
    const { fingerprint } = stored;
    return [
      { do: 'deliver', variable, fingerprint, reason: deliverReason(seen), replaces: stateMark(state) },
    ];
  }
  if (seen.balancers.length === 0) {
    problems.push({ code: 'DELIVERY_NOT_SERVED', message: `No balancer runs: ${seen.app.id} has no task` });
    return [];
  }
  const behind = seen.balancers.filter(
    (balancer) => 'unreachable' in balancer.served || balancer.served.fingerprint !== stored.fingerprint,
  );
  if (behind.length === 0) return [];
  const balancers = behind.map((balancer) => balancer.id);
  return [{ do: 'verify', fingerprint: stored.fingerprint, balancers, reason: 'not-served' }];
}

function deliverReason(seen: CertificateObservation): DeliverReason {
  const { state } = seen.app;
  if (state.kind === 'empty') return 'variable-empty';
  if (state.kind === 'certificate' && state.placeholder) return 'placeholder';
  if (state.kind === 'certificate' && state.facts.notAfter <= seen.now) return 'variable-expired';
  return 'not-delivered';
}

/** A hold that still counts. A person who asks for a try now ends our own back-off, never a limit of the CA. */
function activeHold(
  hold: Hold | undefined,
  seen: CertificateObservation,
  policy: CertificatePolicy,
): Hold | undefined {
  if (!isHeld(hold, seen.now)) return undefined;
  if (hold.byCa) return hold;
  const isBefore = policy.askedAt !== undefined && hold.since < policy.askedAt;
  return policy.forced || isBefore ? undefined : hold;
}

/** The code of the failure that is waited for, so that every pass in between says the same word. */
function heldProblem(what: string, hold: Hold): Problem {
  const repeat = hold.byCa ? '' : ', or now with --now';
  return {
    code: hold.code,
    message: `${hold.reason}; the next ${what} is tried at ${hold.until.toISOString()}${repeat}`,
  };
}

function stateMark(state: VariableState): string {
  return state.kind === 'certificate' ? state.facts.fingerprint : state.kind;
}

function earlier(dueAt: Date, held: Date | undefined): Date {
  return held !== undefined && held < dueAt ? held : dueAt;
}

function isUsable(seen: CertificateObservation): boolean {
  return seen.stored !== undefined && seen.stored.notAfter > seen.now;
}

function refusedNames(seen: CertificateObservation): Problem[] {
  return seen.wanted.refused.map(({ name, source, reason }) => ({
    code: 'NAMES_INVALID',
    message: `The name "${name}" (${source}) gets no certificate: ${reason}`,
  }));
}

function clockProblem(seen: CertificateObservation): Problem {
  return {
    code: 'CLOCK_WRONG',
    message: `It is ${seen.now.toISOString()} here, but the installed certificate begins at ${seen.stored?.notBefore.toISOString()}`,
  };
}

function sameNames(left: readonly string[], right: readonly string[]): boolean {
  return [...left].sort().join() === [...right].sort().join();
}
