// pure

import type { EnvValue } from '../marathon/schema.ts';
import type { CertificateFacts } from './bundle.ts';
import { parseBundle } from './bundle.ts';

/** PEM as marathon-lb's start script expects it in a variable: its `echo -e` turns the two characters `\n`
 * into a line end, and Mesos loses real ones on its way through an env file.
 * @source marathon-lb `run`; marathon-lb#433 */
export function toVariable(pem: string): string {
  return pem.trimEnd().replaceAll('\r', '').replaceAll('\n', '\\n');
}

/** What marathon-lb would write to disk for a value: both spellings of a line end are read. */
export function fromVariable(value: string): string {
  return value.replaceAll('\\r', '').replaceAll('\\n', '\n');
}

/** What a variable of the marathon-lb app holds. */
export type VariableContent =
  | { kind: 'empty' }
  | { kind: 'secret'; secret: string }
  | { kind: 'unreadable'; problem: string }
  | { kind: 'certificate'; facts: CertificateFacts; pem: string };

/** Reads a variable by content, never by its spelling. */
export function readVariable(value: EnvValue | undefined): VariableContent {
  if (value === undefined) return { kind: 'empty' };
  if (typeof value !== 'string') return { kind: 'secret', secret: value.secret };
  if (value.trim() === '') return { kind: 'empty' };
  const parsed = parseBundle(fromVariable(value));
  if (!parsed.ok) return { kind: 'unreadable', problem: parsed.problem };
  return { kind: 'certificate', facts: parsed.bundle.facts, pem: parsed.bundle.pem };
}

/** One word for what a variable or a file holds, to notice that somebody changed it since it was looked at. */
export function contentMark(
  content:
    | { kind: 'certificate'; facts: { fingerprint: string } }
    | { kind: Exclude<VariableContent['kind'], 'certificate'> },
): string {
  return content.kind === 'certificate' ? content.facts.fingerprint : content.kind;
}
