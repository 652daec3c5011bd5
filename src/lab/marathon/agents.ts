import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { type App, portWishes } from './app.ts';
import type { RejectReason } from './offers.ts';
import { type Agent, refusalOf } from './placement.ts';

const FIRST_PORT = 31_000;
const LAST_PORT = 32_000;
/** The last numbers of addresses of containers, in the network of their agent. */
const [FIRST_INSIDE, INSIDES] = [100, 150];

/** A place on an agent with its host ports, held until the process of its task is dead. */
export interface Slot {
  readonly agent: Agent;
  readonly slaveId: string;
  readonly ports: number[];
  /** The address that its container has to itself, unless it shares that of the agent. */
  readonly inside: string;
  readonly cpus: number;
  readonly mem: number;
}

/** A slot, or for each agent why it has none. */
export type Placement = { slot: Slot } | { refusals: RejectReason[] };

interface Machine {
  agent: Agent;
  slaveId: string;
  taken: Set<number>;
  nextPort: number;
  slots: Set<Slot>;
}

/** The agents and who holds which port on them. */
export class Agents {
  readonly #machines: Machine[];
  #containers = 0;

  constructor(agents: Agent[]) {
    this.#machines = agents.map((agent, index) => ({
      agent,
      slaveId: `lab-S${index}`,
      taken: new Set(),
      // Not always the first port: two labs on the same addresses should seldom try the same one.
      nextPort: randomInt(FIRST_PORT, LAST_PORT + 1),
      slots: new Set(),
    }));
  }

  /** Finds room for one task, the emptiest agent first.
   * @param occupied the agents of the app's living tasks */
  async place(app: App, occupied: Agent[]): Promise<Placement> {
    const agents = this.#machines.map((machine) => machine.agent);
    const refusals: RejectReason[] = [];
    const fitting = this.#machines.filter((machine) => {
      const refusal = refusalOf(app, machine.agent, usedOf(machine), occupied, agents);
      if (refusal) refusals.push(refusal);
      return !refusal;
    });
    const crowd = (machine: Machine) => occupied.filter((agent) => agent === machine.agent).length;
    fitting.sort((a, b) => crowd(a) - crowd(b) || a.slots.size - b.slots.size);
    for (const machine of fitting) {
      const { agent, slaveId } = machine;
      const ports = await this.#reserve(machine, app);
      if (ports) {
        const slot = { agent, slaveId, ports, inside: this.#inside(agent), cpus: app.cpus, mem: app.mem };
        machine.slots.add(slot);
        return { slot };
      }
      refusals.push('InsufficientPorts');
    }
    return { refusals };
  }

  release(slot: Slot): void {
    const machine = this.#machines.find((other) => other.agent === slot.agent);
    if (!machine?.slots.delete(slot)) return;
    for (const port of slot.ports) machine.taken.delete(port);
  }

  /** In turn, so that the address of a container that has just ended is not used at once. */
  #inside({ host }: Agent): string {
    const last = FIRST_INSIDE + (this.#containers++ % INSIDES);
    return host.replace(/\d+$/, String(last));
  }

  async #reserve(machine: Machine, app: App): Promise<number[] | undefined> {
    const wishes = portWishes(app);
    const fixed = wishes.map((wish) => wish.hostPort).filter((port) => port !== 0);
    if (fixed.some((port) => machine.taken.has(port)) || new Set(fixed).size < fixed.length) return undefined;
    for (const port of fixed) machine.taken.add(port);
    const ports: number[] = [];
    for (const wish of wishes) {
      const port = wish.hostPort || (await this.#dynamicPort(machine));
      if (port === undefined) {
        for (const held of [...fixed, ...ports]) machine.taken.delete(held);
        return undefined;
      }
      ports.push(port);
    }
    return ports;
  }

  async #dynamicPort(machine: Machine): Promise<number | undefined> {
    for (let tries = FIRST_PORT; tries <= LAST_PORT; tries++) {
      const port = machine.nextPort;
      machine.nextPort = port >= LAST_PORT ? FIRST_PORT : port + 1;
      if (machine.taken.has(port)) continue;
      machine.taken.add(port);
      if (await canBind(machine.agent.host, port)) return port;
      machine.taken.delete(port);
    }
    return undefined;
  }
}

function usedOf({ slots }: Machine): { cpus: number; mem: number } {
  const used = { cpus: 0, mem: 0 };
  for (const slot of slots) {
    used.cpus += slot.cpus;
    used.mem += slot.mem;
  }
  return used;
}

function canBind(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
