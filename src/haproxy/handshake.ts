import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';

export interface HandshakeOptions {
  host: string;
  port: number;
  /** The name asked for by SNI; none asks for the default certificate. */
  servername?: string | undefined;
  /** For connecting and the handshake together. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

export interface ServedCertificate {
  /** SHA-256 of the leaf, as Node writes it: `AB:CD:…`. */
  fingerprint256: string;
  /** DNS names and IP addresses, as they stand in the certificate. */
  subjectAltNames: string[];
  /** Names of the issuer, joined by commas. */
  issuer: string;
  /** Upper-case hex. */
  serial: string;
  validFrom: Date;
  validTo: Date;
  /** The leaf, DER. */
  raw: Buffer;
  /** Certificates sent, the leaf included. */
  chainLength: number;
}

/** The certificate that a balancer serves now, seen in a real TLS handshake. Sends no request.
 * @returns the certificate, or why there was none; never throws but the reason of an aborted signal */
export async function servedCertificate(
  options: HandshakeOptions,
): Promise<ServedCertificate | { unreachable: string }> {
  const { host, port, servername, timeoutMs, signal } = options;
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      // An address is no name that SNI may carry (RFC 6066, 3).
      ...(servername === undefined || isIP(servername) !== 0 ? {} : { servername }),
      // The leaf is compared with the one intended, by fingerprint: stricter than a check of its path, and
      // it also works with a CA that nobody trusts (staging) and with a certificate to be replaced.
      rejectUnauthorized: false,
      secureContext: withoutRoots(),
    });
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      settle();
    };
    const fail = (reason: string) => {
      socket.destroy();
      finish(() => resolve({ unreachable: reason }));
    };
    const onAbort = () => {
      socket.destroy();
      finish(() => reject(signal?.reason));
    };
    const timer = setTimeout(() => fail(`no TLS handshake within ${timeoutMs / 1_000} s`), timeoutMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.on('error', (error) => fail(error.message === '' ? error.name : error.message));
    socket.on('close', () => fail('the connection was closed during the handshake'));
    socket.on('secureConnect', () => {
      const served = certificateOf(socket);
      socket.destroySoon();
      finish(() => resolve(served ?? { unreachable: 'no certificate was sent' }));
    });
  });
}

let context: SecureContext | undefined;

/** One for all handshakes. No roots: none is needed, and Node would append one to the chain that was sent. */
function withoutRoots(): SecureContext {
  context ??= createSecureContext({ ca: [] });
  return context;
}

function certificateOf(socket: TLSSocket): ServedCertificate | undefined {
  const leaf = socket.getPeerX509Certificate();
  if (leaf === undefined) return undefined;
  return {
    fingerprint256: leaf.fingerprint256,
    subjectAltNames: namesOf(leaf),
    issuer: leaf.issuer.replaceAll('\n', ', '),
    serial: leaf.serialNumber,
    validFrom: new Date(leaf.validFrom),
    validTo: new Date(leaf.validTo),
    raw: leaf.raw,
    chainLength: chainLength(leaf),
  };
}

/** Node joins the names by commas and quotes those that could be taken for something else. */
function namesOf(leaf: X509Certificate): string[] {
  const entries = leaf.subjectAltName?.matchAll(/(?:DNS|IP Address):("(?:[^"\\]|\\.)*"|[^,]*)/g) ?? [];
  return [...entries].map(([, name = '']) => (name.startsWith('"') ? (JSON.parse(name) as string) : name));
}

/** Walks the X509Certificates: after getPeerX509Certificate() the older getPeerCertificate(true) no longer
 * shows the issuers. */
function chainLength(leaf: X509Certificate): number {
  let length = 1;
  for (let next = leaf.issuerCertificate; next !== undefined && length < 20; next = next.issuerCertificate) {
    length++;
  }
  return length;
}
