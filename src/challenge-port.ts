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

/** Which ports nobody has said outright: what a predecessor listened on, or PORT0 and PORT1, which behind a bridge are
 * those of the agent. The definition of the app knows better. */
export interface GuessedPorts {
  challengePort: boolean;
  adminPort: boolean;
}

export interface PortOptions {
  config: Pick<Config, 'appId' | 'challengePort' | 'adminPort'>;
  isGuessed: GuessedPorts;
  ownApp: (appId: string, signal: AbortSignal) => Promise<App>;
  signal: AbortSignal;
}

/** The ports to listen at: as configured, or, for those that are only guessed, as the definition maps them if Marathon
 * tells it in time. It is asked once at most. */
export async function portsToOpen({
  config: { appId, challengePort, adminPort },
  isGuessed,
  ownApp,
  signal,
}: PortOptions): Promise<{ challengePort: number; adminPort: number }> {
  const asked = { challengePort, adminPort };
  if (appId === undefined || !(isGuessed.challengePort || isGuessed.adminPort)) return asked;
  try {
    const app = await ownApp(appId, AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)]));
    if (isGuessed.challengePort) asked.challengePort = exposedPort(app, 0) ?? challengePort;
    if (isGuessed.adminPort) asked.adminPort = exposedPort(app, 1) ?? adminPort;
  } catch {
    // What is wrong with Marathon is said by the first pass.
  }
  return asked;
}

/** Serves challenges at a port; with a spare one there, said loudly, when it can not be opened: a service that ends for
 * it would neither watch nor repair what the balancers serve.
 * @throws PORT_UNUSABLE */
export async function startAtItsPort(
  { port, ...options }: ResponderOptions,
  hasSpare: boolean,
): Promise<Responder> {
  const start = (port: number) => startResponder({ ...options, port });
  if (!hasSpare) return start(port);
  const { log } = options;
  return start(port).catch((error: unknown) => {
    const refused: CertathonError = asCertathonError(error);
    if (refused.code !== 'PORT_UNUSABLE' || port === SPARE_PORT) throw error;
    const { code, message, hint } = refused;
    log.error('challenge.port', { code, reason: message, hint, port: SPARE_PORT });
    return start(SPARE_PORT);
  });
}
