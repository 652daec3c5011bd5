// pure
import type { App } from '../marathon/app-schema.ts';
import type { Check, DoctorFacts } from './doctor-checks.ts';
import { readinessVerdict } from './readiness.ts';

/** Between two balancers of a restart, the first has to be back for whoever is in front of them. */
export function frontChecks(app: App, { front, delivery }: DoctorFacts): Check[] {
  if (delivery === 'directory' || app.instances < 2) return [];
  if (front === undefined)
    return [
      {
        level: 'note',
        code: 'FRONT',
        sentence:
          'A restart goes on when Marathon sees a balancer healthy, which may be before the balancer in front does',
        hint: 'Say how long that one takes by --front-detection, and --fix proposes a pause.',
      },
    ];
  const verdict = readinessVerdict(app, front);
  const seconds = Math.round(front.detectionMs / 1000);
  switch (verdict.kind) {
    case 'propose':
      return [
        {
          level: 'warn',
          code: 'FRONT',
          sentence: `A restart does not wait the ${seconds} s that the balancer in front needs to use a balancer again`,
          hint: '`certathon doctor --fix` prints a readiness check that pauses for so long, `certathon doctor --apply` sets it.',
        },
      ];
    case 'port-unnamed':
      return [
        {
          level: 'warn',
          code: 'FRONT',
          sentence: `Port ${front.adminPort} of the app has no name, so no readiness check can pause a restart`,
          hint: 'Name it `admin` in the portDefinitions.',
        },
      ];
    case 'paused':
      return [
        {
          level: 'ok',
          code: 'FRONT',
          sentence: `A restart pauses ${Math.round(verdict.intervalMs / 1000)} s after each balancer, by a readiness check`,
        },
      ];
    case 'not-needed':
      return [];
  }
}
