import { type Responder, type ResponderOptions, startResponder } from './acme/responder.ts';
import type { Config } from './config/config.ts';
import { asCertathonError, type CertathonError } from './lib/errors.ts';
import type { App } from './marathon/app-schema.ts';
import { exposedPort } from './marathon/exposed-port.ts';

/** How long Marathon may take to tell the definition; the service comes up without it as well. */
const ASK_MS = 5_000;
/** Where challenges are answered when their port can not be opened: no balancer leads there, but everything else goes
 * on, and the port of our own definitions is the most likely one to be mapped by whoever repairs it. */
const SPARE_PORT = 8080;

export interface PortOptions {
  config: Config;
  /** The configured port is only what a predecessor listened on, so that the definition of the app knows better. */
  isGuessed: boolean;
  ownApp: (appId: string, signal: AbortSignal) => Promise<App>;
  signal: AbortSignal;
}

/** Serves challenges at the configured port. In the definition of a predecessor that is the one in the definition if
 * Marathon tells it, else the predecessor's; when it can not be opened the spare one, said loudly: a service that
 * ends for it would neither watch nor repair what the balancers serve.
 * @throws PORT_UNUSABLE */
export async function startAtItsPort(
  options: Omit<ResponderOptions, 'port'>,
  { config, isGuessed, ownApp, signal }: PortOptions,
): Promise<Responder> {
  const start = (port: number) => startResponder({ ...options, port });
  if (!isGuessed) return start(config.challengePort);
  const { log } = options;
  const told = await portToldBy(config.appId, ownApp, signal);
  const port = told ?? config.challengePort;
  if (port !== config.challengePort)
    log.info('challenge.port', { port, reason: `the definition of ${config.appId} maps it` });
  return start(port).catch((error: unknown) => {
    const refused: CertathonError = asCertathonError(error);
    if (refused.code !== 'PORT_UNUSABLE' || port === SPARE_PORT) throw error;
    const { code, message, hint } = refused;
    log.error('challenge.port', { code, reason: message, hint, port: SPARE_PORT });
    return start(SPARE_PORT);
  });
}

async function portToldBy(
  appId: string | undefined,
  ownApp: PortOptions['ownApp'],
  signal: AbortSignal,
): Promise<number | undefined> {
  if (appId === undefined) return undefined;
  try {
    return exposedPort(await ownApp(appId, AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)])));
  } catch {
    return undefined; // what is wrong with Marathon is said by the first pass
  }
}
