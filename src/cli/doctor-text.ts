import type { Difference } from '../delivery/difference.ts';
import { differenceOf } from '../delivery/difference.ts';
import type { Check } from '../delivery/doctor-checks.ts';
import type { LastingPatch } from '../delivery/lasting-change.ts';
import type { RestartPrediction } from '../delivery/preflight.ts';
import { maskSecrets } from '../lib/mask.ts';
import { printable } from '../lib/printable.ts';
import type { App } from '../marathon/schema.ts';

/** A change of a marathon-lb app that helps, and what its own restart will do. */
export interface Fix {
  app: App;
  patch: LastingPatch;
  after: RestartPrediction;
}

export function print(text: string): void {
  process.stdout.write(maskSecrets(text));
}

const LONGEST_SENTENCE = 2_000;

/** For people: a line a check, its hint below; each app under its id. */
export function textOf(checks: readonly Check[]): string {
  const lines: string[] = [];
  let app: string | undefined;
  const width = Math.max(...checks.map(({ code }) => code.length));
  for (const check of checks) {
    if (check.app !== app) lines.push(check.app ?? '');
    app = check.app;
    const sentence = printable(check.sentence, LONGEST_SENTENCE);
    lines.push(`${check.level.padEnd(4)}  ${check.code.padEnd(width)}  ${sentence}`);
    if (check.hint !== undefined) lines.push(`${' '.repeat(width + 8)}${check.hint}`);
  }
  return `${lines.join('\n')}\n`;
}

/** The change as a comment, then the whole body of the PUT on one line. */
export function fixText(fixes: readonly Fix[]): string {
  if (fixes.length === 0) return '# Nothing to fix: no change of the marathon-lb app would help.\n';
  return fixes
    .map((fix) => `# ${sentenceOf(fix)}\n# PUT /v2/apps${fix.app.id}\n${JSON.stringify(bodyOf(fix))}\n`)
    .join('');
}

export function sentenceOf({ app, patch, after }: Fix): string {
  const changes = differenceOf(app, patch).map(asWords).join(', ');
  return `${app.id}: ${changes}. Writing it restarts the balancers once, by the new values: ${after.sentence}.`;
}

export function asWords({ field, from, to }: Difference): string {
  return `${field} ${from} → ${to}`;
}

/** Marathon drops the last two from an app unless a partial update repeats them. */
function bodyOf({ app, patch }: Fix): object {
  return { ...patch, executorResources: app.executorResources, resourceLimits: app.resourceLimits };
}

export function jsonOf({ checks, fixes }: { checks: readonly Check[]; fixes: readonly Fix[] }): string {
  const printed = fixes.map((fix) => ({
    app: fix.app.id,
    body: bodyOf(fix),
    sentence: sentenceOf(fix),
    gapMs: fix.after.gapMs,
  }));
  return `${JSON.stringify({ checks, fixes: printed }, null, 2)}\n`;
}
