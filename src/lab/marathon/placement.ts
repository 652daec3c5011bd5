// pure
import type { App } from './app.ts';
import type { RejectReason } from './offers.ts';

export interface Agent {
  /** A loopback address; it is the host name of the agent as well. */
  host: string;
  attributes?: Readonly<Record<string, string>>;
  /** What the tasks on it may ask for together, `mem` in MiB. Nothing: no limit. */
  cpus?: number;
  mem?: number;
}

/** Why an agent can not take one more task, its ports aside.
 * @param used what the tasks on it have asked for   @param occupied the agents of the app's living tasks */
export function refusalOf(
  app: Pick<App, 'constraints' | 'cpus' | 'mem'>,
  agent: Agent,
  used: { cpus: number; mem: number },
  occupied: readonly Agent[],
  agents: readonly Agent[],
): RejectReason | undefined {
  if (!app.constraints.every((constraint) => keepsConstraint(constraint, agent, occupied, agents)))
    return 'UnfulfilledConstraint';
  if (agent.cpus !== undefined && exceeds(used.cpus + app.cpus, agent.cpus)) return 'InsufficientCpus';
  if (agent.mem !== undefined && exceeds(used.mem + app.mem, agent.mem)) return 'InsufficientMemory';
  return undefined;
}

/** Thousandths are the unit of Mesos: ten times 0.1 fit into 1. */
const exceeds = (wanted: number, limit: number) => Math.round(wanted * 1000) > Math.round(limit * 1000);

/** Does this agent keep the constraint, given the agents that the app's living tasks are on?
 * @source S/core/… Constraints.scala (operators), mesosphere/mesos/Constraints.scala */
export function keepsConstraint(
  constraint: readonly string[],
  agent: Agent,
  occupied: readonly Agent[],
  agents: readonly Agent[],
): boolean {
  const [field = '', operator = '', value] = constraint;
  const here = fieldOf(agent, field);
  if (here === undefined) return operator === 'UNLIKE';
  const sameValue = occupied.filter((other) => fieldOf(other, field) === here).length;
  switch (operator) {
    case 'UNIQUE':
      return sameValue === 0;
    case 'CLUSTER':
      if (value !== undefined && value !== '') return here === value;
      return occupied.length === 0 || sameValue === occupied.length;
    case 'MAX_PER':
      return sameValue < Number(value ?? 1);
    case 'LIKE':
      return matches(value, here);
    case 'UNLIKE':
      return !matches(value, here);
    case 'IS':
      return here === value;
    case 'GROUP_BY': {
      const groups = new Set(
        agents.map((other) => fieldOf(other, field)).filter((name) => name !== undefined),
      );
      const sizes = [...groups].map(
        (name) => occupied.filter((other) => fieldOf(other, field) === name).length,
      );
      return sameValue <= Math.min(...sizes);
    }
    default:
      return false;
  }
}

function fieldOf(agent: Agent, field: string): string | undefined {
  return field === 'hostname' || field === '@hostname' ? agent.host : agent.attributes?.[field];
}

function matches(pattern: string | undefined, text: string): boolean {
  try {
    return new RegExp(`^(?:${pattern ?? ''})$`).test(text);
  } catch {
    return false;
  }
}
