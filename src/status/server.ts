import { createHash, timingSafeEqual } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CertathonError } from '../lib/errors.ts';
import { maskSecrets } from '../lib/mask.ts';
import type { Snapshot } from './snapshot.ts';

/** The second port: health, status and control. marathon-lb does not route to it (HAPROXY_1_ENABLED=false).
 *   GET  /health       200 while the program runs: for Marathon's health check; says nothing about certificates
 *   GET  /status.json  the last observation and plan; status 503 while something is failing
 *   POST /renew        a pass soon; `{"now":true}` renews before it is due. Needs `Authorization: Bearer TOKEN` */
export interface StatusServerOptions {
  host: string;
  port: number;
  token: string | undefined;
  snapshot: () => Snapshot;
  requestPass: (options: { now: boolean }) => void;
}

const TIME_LIMIT_MS = 10_000;

/** @throws PORT_UNUSABLE */
export async function startStatusServer(
  options: StatusServerOptions,
): Promise<{ port: number; close(): Promise<void> }> {
  const { fastify } = await import('fastify');
  const server = fastify({
    logger: false,
    bodyLimit: 4096,
    requestTimeout: TIME_LIMIT_MS,
    connectionTimeout: TIME_LIMIT_MS,
    forceCloseConnections: true,
    // What it would say itself quotes the path.
    frameworkErrors: (_error, _request, reply: unknown) =>
      void (reply as FastifyReply).code(400).send({ error: 'Bad request' }),
  });
  server.addHook('onSend', async (_request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  });
  server.get('/health', async () => ({ status: 'up' }));
  server.get('/status.json', async (_request, reply) => {
    const snapshot = options.snapshot();
    reply.code(snapshot.state === 'failing' ? 503 : 200).type('application/json; charset=utf-8');
    // Messages quote what others said: masked like every line of the log.
    return maskSecrets(`${JSON.stringify(snapshot, null, 2)}\n`);
  });
  const onRequest = async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const refusal = refuseControl(options.token, request.headers.authorization);
    return refusal === undefined ? undefined : reply.code(refusal.status).send({ error: refusal.reason });
  };
  // Before the body is read: nothing of a stranger is looked at.
  server.post('/renew', { onRequest }, async (request, reply) => {
    const body = request.body as { now?: unknown } | null | undefined;
    options.requestPass({ now: body?.now === true });
    return reply.code(202).send({ requested: 'pass' });
  });
  server.setNotFoundHandler(async (_request, reply) => reply.code(404).send({ error: 'Not found' }));
  server.setErrorHandler(async (error: { statusCode?: number }, _request, reply) =>
    reply
      .code(error.statusCode ?? 500)
      .send({ error: error.statusCode === undefined ? 'Failed' : 'Bad request' }),
  );
  try {
    await server.listen({ host: options.host, port: options.port });
  } catch (cause) {
    await server.close();
    const { code } = cause as NodeJS.ErrnoException;
    throw new CertathonError(
      'PORT_UNUSABLE',
      `The status port ${options.host}:${options.port} can not be used: ${code ?? String(cause)}`,
      { cause },
    );
  }
  return { port: (server.server.address() as AddressInfo).port, close: () => server.close() };
}

function refuseControl(
  token: string | undefined,
  header: string | undefined,
): { status: number; reason: string } | undefined {
  if (token === undefined) return { status: 403, reason: 'Control is off: no admin token is set' };
  const given = /^Bearer (.{1,4096})$/.exec(header ?? '')?.[1];
  if (given === undefined) return { status: 401, reason: 'Send the admin token as Authorization: Bearer' };
  return timingSafeEqual(digest(given), digest(token))
    ? undefined
    : { status: 401, reason: 'Wrong admin token' };
}

/** Equal lengths for the comparison, whatever was sent. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
