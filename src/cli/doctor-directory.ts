import type { Config } from '../config/config.ts';
import { readDirectory, requireWritable } from '../delivery/directory-files.ts';
import type { Check } from '../delivery/doctor-checks.ts';
import { directoryChecks } from '../delivery/doctor-directory.ts';
import type { Finding } from '../finding.ts';
import { pidsOf } from '../haproxy/reload.ts';
import { asCertathonError, describeError } from '../lib/errors.ts';
import { hostAndPort } from '../lib/host-and-port.ts';
import { mapBounded } from '../lib/parallel.ts';

const PARALLEL = 8;

/** Looks at the shared directory and at the balancers that are asked to reload it; no signal is sent. */
export async function examineDirectory(
  { directory = '' }: Config,
  finding: Finding,
  signal: AbortSignal,
): Promise<Check[]> {
  const failures: Check[] = [];
  const failing = (code: string) => (thrown: unknown) => {
    signal.throwIfAborted();
    const error = asCertathonError(thrown);
    failures.push({
      level: 'fail',
      code,
      sentence: describeError(error),
      hint: error.hint,
      error: error.code,
    });
    return undefined;
  };
  const content = await readDirectory(directory).catch(failing('DIRECTORY'));
  if (content?.isPrepared) await requireWritable(directory).catch(failing('DIRECTORY'));
  const found = await finding.find(signal).catch(failing('BALANCERS'));
  if (found === undefined) return failures;
  const balancers = await mapBounded(found.balancers, PARALLEL, async (balancer) => ({
    id: balancer.id,
    place: hostAndPort(balancer.host, balancer.adminPort),
    answers: (await pidsOf(balancer, signal)) !== undefined,
  }));
  return [...failures, ...directoryChecks(directory, content, balancers, found.problems)];
}
