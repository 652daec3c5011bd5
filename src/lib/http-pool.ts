import { X509Certificate } from 'node:crypto';
import { CertathonError } from './errors.ts';
import { Agent, buildConnector } from './undici.ts';

export interface PoolOptions {
  connectTimeoutMs: number;
  /** One or more PEM certificates; given, they alone are trusted, instead of the system's. */
  caPem?: string | undefined;
}

/** Connections of one client: few, kept alive shorter than any server does (Jetty closes idle ones after
 * 30 s), HTTP/1.1 only, TLS always verified. */
export interface Pool {
  agent: Agent;
  /** True for an error that came from connecting: then nothing of the request was sent. */
  neverConnected(error: unknown): boolean;
}

/** @throws CONFIG_INVALID when `caPem` holds no readable certificate */
export function createPool(options: PoolOptions): Pool {
  const connect = buildConnector({
    timeout: options.connectTimeoutMs,
    allowH2: false,
    // Said aloud, so that NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment cannot undo it.
    rejectUnauthorized: true,
    ...(options.caPem === undefined ? {} : { ca: certificatesOf(options.caPem) }),
  });
  const connectErrors = new WeakSet<Error>();
  const agent = new Agent({
    connections: 8,
    pipelining: 1,
    keepAliveTimeout: 4_000,
    keepAliveMaxTimeout: 20_000,
    // The client keeps one deadline over the whole request itself.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize: 64 * 1024,
    allowH2: false,
    connect: (target, callback) =>
      connect(target, (...result) => {
        if (result[0] !== null) connectErrors.add(result[0]);
        callback(...result);
      }),
  });
  return { agent, neverConnected: (error) => error instanceof Error && connectErrors.has(error) };
}

function certificatesOf(caPem: string): string[] {
  const blocks = caPem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new CertathonError('CONFIG_INVALID', 'The CA file holds no PEM certificate');
  blocks.forEach((block, index) => {
    try {
      new X509Certificate(block);
    } catch (cause) {
      throw new CertathonError('CONFIG_INVALID', `Certificate ${index + 1} of the CA file is unreadable`, {
        cause,
      });
    }
  });
  return [...blocks];
}
