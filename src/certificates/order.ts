import type { Order } from '../acme/answers.ts';
import type { AcmeClient } from '../acme/client.ts';
import { createCertificateKey, createCsr } from '../acme/csr.ts';
import { refusalClass } from '../acme/refusal.ts';
import { type Bundle, bundleKey } from '../delivery/bundle.ts';
import { CertathonError, describeError } from '../lib/errors.ts';
import { type KeyType, keyTypeOf } from '../lib/key-types.ts';
import { type AccountTools, openAccount } from './account.ts';
import { proveNames } from './authorizations.ts';
import type { CaaIdentity } from './caa.ts';
import { clockFinding } from './clock-skew.ts';
import { type FetchTools, fetchBundle } from './fetch-bundle.ts';
import type { OrderBudget } from './limits/order-budget.ts';
import type { Problem } from './model.ts';
import { guardClock, guardReal } from './order-guards.ts';
import { profileFor } from './order-profile.ts';
import type { BegunOrder } from './store.ts';
import type { ChallengeStore } from './store-challenges.ts';
import { takeUpOrder } from './take-up-order.ts';

/** Let's Encrypt finishes in seconds; a CA that takes longer is asked again at the next pass. */
const ISSUE_WITHIN_MS = 5 * 60_000;

export interface OrderTools extends AccountTools, FetchTools {
  challenges: ChallengeStore;
  directoryUrl: string;
  /** Sent only where the CA offers it. */
  profile: string | undefined;
  /** Whether nothing is ordered without it. */
  isProfileRequired?: boolean | undefined;
  /** Type of a new key. */
  keyType: KeyType;
  /** Whether the key of the current certificate is used again, when it is of that type. */
  reuseKey: boolean;
  /** Is a key never to be used again, since somebody else may have it? */
  isKeyLost: (keyPem: string) => Promise<boolean>;
  signal: AbortSignal;
  /** Tries the public route of each name before the CA is asked; throws ROUTE_CHECK_FAILED when required. */
  checkRoutes: (names: readonly string[]) => Promise<void>;
  /** Tries the names at the test CA first; absent where that is not needed. Throws what the real CA would. */
  tryAtStaging?: ((names: readonly string[]) => Promise<void>) | undefined;
  /** The model of the CA's limits; without one only the CA counts. */
  budget?: OrderBudget | undefined;
  /** The id of the current certificate at the CA, and the account by which it was issued there: the new order is linked
   * to it (RFC 9773 5), when that account is still the one in use. */
  replaces?: { certId: string; accountUrl: string } | undefined;
  /** Looks at the CAA records of each name before the CA is asked; throws CAA_FORBIDS. */
  checkCaa?: ((names: readonly string[], who: CaaIdentity) => Promise<void>) | undefined;
  /** Whether the certificate is also due by the CA's clock, when that differs from ours. */
  isDueAt: (time: Date, names: readonly string[]) => Promise<boolean>;
}

/** Obtains a certificate: account, order, challenges, request, chain, gate, store. What a crash must not lose
 * is written first: the private key and the order's address are on disk before the CA is asked to issue, so
 * that the next start finishes this order instead of spending another one.
 * @param dueByClock whether only the time makes it due, so that a wrong clock would
 * @returns the certificate, and what a person has to see although it was obtained
 * @throws ACME_*, CERTIFICATE_UNUSABLE, CLOCK_WRONG, DELIVERY_TOO_LARGE, ROUTE_CHECK_FAILED, STORE_UNUSABLE */
export async function obtainCertificate(
  names: readonly string[],
  dueByClock: boolean,
  tools: OrderTools,
): Promise<{ bundle: Bundle; problems: Problem[] }> {
  const acme = await openAccount(tools);
  try {
    await acme.directory();
    await guardReal(acme, tools);
    await guardClock(names, dueByClock, acme, tools);
    const { begun, order } =
      (await takeUpOrder(names, acme, tools)) ?? (await beginOrder(names, acme, tools));
    try {
      const bundle = await finishOrder(begun, order, acme, tools);
      return { bundle, problems: clockFinding(acme.skewMs()) };
    } catch (error) {
      if (isLost(error)) {
        tools.log.warn('order.invalid', { order: order.url, names });
        await tools.store.removeOrder();
      }
      throw error;
    }
  } finally {
    await acme.close();
  }
}

async function beginOrder(
  names: readonly string[],
  acme: AcmeClient,
  tools: OrderTools,
): Promise<{ begun: BegunOrder; order: Order }> {
  const { meta } = await acme.directory();
  const profile = await profileFor(Object.keys(meta.profiles ?? {}), names, tools);
  const { caaIdentities: identities = [] } = meta;
  await tools.checkCaa?.(names, { identities, accountUrl: acme.accountUrl(), method: 'http-01' });
  await tools.checkRoutes(names);
  await tools.tryAtStaging?.(names);
  const begun: BegunOrder = {
    directoryUrl: tools.directoryUrl,
    names: [...names],
    keyPem: await chooseKey(tools),
    step: 'begun',
  };
  await tools.store.saveOrder(begun);
  const request = {
    names,
    ...(profile === undefined ? {} : { profile }),
    ...linkedTo(tools.replaces, acme),
  };
  const make = () => acme.newOrder(request);
  const order = await (tools.budget?.ask(make) ?? make());
  const { url, expiresAt } = order;
  const known: BegunOrder = {
    ...begun,
    url,
    step: 'ordered',
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
  await tools.store.saveOrder(known);
  tools.log.info('order.created', { order: order.url, names, status: order.status });
  return { begun: known, order };
}

function linkedTo(replaces: OrderTools['replaces'], acme: AcmeClient): { replaces?: string } {
  return replaces !== undefined && replaces.accountUrl === acme.accountUrl()
    ? { replaces: replaces.certId }
    : {};
}

async function finishOrder(
  begun: BegunOrder,
  seen: Order,
  acme: AcmeClient,
  tools: OrderTools,
): Promise<Bundle> {
  const startedMs = tools.clock.nowMs();
  const deadlineMs = startedMs + ISSUE_WITHIN_MS;
  let order = seen;
  let used = begun;
  if (order.status === 'pending') {
    await proveNames(order, acme, { ...tools, deadlineMs });
    used = { ...begun, step: 'proven' };
    await tools.store.saveOrder(used);
    tools.log.info('order.ready', { order: order.url });
  }
  if (order.status !== 'processing' && order.status !== 'valid') {
    ({ order, begun: used } = await finalize(used, order, acme, tools));
    tools.log.info('order.finalized', { order: order.url });
  }
  if (order.status !== 'valid') order = await acme.waitForOrder(order, 'valid', { deadlineMs });
  if (seen.status !== 'valid') await tools.budget?.issued();
  const bundle = await fetchBundle(used, order, acme, tools);
  const accountUrl = acme.accountUrl();
  const by = {
    directoryUrl: tools.directoryUrl,
    ...(tools.isTest === true ? { isTest: true as const } : {}),
  };
  const issuedBy = accountUrl === undefined ? undefined : { ...by, accountUrl };
  await tools.store.save(bundle, 'issued', order.url, new Date(tools.clock.nowMs()), issuedBy);
  await tools.store.removeOrder();
  const { fingerprint, notAfter, issuer } = bundle.facts;
  tools.log.info('certificate.issued', {
    names: begun.names,
    fingerprint,
    issuer,
    expiresAt: notAfter,
    durationMs: tools.clock.nowMs() - startedMs,
  });
  return bundle;
}

/** Hands in the request. A key that was kept may have become one that the CA takes no more; then the order goes
 * on with a new one, or each further try would fail in the same way. */
async function finalize(
  begun: BegunOrder,
  order: Order,
  acme: AcmeClient,
  tools: OrderTools,
): Promise<{ begun: BegunOrder; order: Order }> {
  const hand = async ({ names, keyPem }: BegunOrder) => acme.finalize(order, await createCsr(names, keyPem));
  try {
    return { begun, order: await hand(begun) };
  } catch (error) {
    const isKept = refusalClass(error) === 'new-key' && (await currentKey(tools)) === begun.keyPem;
    if (!isKept) throw error;
    tools.log.warn('order.key-refused', {
      order: order.url,
      names: begun.names,
      reason: describeError(error),
    });
    const renewed = { ...begun, keyPem: await createCertificateKey(tools.keyType) };
    await tools.store.saveOrder(renewed);
    return { begun: renewed, order: await hand(renewed) };
  }
}

async function currentKey({ store }: OrderTools): Promise<string | undefined> {
  const current = await store.current();
  return current === undefined ? undefined : bundleKey(current.bundle);
}

/** A new key, or the one of the current certificate where that is asked for, it is of the wanted type, and not lost. */
async function chooseKey(tools: OrderTools): Promise<string> {
  const kept = tools.reuseKey ? await currentKey(tools) : undefined;
  const isKept = kept !== undefined && keyTypeOf(kept) === tools.keyType && !(await tools.isKeyLost(kept));
  return isKept ? kept : createCertificateKey(tools.keyType);
}

/** After these the order can never become a certificate: the next try needs a new one (RFC 8555 7.1.6). One whose
 * certificate only the options keep out stays: when they are corrected it is downloaded again, not ordered. */
function isLost(error: unknown): boolean {
  if (!(error instanceof CertathonError) || error.facts.ofEveryOne === true) return false;
  return [
    'ACME_CHALLENGE_FAILED',
    'ACME_ORDER_INVALID',
    'ACME_REFUSED',
    'CERTIFICATE_UNUSABLE',
    'ACCOUNT_DEACTIVATED',
  ].includes(error.code);
}
