// pure
import type { App } from '../marathon/app-schema.ts';
import type { Check, DoctorFacts } from './doctor-checks.ts';

/** What the arguments of marathon-lb mean for a delivery. Pure.
 * @source marathon-lb.md 1.3 and 1.4; marathon-lb `run` */
export function argumentChecks({ args, cmd }: App, facts: DoctorFacts): Check[] {
  // A command line begins with the program, which the image's entrypoint stands for otherwise.
  const words = args.length > 0 ? args : (cmd ?? '').trim().split(/\s+/).slice(1);
  return [...certificateChecks(words, facts), ...modeChecks(words, facts), ...strictChecks(words, facts)];
}

function certificateChecks(words: readonly string[], { delivery, variable }: DoctorFacts): Check[] {
  const code = 'SSL_CERTS';
  const joined = words.find((word) => word.startsWith('--ssl-certs='));
  const at = words.indexOf('--ssl-certs');
  if (delivery === 'directory')
    return joined !== undefined || at >= 0
      ? []
      : [
          {
            level: 'warn',
            code,
            sentence:
              'The balancers are not told of any directory: there is no --ssl-certs in their arguments',
            hint: 'Start marathon-lb with --ssl-certs DIRECTORY/certs,DIRECTORY/default.pem.',
          },
        ];
  if (joined !== undefined)
    return [
      {
        level: 'fail',
        code,
        sentence: `${joined} in the arguments hides ${variable}: marathon-lb loads only what it names`,
        hint: 'Remove it, or write it as two words so that the variables are loaded as well.',
        error: 'DELIVERY_NOT_SERVED',
      },
    ];
  if (at < 0) return [];
  return [
    {
      level: 'warn',
      code,
      sentence: `--ssl-certs ${words[at + 1] ?? ''} stands before ${variable}: its first certificate is shown where no name fits, and wins where it carries the same names`,
      hint: 'Remove it, unless those certificates are meant to come first.',
    },
  ];
}

function modeChecks(words: readonly string[], { delivery }: DoctorFacts): Check[] {
  const first = words[0] === '--ssl-certs' ? words[2] : words[0];
  if (first !== 'poll') return [];
  return delivery === 'directory'
    ? [
        {
          level: 'warn',
          code: 'MODE',
          sentence: 'The balancers run in poll mode, in which signals to reload do nothing',
          hint: 'Start marathon-lb with sse instead of poll.',
        },
      ]
    : [
        {
          level: 'note',
          code: 'MODE',
          sentence: 'The balancers run in poll mode: signals to reload do nothing',
        },
      ];
}

function strictChecks(words: readonly string[], { ownLabels }: DoctorFacts): Check[] {
  if (!words.includes('--strict-mode') || ownLabels?.HAPROXY_0_ENABLED === 'true') return [];
  return [
    {
      level: ownLabels === undefined ? 'note' : 'warn',
      code: 'STRICT',
      sentence: `The balancers run in strict mode: challenges reach Certathon only with the label HAPROXY_0_ENABLED=true${ownLabels === undefined ? '' : ', which its app lacks'}`,
      hint: 'Set HAPROXY_0_ENABLED=true on the app of Certathon.',
    },
  ];
}
