import type { Order } from '../acme/answers.ts';
import type { AcmeClient } from '../acme/client.ts';
import { type Bundle, parseBundle } from '../delivery/bundle.ts';
import type { Clock } from '../lib/clock.ts';
import { CertathonError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { type InstallFault, installFault } from './install-gate.ts';
import type { IssuerTrust } from './issuer-roots.ts';
import { endsBelow, topmostIssuer } from './preferred-chain.ts';
import type { BegunOrder, Store } from './store.ts';

export interface FetchTools {
  store: Store;
  /** Common name or organization of the issuer at the top of the chain that is wanted, where the CA offers several. */
  preferredChain: string | undefined;
  /** What chains must end at. */
  trust: IssuerTrust;
  /** Room in the target (install-gate.ts). */
  mostBytes: number;
  /** It is a test CA. */
  isTest?: boolean | undefined;
  /** A certificate of a test CA may take the place of a real one. */
  stagingOverReal?: boolean | undefined;
  clock: Clock;
  log: Log;
}

/** Downloads the chain of a valid order and puts the bundle together. Nothing that fails the gate may ever reach
 * a balancer: one unreadable bundle takes it away for good.
 * @throws ACME_*, CERTIFICATE_UNUSABLE, CLOCK_WRONG, DELIVERY_TOO_LARGE */
export async function fetchBundle(
  begun: BegunOrder,
  order: Order,
  acme: AcmeClient,
  tools: FetchTools,
): Promise<Bundle> {
  const { isTest, stagingOverReal } = tools;
  const replaces = stagingOverReal === true ? undefined : (await tools.store.current())?.stored;
  const pass = (chainPem: string): Passed => {
    const parsed = parseBundle(`${chainPem.trimEnd()}\n${begun.keyPem}`);
    if (!parsed.ok) return { fault: { code: 'CERTIFICATE_UNUSABLE', message: parsed.problem } };
    const fault = installFault(parsed.bundle, {
      names: begun.names,
      cover: 'exactly',
      nowMs: tools.clock.nowMs(),
      skewMs: acme.skewMs(),
      trust: tools.trust,
      mostBytes: tools.mostBytes,
      replaces,
      isTest,
    });
    return fault === undefined ? { bundle: parsed.bundle } : { fault };
  };
  const passed = pass(await fetchChain(order, acme, tools, (chainPem) => pass(chainPem).fault));
  if (passed.bundle !== undefined) return passed.bundle;
  const { code, message, ofEveryOne = false } = passed.fault;
  const facts = { ofEveryOne };
  throw new CertathonError(code, `The certificate from the CA is unusable: ${message}`, { facts });
}

type Passed = { bundle: Bundle; fault?: undefined } | { bundle?: undefined; fault: InstallFault };

/** The preferred chain when the CA offers it and it would pass; else the usual one, which costs a warning but
 * never the certificate. */
async function fetchChain(
  order: Order,
  acme: AcmeClient,
  { preferredChain, log }: FetchTools,
  faultOf: (chainPem: string) => InstallFault | undefined,
): Promise<string> {
  if (preferredChain === undefined) return acme.download(order);
  let fault: InstallFault | undefined;
  const isTaken = (chainPem: string): boolean => {
    if (!endsBelow(chainPem, preferredChain)) return false;
    fault = faultOf(chainPem);
    return fault === undefined;
  };
  const { chainPem, taken } = await acme.downloadTaken(order, isTaken);
  if (!taken)
    log.warn('order.chain-missing', {
      order: order.url,
      names: order.names,
      preferredChain,
      issuer: topmostIssuer(chainPem)?.replaceAll('\n', ', '),
      reason: fault?.message ?? 'the CA offers no such chain',
    });
  return chainPem;
}
