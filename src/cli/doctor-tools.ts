import { openConnections } from '../connections.ts';
import type { DeliveryMemory, DeliveryRecord, DeliveryTools } from '../delivery/delivery.ts';
import { type Finding, showCertificate } from '../finding.ts';
import type { Running } from '../service.ts';

/** What the doctor works with: Marathon and the balancers, no store and no CA, so that it runs anywhere. */
export function doctorTools(running: Running): {
  tools: DeliveryTools;
  finding: Finding;
  close(): Promise<void>;
} {
  const { clock, log, signal } = running;
  const { marathon, wake, finding, limits, close } = openConnections(running);
  const { balancersOf } = finding;
  const seeing = { balancersOf, handshake: showCertificate };
  const tools: DeliveryTools = { marathon, wake, clock, log, signal, memory: inMemory(), limits, ...seeing };
  return { tools, finding, close };
}

/** A person watches: after a crash the doctor is asked again, waits for the lock, and finds the change there. */
function inMemory(): DeliveryMemory {
  let held: DeliveryRecord | undefined;
  return {
    delivery: async () => held,
    saveDelivery: async (record) => {
      held = record;
    },
    removeDelivery: async () => {
      held = undefined;
    },
  };
}
