// pure
import type { App } from '../marathon/app-schema.ts';
import type { BalancerFacts, PreflightFinding, PreflightInput } from './preflight.ts';

/* The way from a balancer to the tasks of both colours: which balancers take them, and what they dial. */

export interface PortOfApp {
  app: App;
  index: number;
}

/** The groups that take a port: its own label, else the app's. Pure. */
export function groupsOfPort({ labels }: Pick<App, 'labels'>, index: number): string[] {
  const list = labels[`HAPROXY_${index}_GROUP`] ?? labels.HAPROXY_GROUP ?? '';
  return list
    .split(',')
    .map((group) => group.trim())
    .filter((group) => group !== '');
}

/** As marathon-lb reads it: anything but these words switches the port off. Pure. */
export function isPortEnabled({ labels }: Pick<App, 'labels'>, index: number): boolean {
  return /^(true|t|yes|y)$/i.test(labels[`HAPROXY_${index}_ENABLED`] ?? 'true');
}

/** Whether ports of two apps may be in the configuration of one balancer. Pure. */
export function sharesBalancer(
  a: PortOfApp,
  b: PortOfApp,
  balancers: readonly BalancerFacts[] | undefined,
): boolean {
  if (!isPortEnabled(a.app, a.index) || !isPortEnabled(b.app, b.index)) return false;
  const [groups, others] = [groupsOfPort(a.app, a.index), groupsOfPort(b.app, b.index)];
  if (groups.some((group) => others.includes(group))) return true;
  return (balancers ?? []).some(
    (each) =>
      each.groups === 'all' ||
      [groups, others].every((list) => list.some((group) => each.groups.includes(group))),
  );
}

/** How many ports a task has, as Marathon counts them. Pure. */
export function portCount({ network, portMappings, portDefinitions }: App): number {
  return network === 'host' || portMappings.length === 0 ? portDefinitions.length : portMappings.length;
}

/** Pure. */
export function wayFindings(input: PreflightInput): PreflightFinding[] {
  return [
    ...takenFindings(input),
    ...apartFindings(input),
    ...groupFindings(input),
    ...dialledFindings(input),
  ];
}

/** A task is in use when every balancer has every port of it: ports that different balancers take never come to that. */
function apartFindings({ next, balancers }: PreflightInput): PreflightFinding[] {
  const enabled = indexes(portCount(next)).filter((index) => isPortEnabled(next, index));
  const takersOf = (index: number): string => {
    const groups = groupsOfPort(next, index);
    const takers = (balancers ?? []).filter(
      (each) => each.groups === 'all' || groups.some((group) => each.groups.includes(group)),
    );
    // Whatever is not known here goes by what is written.
    return (takers.length > 0 ? takers.map(({ id }) => id) : [...new Set(groups)]).sort().join(', ');
  };
  const [first, ...others] = enabled.map((index) => ({ index, takers: takersOf(index) }));
  const apart = others.find(({ takers }) => takers !== first?.takers);
  if (first === undefined || apart === undefined) return [];
  const ports = `port ${first.index} by ${first.takers || 'none'}, port ${apart.index} by ${apart.takers || 'none'}`;
  return [
    {
      level: 'refuse',
      code: 'ports-apart',
      sentence: `Different balancers take the ports of ${next.id} (${ports}): its tasks can not be told to be in use or drained`,
    },
  ];
}

function takenFindings({ next, balancers }: PreflightInput): PreflightFinding[] {
  const refuse = (code: PreflightFinding['code'], sentence: string): PreflightFinding[] => [
    { level: 'refuse', code, sentence },
  ];
  const ports = indexes(portCount(next));
  const enabled = ports.filter((index) => isPortEnabled(next, index));
  if (enabled.length === 0)
    return refuse('not-enabled', `No port of ${next.id} is enabled: no balancer sends it requests`);
  const groups = [...new Set(enabled.flatMap((index) => groupsOfPort(next, index)))];
  const takers = balancers?.filter(
    (each) => each.groups === 'all' || groups.some((group) => each.groups.includes(group)),
  );
  if (groups.length === 0 && (takers ?? []).length === 0)
    return refuse('no-group', `${next.id} has no HAPROXY_GROUP: no balancer takes it`);
  if (takers?.length === 0) {
    const known = balancers?.map(({ id }) => id).join(', ') || 'none is known';
    return refuse('no-balancer', `No balancer takes the group ${groups.join(', ')} of ${next.id} (${known})`);
  }
  return (takers ?? [])
    .filter(({ checksHealth }) => !checksHealth)
    .map(({ id }) => ({
      level: 'warn',
      code: 'health-ignored',
      sentence: `${id} runs without --health-check: it sends requests to new tasks before they are healthy`,
    }));
}

/** While both colours exist, the balancers of the older one serve both; then, all at once, those of the newer. */
function groupFindings({ next, last }: PreflightInput): PreflightFinding[] {
  if (last === undefined) return [];
  return indexes(Math.min(portCount(next), portCount(last))).flatMap((index) => {
    const [before, after] = [last, next].map((app) =>
      [...new Set(groupsOfPort(app, index))].sort().join(', '),
    );
    if (before === after) return [];
    return {
      level: 'refuse',
      code: 'group-differs',
      sentence: `The balancer groups of port ${index} change from ${before || 'none'} to ${after || 'none'}: some balancers would lose the app, or get it, in one moment`,
    };
  });
}

/** marathon-lb dials the tasks of both colours by the networking of one of the two, now of this, now of that. */
function dialledFindings({ next, last }: PreflightInput): PreflightFinding[] {
  if (last === undefined) return [];
  const hasOwn = ({ network }: App) => network === 'container';
  if (hasOwn(last) !== hasOwn(next))
    return [
      {
        level: 'refuse',
        code: 'network-differs',
        sentence: `The network changes from ${last.network} to ${next.network}: marathon-lb would dial tasks of one colour at addresses of the other's kind`,
      },
    ];
  const ports = ({ portMappings }: App) => portMappings.map(({ containerPort }) => containerPort).join(', ');
  if (!hasOwn(next) || ports(last) === ports(next)) return [];
  return [
    {
      level: 'refuse',
      code: 'container-port-differs',
      sentence: `The container ports change from ${ports(last) || 'none'} to ${ports(next) || 'none'}: marathon-lb would dial tasks of one colour at the other's ports`,
    },
  ];
}

const indexes = (count: number) => Array.from({ length: count }, (_, index) => index);
