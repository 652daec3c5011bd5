import type { CERTIFICATE_COMMANDS } from '../config/option.ts';
import type { RunCommand } from './run-command.ts';

/** The commands that take the options of the table, each with a file of its own that is loaded when it runs. */
export const COMMANDS: Record<
  (typeof CERTIFICATE_COMMANDS)[number],
  { summary: string; example: string; load: () => Promise<RunCommand> }
> = {
  serve: {
    summary:
      'Keep the certificate valid: answer challenges, renew when due, deliver, prove; until it is told to stop.',
    example: 'certathon serve --domains shop.example.com --acme-email ops@example.com',
    load: async () => (await import('./serve.ts')).runServe,
  },
  renew: {
    summary: 'Make one pass and end: 0 when every name has a valid certificate that every balancer serves.',
    example: 'certathon renew --store /var/lib/certathon --dry-run',
    load: async () => (await import('./renew.ts')).runRenew,
  },
  plan: {
    summary: 'Print what a pass would do, and why; changes nothing.',
    example: 'certathon plan --json',
    load: async () => (await import('./renew.ts')).runPlan,
  },
  doctor: {
    summary:
      'Look at what a delivery depends on and say what to do; --fix prints a change that helps, --apply makes it.',
    example: 'certathon doctor --fix',
    load: async () => (await import('./doctor.ts')).runDoctor,
  },
};
