import type { Lab } from '../../src/lab/cluster.ts';
import { ask, type Reply } from './ask.ts';
import { until } from './until.ts';

export const ADMIN_TOKEN = 'a-token-for-the-second-port';

/** What the sidecar's second port answers, asked at the agent and not through a balancer. */
export async function atAdminPort(lab: Lab, path: string): Promise<Reply> {
  const task = lab.marathon.tasks('/certathon')[0];
  const [, port = 0] = task?.ports ?? [];
  return ask({ address: task?.host ?? '', port, path }, { host: 'certathon' });
}

/** Asks for a renewal before it is due, as an operator does. */
export async function askToRenew(lab: Lab): Promise<void> {
  const task = lab.marathon.tasks('/certathon')[0];
  const answer = await fetch(`http://${task?.host}:${task?.ports[1]}/renew`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ now: true }),
  });
  if (answer.status !== 202) throw new Error(`POST /renew: ${answer.status}`);
}

/** Waits until every balancer sends challenges to the sidecar. */
export async function routed(lab: Lab, hosts: readonly string[], name: string): Promise<void> {
  for (const address of hosts) {
    await until(`${address} routes challenges`, async () => {
      const path = '/.well-known/acme-challenge/ping';
      const reply = await ask({ address, port: lab.ports.http, path }, { host: name });
      return reply.status === 200 && reply.body.includes('certathon');
    });
  }
}
