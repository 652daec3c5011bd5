// pure

export interface Agent {
  /** A loopback address; it is the host name of the agent as well. */
  host: string;
  attributes?: Readonly<Record<string, string>>;
}

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
