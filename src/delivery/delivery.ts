import type { Balancer } from '../haproxy/balancers.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { MarathonClient } from '../marathon/client.ts';
import type { Bundle } from './bundle.ts';
import type { RestartPrediction } from './preflight.ts';
import type { SlotLimits } from './slot-model.ts';
import type { Wake } from './wake.ts';

/** One delivery: these bundles into these variables of this app, in one write, served by every balancer
 * afterwards. */
export interface DeliveryRequest {
  appId: string;
  put: readonly VariablePut[];
  /** Variables to take out, with the marks of what they held when this was planned. */
  clear: readonly { variable: string; replaces: string }[];
  /** What each balancer has to show. */
  expected: readonly Expectation[];
  /** Goes into HAPROXY_SSL_CERT when that is empty and a numbered one is set. */
  placeholderPem: string | undefined;
  limits: SlotLimits;
  /** What the restart will do, as it was predicted; for the log. */
  prediction?: RestartPrediction | undefined;
}

export interface VariablePut {
  variable: string;
  bundle: Bundle;
  /** The mark of what the variable held when this was planned; anything else is somebody's change. Undefined
   * when the variable is known to hold the bundle already and only the balancers are behind. */
  replaces: string | undefined;
}

export interface Expectation {
  /** The names to ask each balancer for. */
  names: readonly string[];
  fingerprint: string;
}

/** What must survive a crash between writing to Marathon and seeing the certificate served. */
export interface DeliveryRecord {
  fingerprint: string;
  appId: string;
  /** Version of the app before our write: if the next version is ours, its deployment is too. */
  beforeVersion: string;
  deploymentId?: string | undefined;
  /** What was served before, so that an undo can prove that it is served again, also after a restart. */
  previous?: PreviousCertificate | undefined;
}

export interface PreviousCertificate {
  fingerprint: string;
  names: string[];
}

export interface DeliveryMemory {
  delivery(): Promise<DeliveryRecord | undefined>;
  saveDelivery(record: DeliveryRecord): Promise<void>;
  removeDelivery(): Promise<void>;
}

export interface DeliveryLimits {
  /** A deployment without progress for so long is taken back. */
  stuckMs: number;
  /** How long a locked app is waited for. */
  lockWaitMs: number;
  pollMs: number;
  /** How long a balancer may take from "healthy" to serving the certificate. */
  verifyMs: number;
}

export interface DeliveryTools {
  marathon: MarathonClient;
  wake: Wake;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  memory: DeliveryMemory;
  limits: DeliveryLimits;
  /** The certificate that a balancer shows for a name. */
  handshake: (balancer: Balancer, name: string, signal: AbortSignal) => Promise<Served>;
  balancersOf: (app: import('../marathon/schema.ts').App) => Balancer[];
}

/** The certificate that a balancer showed, or why it showed none. */
export type Served = ServedFacts | { unreachable: string };

export interface ServedFacts {
  /** SHA-256 of the leaf's DER, lower-case hex without colons. */
  fingerprint: string;
  issuer: string;
  /** Upper-case hex. */
  serial: string;
  notAfter: Date;
}

/** A deployment of ours, and where its changes begin. */
export interface OurDeployment {
  id: string | undefined;
  /** Tasks from this version on run our config. */
  version: string;
}
