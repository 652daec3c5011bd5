import { isIP } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import { CertathonError } from '../lib/errors.ts';
import { type Order, readOrder } from './answers.ts';
import { readAlternates, readChain } from './chains.ts';
import { csrBase64Url } from './csr.ts';
import { pollUntil } from './poll.ts';
import { problemWord } from './problem.ts';
import { invalidAnswer, listed, orderInvalid, problemOf, refusalClass, wasLost } from './refusal.ts';
import type { Session, SignedRequest } from './session.ts';

/** Statuses of an order that are at least as far as the one waited for. */
const REACHED = {
  ready: ['ready', 'processing', 'valid', 'invalid'],
  valid: ['valid', 'invalid'],
} as const;
/** An order turns ready with its last authorization; some CAs need a moment for it. */
const READY_WITHIN_MS = 60_000;

export interface OrderRequest {
  names: readonly string[];
  profile?: string;
  /** ARI id of the certificate that this one replaces; sent only to a CA that speaks ARI (RFC 9773 5). */
  replaces?: string;
}

interface Surroundings {
  session: Session;
  clock: Clock;
  signal: AbortSignal | undefined;
}

/** The order part of AcmeClient, where its methods are documented.   @source RFC 8555 7.4 */
export function createOrders({ session, clock, signal }: Surroundings) {
  async function newOrder({ names, profile, replaces }: OrderRequest): Promise<Order> {
    const { newOrder: url, renewalInfo } = await session.directory();
    const payload = {
      identifiers: names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
      ...(profile === undefined ? {} : { profile }),
    };
    const request: SignedRequest = { kind: 'newOrder', url, payload, what: `the order for ${listed(names)}` };
    const answer =
      replaces === undefined || renewalInfo === undefined
        ? await session.post(request)
        : await session.post({ ...request, payload: { ...payload, replaces } }).catch((error: unknown) => {
            if (!mayBeUnfit(error)) throw error;
            return session.post(request);
          });
    const { location } = answer.headers;
    if (location === undefined || !URL.canParse(location)) {
      throw invalidAnswer('newOrder', url, answer, 'Location is missing');
    }
    return readOrder(answer, location, clock.nowMs());
  }

  async function order(url: string): Promise<Order> {
    return readOrder(
      await session.read({ kind: 'order', url, what: `the order ${url}` }),
      url,
      clock.nowMs(),
    );
  }

  async function finalize(wanted: Order, csr: Uint8Array | string): Promise<Order> {
    const request: SignedRequest = {
      kind: 'finalize',
      url: wanted.finalizeUrl,
      payload: { csr: csrBase64Url(csr) },
      what: `the certificate request for ${listed(wanted.names)}`,
    };
    const hand = async () => readOrder(await session.post(request), wanted.url, clock.nowMs());
    const seen = await hand().catch(async (error: unknown) => {
      const inTrouble = refusalClass(error) === 'retry';
      if (refusalClass(error) !== 'refetch' && !inTrouble && !wasLost(error)) throw error;
      const now = await order(wanted.url);
      if (['processing', 'valid', 'invalid'].includes(now.status)) return now;
      if (inTrouble) throw error;
      const deadlineMs = clock.nowMs() + READY_WITHIN_MS;
      const ready = now.status === 'ready' ? now : await waitForOrder(now, 'ready', { deadlineMs });
      return ready.status === 'ready' ? hand() : ready;
    });
    if (seen.status === 'invalid') throw orderInvalid(seen.names, seen.url, seen.error);
    return seen;
  }

  async function waitForOrder(
    wanted: Order | string,
    until: 'ready' | 'valid',
    wait: { deadlineMs: number },
  ): Promise<Order> {
    const isDone = ({ status }: Order) => (REACHED[until] as readonly string[]).includes(status);
    const known = typeof wanted === 'string' ? await order(wanted) : wanted;
    const seen = isDone(known)
      ? known
      : await pollUntil({
          what: `the order ${known.url}`,
          ask: () => order(known.url),
          isDone,
          firstAt: known.retryAt,
          ...wait,
          clock,
          signal,
        });
    if (seen.status === 'invalid') throw orderInvalid(seen.names, seen.url, seen.error);
    return seen;
  }

  async function download(wanted: Order): Promise<string> {
    return (await fetchChain(wanted)).chainPem;
  }

  async function fetchChain(wanted: Order): Promise<{ chainPem: string; alternates: string[] }> {
    const url = wanted.certificateUrl;
    if (url === undefined) {
      throw new CertathonError(
        'ACME_ANSWER_INVALID',
        `CA names no certificate in the order ${wanted.url}, status ${wanted.status}`,
      );
    }
    const answer = await session.read(chainRequest(url, wanted));
    return { chainPem: readChain(answer, url), alternates: readAlternates(answer, url) };
  }

  async function downloadTaken(
    wanted: Order,
    isTaken: (chainPem: string) => boolean,
  ): Promise<{ chainPem: string; taken: boolean }> {
    const { chainPem, alternates } = await fetchChain(wanted);
    if (isTaken(chainPem)) return { chainPem, taken: true };
    for (const url of alternates) {
      const other = await fetchAlternate(url, wanted);
      // "alternate certificate chains starting with the same end-entity certificate" (RFC 8555 7.4.2)
      if (other !== undefined && leafOf(other) === leafOf(chainPem) && isTaken(other))
        return { chainPem: other, taken: true };
    }
    return { chainPem, taken: false };
  }

  async function fetchAlternate(url: string, wanted: Order): Promise<string | undefined> {
    try {
      return readChain(await session.read(chainRequest(url, wanted)), url);
    } catch {
      // The certificate is there already; a wish about its chain must not cost it.
      signal?.throwIfAborted();
      return undefined;
    }
  }

  return { newOrder, order, finalize, waitForOrder, download, downloadTaken };
}

/** CAs refuse an unfit `replaces` by many words and statuses, some without a problem document; the certificate matters
 * more than the link. What the CA says of nonces and limits holds for any order. */
function mayBeUnfit(error: unknown): boolean {
  if (!(error instanceof CertathonError) || error.code === 'ACME_RATE_LIMITED') return false;
  const status = Number(error.facts.status);
  const problem = problemOf(error);
  const word = problem === undefined ? '' : problemWord(problem);
  return status >= 400 && status < 500 && word !== 'badNonce' && word !== 'rateLimited';
}

function chainRequest(url: string, { names }: Order): SignedRequest {
  return { kind: 'certificate', url, what: `the certificate of ${listed(names)}` };
}

/** The first block as the CA wrote it, whatever its line ends. */
function leafOf(chainPem: string): string {
  return chainPem.slice(0, chainPem.indexOf('-----END')).replace(/\s/g, '');
}
