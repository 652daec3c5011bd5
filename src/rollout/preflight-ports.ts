// pure
import type { App } from '../marathon/app-schema.ts';
import type { PreflightFinding, PreflightInput } from './preflight.ts';
import { isPortEnabled, type PortOfApp, portCount, sharesBalancer } from './preflight-way.ts';
import { frontPortsOf, portLabel, servicePortsOf } from './service-port.ts';

const MOST_NAMED = 5;

/** While both colours exist, marathon-lb binds the ports of the one that it takes for the older, and which one that is
 * changes with every scaling: users of the other port would be left without a frontend. */
export function frontFindings({ next, last }: Pick<PreflightInput, 'next' | 'last'>): PreflightFinding[] {
  if (last === undefined) return [];
  const [before, after] = [frontPortsOf(last), frontPortsOf(next)];
  return before.flatMap((port, index) => {
    const to = after[index];
    if (to === undefined || to === port || !isPortEnabled(next, index)) return [];
    const sentence = `The frontend of port ${index} would move from ${port} to ${to === 0 ? 'one that Marathon chooses' : to} in the middle of the rollout: give both colours HAPROXY_${index}_PORT ${port}, or change the port in an app of another deployment group`;
    return { level: 'refuse', code: 'front-moves', sentence };
  });
}

/** What the ports of the new colour run into. Pure. @param others the apps outside the group */
export function portFindings(input: PreflightInput, others: readonly App[]): PreflightFinding[] {
  return [
    ...indexFindings(input),
    ...takenFindings(input, others),
    ...sharedFindings(input, others),
    ...hostPortFindings(input),
  ];
}

/** Marathon would refuse the app. */
function indexFindings({ next }: PreflightInput): PreflightFinding[] {
  const count = portCount(next);
  return next.healthChecks.flatMap(({ protocol, port, portIndex = 0 }, at) =>
    protocol === 'COMMAND' || port !== undefined || portIndex < count
      ? []
      : {
          level: 'refuse',
          code: 'port-index',
          sentence: `Health check ${at} of ${next.id} asks for the port with index ${portIndex}, and it has ${count}`,
        },
  );
}

/** Two frontends on one port: HAProxy binds both and gives each connection to either. */
function takenFindings(
  { next, last, balancers }: PreflightInput,
  others: readonly App[],
): PreflightFinding[] {
  return frontPortsOf(next).flatMap((port, index) => {
    if (port === 0) return [];
    const mine = { app: next, index };
    const takers = others.filter((app) =>
      frontPortsOf(app).some(
        (each, at) =>
          each === port &&
          sharesBalancer(mine, { app, index: at }, balancers) &&
          sharesAddress(mine, { app, index: at }),
      ),
    );
    if (takers.length === 0) return [];
    // It has been so all the time, and the operator may have reasons.
    const isOld = last !== undefined && frontPortsOf(last)[index] === port;
    return {
      level: isOld ? 'warn' : 'refuse',
      code: 'port-taken',
      sentence: `${have(takers)} the frontend port ${port} on the same balancers: connections to it would reach either app`,
    };
  });
}

function sharesAddress(a: PortOfApp, b: PortOfApp): boolean {
  const [one, other] = [a, b].map(({ app, index }) => app.labels[`HAPROXY_${index}_BIND_ADDR`] ?? '*');
  return one === other || one === '*' || other === '*';
}

/** Marathon gives no port to two apps by itself, but does not refuse it either. */
function sharedFindings({ next }: PreflightInput, others: readonly App[]): PreflightFinding[] {
  const alternative = portLabel(next, 'HAPROXY_DEPLOYMENT_ALT_PORT');
  const fronts = new Set(frontPortsOf(next));
  const ports = new Set([...servicePortsOf(next), ...(alternative === undefined ? [] : [alternative])]);
  return [...ports].flatMap((port) => {
    if (port === 0 || fronts.has(port)) return [];
    const sharers = others.filter(
      (app) => servicePortsOf(app).includes(port) || frontPortsOf(app).includes(port),
    );
    return sharers.length === 0
      ? []
      : {
          level: 'warn',
          code: 'port-shared',
          sentence: `${have(sharers)} the service port ${port} too, one of the two between which the colours alternate`,
        };
  });
}

/** A fixed port of the agent is there once, and the colours run beside each other. */
function hostPortFindings({ next, last }: PreflightInput): PreflightFinding[] {
  if (last === undefined) return [];
  const before = fixedPorts(last);
  const fixed = fixedPorts(next).filter((port) => before.includes(port));
  if (fixed.length === 0) return [];
  const target = next.labels.HAPROXY_DEPLOYMENT_TARGET_INSTANCES ?? String(next.instances);
  return [
    {
      level: 'warn',
      code: 'host-port-fixed',
      sentence: `Both colours want port ${fixed.join(', ')} of their agent: beside the agents of the ${last.instances} tasks of ${last.id}, up to ${target} more are needed`,
    },
  ];
}

function fixedPorts({ network, requirePorts, portDefinitions, portMappings }: App): number[] {
  if (network === 'host') return requirePorts ? portDefinitions.map(({ port }) => port).filter(Boolean) : [];
  return network === 'bridge' ? portMappings.flatMap(({ hostPort }) => hostPort || []) : [];
}

/** `/a has`, `/a, /b have`, `/a, /b, /c, /d, /e and 2 more have` */
function have(apps: readonly App[]): string {
  const shown = apps.slice(0, MOST_NAMED).map(({ id }) => id);
  const more = apps.length - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''} ${apps.length > 1 ? 'have' : 'has'}`;
}
