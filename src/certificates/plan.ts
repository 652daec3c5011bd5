// pure
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
import { coversAll, renewalVerdict } from './renewal.ts';

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

  const verdict = renewalVerdict(seen.stored, names, policy, seen.now);
  if (!verdict.due) {
    if (verdict.clockWrong) problems.push(clockProblem(seen));
    return done(
      stepsToServe(seen, policy, problems),
      earlier(verdict.dueAt, seen.holds.delivery?.until, seen.now),
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
  const balancers = behind.map((balancer) => balancer.taskId);
  return [{ do: 'verify', fingerprint: stored.fingerprint, balancers, reason: 'not-served' }];
}

function deliverReason(seen: CertificateObservation): DeliverReason {
  const { state } = seen.app;
  if (state.kind === 'empty') return 'variable-empty';
  if (state.kind === 'certificate' && state.placeholder) return 'placeholder';
  if (state.kind === 'certificate' && state.facts.notAfter <= seen.now) return 'variable-expired';
  return 'not-delivered';
}

/** Something in the variable that must not be overwritten. Asked before anything is ordered: a certificate
 * that can not be delivered would only burn the CA's budget. */
function obstacleInVariable(seen: CertificateObservation, policy: CertificatePolicy): Problem | undefined {
  const { state, variable, id } = seen.app;
  if (state.kind === 'secret') {
    return {
      code: 'DELIVERY_SECRET',
      message: `${variable} of ${id} refers to the secret "${state.secret}", which the API does not show`,
    };
  }
  if (policy.replaceForeign) return undefined;
  if (state.kind === 'unreadable') {
    return {
      code: 'DELIVERY_UNREADABLE',
      message: `${variable} of ${id} holds something that is no bundle: ${state.problem}`,
    };
  }
  if (state.kind !== 'certificate' || state.ours || state.placeholder) return undefined;
  const uncovered = state.facts.names.filter((name) => !coversAll(seen.wanted.names, [name]));
  // A certificate that serves all wanted names and still lives is kept (adopted); it is an obstacle once due.
  if (uncovered.length === 0 || (adoptionStep(seen, policy) ?? keepsAdopted(seen, policy)) !== undefined)
    return undefined;
  return {
    code: 'DELIVERY_FOREIGN',
    message: `${variable} of ${id} holds a certificate that was not issued by this program (issuer ${state.facts.issuer}) and covers ${uncovered.join(', ')}, which ours would not`,
  };
}

/** The variable holds exactly what we adopted, and it is not due: nothing will be written over it. */
function keepsAdopted(seen: CertificateObservation, policy: CertificatePolicy): true | undefined {
  const { state } = seen.app;
  if (state.kind !== 'certificate' || seen.stored?.fingerprint !== state.facts.fingerprint) return undefined;
  return renewalVerdict(seen.stored, seen.wanted.names, policy, seen.now).due ? undefined : true;
}

/** A valid certificate in marathon-lb that serves all wanted names is taken over instead of ordering: after a
 * lost store, and when another instance or a person has put in a newer one than ours (two programs with a
 * store each would otherwise replace each other's for ever). */
function adoptionStep(seen: CertificateObservation, policy: CertificatePolicy): CertificateStep | undefined {
  const { state } = seen.app;
  if (state.kind !== 'certificate' || state.placeholder || state.facts.selfSigned) return undefined;
  if (isStaging(state.facts.issuer) && !isStaging(seen.directoryUrl)) return undefined;
  if (renewalVerdict(state.facts, seen.wanted.names, { ...policy, forced: false }, seen.now).due)
    return undefined;
  const { fingerprint, names } = state.facts;
  if (seen.stored === undefined) return { do: 'adopt', fingerprint, names, reason: 'valid-in-marathon-lb' };
  if (seen.stored.fingerprint === fingerprint || state.facts.notAfter <= seen.stored.notAfter)
    return undefined;
  return { do: 'adopt', fingerprint, names, reason: 'newer-in-marathon-lb' };
}

/** A hold that still counts. A person who asks for a try now ends our own back-off, never a limit of the CA. */
function activeHold(
  hold: Hold | undefined,
  seen: CertificateObservation,
  policy: CertificatePolicy,
): Hold | undefined {
  if (hold === undefined || hold.until <= seen.now) return undefined;
  return policy.forced && !hold.byCa ? undefined : hold;
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

function earlier(dueAt: Date, held: Date | undefined, now: Date): Date {
  return held !== undefined && held > now && held < dueAt ? held : dueAt;
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

function isStaging(text: string): boolean {
  return /staging|fake le/i.test(text);
}

function sameNames(left: readonly string[], right: readonly string[]): boolean {
  return [...left].sort().join() === [...right].sort().join();
}
