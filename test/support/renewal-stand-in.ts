import { X509Certificate } from 'node:crypto';
import type { AcmeProxy, Fate } from './acme-proxy.ts';
import { windowOf } from './renewals.ts';

/** Makes the CA behind a proxy speak of renewals as Let's Encrypt does (RFC 9773), which Pebble 2.4 does not. */
export interface RenewalStandIn {
  /** What newOrder was asked for, in order. */
  orders: { replaces?: string }[];
  /** Ids that were asked about, in order. */
  looks: string[];
  /** Named instead of the window of Let's Encrypt. */
  window: { start: Date; end: Date } | undefined;
  explanationUrl: string | undefined;
  /** What every look gets instead. */
  trouble: Fate | undefined;
  /** What an order that is linked to another one gets. */
  refusal: Fate | undefined;
}

const PATH = '/renewal-info/';
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/;

export function speakOfRenewals(proxy: AcmeProxy): RenewalStandIn {
  const issued: X509Certificate[] = [];
  const standIn: RenewalStandIn = {
    orders: [],
    looks: [],
    ...{ window: undefined, explanationUrl: undefined, trouble: undefined, refusal: undefined },
  };
  proxy.rewrite = (path, body) => {
    const text = body.toString();
    const pem = CERTIFICATE.exec(text)?.[0];
    if (pem !== undefined) issued.push(new X509Certificate(pem));
    if (path !== '/dir') return body;
    return Buffer.from(
      JSON.stringify({ ...JSON.parse(text), renewalInfo: new URL(PATH, proxy.directoryUrl).href }),
    );
  };
  proxy.instead = (path, method, body) => {
    if (path.startsWith(PATH) && method === 'GET') return look(path.slice(PATH.length));
    if (path !== '/order-plz') return undefined;
    const { payload } = JSON.parse(body.toString()) as { payload: string };
    const order = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { replaces?: string };
    standIn.orders.push(order);
    return order.replaces === undefined ? undefined : standIn.refusal;
  };

  function look(id: string): Fate {
    standIn.looks.push(id);
    if (standIn.trouble !== undefined) return standIn.trouble;
    const [key = '', serial = ''] = id.split('.').map((part) => Buffer.from(part, 'base64url'));
    const certificate = issued.find(
      ({ raw, serialNumber }) =>
        BigInt(`0x${serialNumber}`) === BigInt(`0x${Buffer.from(serial).toString('hex') || '0'}`) &&
        key.length > 0 &&
        raw.includes(key),
    );
    if (certificate === undefined) return problem(404, 'malformed', 'no such certificate');
    const { validFrom, validTo } = certificate;
    const suggestedWindow =
      standIn.window ?? windowOf({ notBefore: new Date(validFrom), notAfter: new Date(validTo) });
    const body = JSON.stringify({ suggestedWindow, explanationURL: standIn.explanationUrl });
    return { status: 200, headers: { 'content-type': 'application/json', 'retry-after': '21600' }, body };
  }

  return standIn;
}

/** An answer with a problem document. */
export function problem(status: number, word: string, detail: string): Fate {
  return {
    status,
    headers: { 'content-type': 'application/problem+json' },
    body: JSON.stringify({ type: `urn:ietf:params:acme:error:${word}`, detail, status }),
  };
}
