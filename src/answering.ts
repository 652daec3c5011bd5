import { startResponder } from './acme/responder.ts';
import type { Config } from './config/config.ts';
import { CertathonError } from './lib/errors.ts';
import type { Log } from './lib/log.ts';

/** A one-shot run answers challenges itself while it needs them. When the port is taken it is most likely by
 * `serve` on the same store, which answers for it; if it is not, the route check says so. */
export async function whileAnswering<T>(
  work: () => Promise<T>,
  {
    config,
    answer,
    log,
  }: { config: Config; answer: (token: string) => Promise<string | undefined>; log: Log },
): Promise<T> {
  const responder = await startResponder({
    host: config.bind,
    port: config.challengePort,
    instance: config.instance,
    answer,
    log,
  }).catch((error: unknown) => {
    if (!(error instanceof CertathonError) || error.code !== 'PORT_UNUSABLE') throw error;
    log.info('challenge.served', { reason: error.message, by: 'whoever listens there, from the same store' });
    return undefined;
  });
  try {
    return await work();
  } finally {
    await responder?.close();
  }
}
