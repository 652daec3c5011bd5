import type { Lab } from '../src/lab/cluster.ts';
import type { LogLine, SidecarLog } from '../src/lab/sidecar-log.ts';

const PATIENCE_MS = 120_000;

/** Asks for a renewal as an operator does. @returns the lines that the sidecar wrote on it */
export async function renewed(lab: Lab, log: SidecarLog, token: string): Promise<LogLine[]> {
  const from = log.lines().length;
  const task = lab.marathon.tasks('/certathon').find(({ isDying }) => !isDying);
  const answer = await fetch(`http://${task?.host}:${task?.ports[1]}/renew`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ now: true }),
  });
  if (answer.status !== 202) throw new Error(`POST /renew was answered with ${answer.status}`);
  await log.next((line) => line.event === 'certificate.issued', PATIENCE_MS, from);
  await settled(log, from);
  return log.lines().slice(from);
}

/** Waits for the end of the pass that the last certificate was issued in. */
export async function settled(log: SidecarLog, from: number): Promise<void> {
  const issued = log.lines().findIndex((line, at) => at >= from && line.event === 'certificate.issued');
  await log.next((line) => line.event === 'pass.finished', PATIENCE_MS, Math.max(from, issued));
}
