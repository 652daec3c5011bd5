// pure
import { holdAt } from './choose-ca.ts';
import { activeHold } from './held.ts';
import type { CertificatePolicy, Problem } from './model.ts';
import type { Observation, PassStep } from './world.ts';

/** Revocations that the CA has still to be asked for, whatever becomes of the certificate. Pure. They wait as orders
 * of the same certificate do, so that neither asks a CA that wants to be left alone. */
export function revocationSteps(
  { certificates, revoked, now }: Observation,
  policy: Pick<CertificatePolicy, 'askedAt'>,
): { steps: PassStep[]; problems: Problem[]; checkAgainAt: Date | undefined } {
  const found = { steps: [] as PassStep[], problems: [] as Problem[] };
  const moments: number[] = [];
  for (const { certificate, fingerprint, names, by, reason, directoryUrl } of revoked?.asked ?? []) {
    const of = certificates.find(({ id }) => id === certificate);
    const isElsewhere = of !== undefined && directoryUrl !== of.directoryUrl;
    // It may be of another CA than the next order goes to.
    const hold = isElsewhere ? holdAt(of.holds ?? [], directoryUrl, of.directoryUrl) : of?.orderHold;
    const held = activeHold(hold, now, { ...policy, forced: false });
    if (held === undefined) {
      found.steps.push({ do: 'revoke', certificate, names, fingerprint, by, reason });
      continue;
    }
    const until = held.until.toISOString();
    found.problems.push({
      code: held.code,
      message: `${held.reason}; the revocation of ${certificate} is tried at ${until}`,
    });
    moments.push(held.until.getTime());
  }
  return { ...found, checkAgainAt: moments.length === 0 ? undefined : new Date(Math.min(...moments)) };
}
