// pure
import type { App } from '../marathon/app-schema.ts';

type PlacedApp = Pick<App, 'constraints' | 'network' | 'portMappings'> & {
  /** The agents of the living tasks, one entry a task. */
  hosts: readonly string[];
};

/** Where one more task of an app can start while all others still run. */
export type OneMore =
  /** Beside another one, or anywhere. */
  | { kind: 'anywhere' }
  /** Only on an agent that runs none of them. */
  | { kind: 'other-agent'; why: string }
  /** Nowhere: its agents are named, and each runs one. */
  | { kind: 'nowhere'; why: string };

/** Marathon-lb on the host network binds its ports itself, whatever the app says about ports, so two never fit
 * on one agent. @source marathon.md 1.2, marathon-lb.md 1.1 */
export function placeForOneMore(app: PlacedApp): OneMore {
  const why = reasonForOtherAgent(app);
  if (why === undefined) return { kind: 'anywhere' };
  const allowed = allowedHosts(app);
  const isFull = allowed?.every((host) => app.hosts.includes(host)) ?? false;
  return isFull
    ? { kind: 'nowhere', why: `it may only run on ${allowed?.join(', ')}` }
    : { kind: 'other-agent', why };
}

function reasonForOtherAgent({ network, portMappings, constraints, hosts }: PlacedApp): string | undefined {
  if (network === 'host') return 'balancers on the host network bind their ports themselves';
  const fixed = portMappings.map(({ hostPort }) => hostPort ?? 0).filter((port) => port !== 0);
  if (fixed.length > 0) return `the host port ${fixed.join(', ')} is fixed`;
  const full = constraints.find(([field = '', operator = '', value]) => {
    if (operator === 'UNIQUE') return true;
    if (operator !== 'MAX_PER') return false;
    const most = Number(value ?? 1);
    return (
      !isHostname(field) || hosts.every((host) => hosts.filter((other) => other === host).length >= most)
    );
  });
  return full === undefined ? undefined : `the constraint ${full.join(' ')} asks for another agent`;
}

/** The agents that the constraints name, where they name any outright. */
function allowedHosts({ constraints, hosts }: PlacedApp): string[] | undefined {
  for (const [field = '', operator = '', value = ''] of constraints) {
    if (operator === 'CLUSTER') {
      // Without a value, the place of the first task is that of all others.
      if (isHostname(field)) return [value === '' ? (hosts[0] ?? '') : value];
    } else if (isHostname(field) && operator === 'IS') return [value];
    else if (isHostname(field) && operator === 'LIKE') {
      const named = hostsOfPattern(value);
      if (named !== undefined) return named;
    }
  }
  return undefined;
}

/** `a|b` or `(a|b)` as hosts; anything with more of a pattern in it is none. */
function hostsOfPattern(pattern: string): string[] | undefined {
  const hosts = pattern.replace(/^\((.*)\)$/, '$1').split('|');
  return hosts.every((host) => /^(?:[\w-]|\\?\.(?![*+?]))+$/.test(host))
    ? hosts.map((host) => host.replaceAll('\\', ''))
    : undefined;
}

const isHostname = (field: string) => field === 'hostname' || field === '@hostname';
