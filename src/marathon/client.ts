import { asCertathonError, CertathonError } from '../lib/errors.ts';
import type { HttpAnswer } from '../lib/http.ts';
import { away, isDeploymentLimit, jsonOf, jsonOrThrow, refused, strange, wordsOf } from './answers.ts';
import { absoluteAppId } from './app-id.ts';
import { type App, appSchema, type Env } from './app-schema.ts';
import { Calls, type CallsOptions } from './calls.ts';
import { accept } from './parse.ts';
import type { Deployment, DeploymentResult, Info, QueueEntry } from './schema.ts';
import * as schema from './schema.ts';

/** What became of a write. */
export type WriteResult =
  /** Stored, and deployed from now on. */
  | ({ kind: 'accepted' } & DeploymentResult)
  /** Not stored: these deployments hold the app. An empty list means "not now" for another reason. */
  | { kind: 'locked'; deployments: string[]; message: string }
  /** No telling whether it was stored: read the app again before anything else. */
  | { kind: 'unknown'; cause: CertathonError };

/** What of an app is replaced; the rest stays. */
export interface AppPatch {
  env?: Env;
  upgradeStrategy?: App['upgradeStrategy'];
  readinessChecks?: App['readinessChecks'];
  args?: string[];
}

/** Marathon's REST API, as far as it is used. Reads are repeated by the read policy; a write is sent once.
 * Every call throws MARATHON_UNREACHABLE (no answer, no leader), MARATHON_UNAUTHORIZED (401, 403) or
 * MARATHON_ANSWER_INVALID (no answer of Marathon), and the reason of an aborted signal. */
export function createMarathonClient(options: CallsOptions): MarathonClient {
  return new MarathonClient(options);
}

export class MarathonClient {
  readonly #calls: Calls;

  constructor(options: CallsOptions) {
    this.#calls = new Calls(options);
  }

  /** Its `version` still has to pass `marathonVersion()`. */
  async info(signal?: AbortSignal): Promise<Info> {
    return this.#calls.get('/v2/info', schema.infoSchema, 'itself', signal);
  }

  /** @returns `host:port` of the leader, undefined while there is none */
  async leader(signal?: AbortSignal): Promise<string | undefined> {
    const answer = await this.#calls.read('/v2/leader', signal, [404]);
    if (answer.status === 404) return undefined;
    return accept(schema.leaderAnswerSchema, jsonOrThrow(answer, '/v2/leader'), 'its leader').leader;
  }

  /** Through a standby it reaches the leader, so it tells about both. */
  async ping(signal?: AbortSignal): Promise<void> {
    await this.#calls.read('/ping', signal);
  }

  /** One app with its tasks, deployments and last failure. @throws APP_MISSING */
  async app(id: string, signal?: AbortSignal): Promise<App> {
    const appId = absoluteAppId(id);
    const embed = ['tasks', 'counts', 'deployments', 'lastTaskFailure']
      .map((name) => `embed=app.${name}`)
      .join('&');
    const answer = await this.#calls.read(`/v2/apps${appId}?${embed}`, signal, [404]);
    if (answer.status === 404) throw missing(appId, answer);
    const { app } = accept(schema.appAnswerSchema, jsonOrThrow(answer, `/v2/apps${appId}`), `app ${appId}`);
    const found = accept(appSchema, app, `app ${appId}`);
    if (found.id !== appId) throw strange(answer, `asked for app ${appId}, got ${found.id}`);
    return found;
  }

  /** All apps with their tasks, or those that match a label selector. An app that can not be read is
   * reported beside the others and does not hide them. */
  async apps({
    label,
    signal,
  }: {
    label?: string | undefined;
    signal?: AbortSignal | undefined;
  } = {}): Promise<{ apps: App[]; unreadable: CertathonError[] }> {
    const query = new URLSearchParams([
      ['embed', 'apps.tasks'],
      ['embed', 'apps.deployments'],
    ]);
    if (label !== undefined) query.append('label', label);
    const list = await this.#calls.get(`/v2/apps?${query}`, schema.appsAnswerSchema, 'its apps', signal);
    const apps: App[] = [];
    const unreadable: CertathonError[] = [];
    for (const app of list.apps) {
      const { id } = (app ?? {}) as { id?: unknown };
      try {
        apps.push(accept(appSchema, app, `app ${String(id).slice(0, 200)}`));
      } catch (error) {
        unreadable.push(asCertathonError(error));
      }
    }
    return { apps, unreadable };
  }

  /** Times of the kept versions of an app, newest first. @throws APP_MISSING */
  async versions(id: string, signal?: AbortSignal): Promise<string[]> {
    const appId = absoluteAppId(id);
    const answer = await this.#calls.read(`/v2/apps${appId}/versions`, signal, [404]);
    if (answer.status === 404) throw missing(appId, answer);
    return accept(schema.versionsAnswerSchema, jsonOrThrow(answer, 'versions'), `versions of ${appId}`)
      .versions;
  }

  /** The definition that an app had; without tasks and counts. @throws APP_MISSING */
  async appVersion(id: string, version: string, signal?: AbortSignal): Promise<App> {
    const appId = absoluteAppId(id);
    const path = `/v2/apps${appId}/versions/${encodeURIComponent(version)}`;
    const answer = await this.#calls.read(path, signal, [404]);
    if (answer.status === 404) throw missing(appId, answer);
    return accept(appSchema, jsonOrThrow(answer, path), `version ${version} of app ${appId}`);
  }

  /** All running deployments. Finished and failed ones vanish. */
  async deployments(signal?: AbortSignal): Promise<Deployment[]> {
    return this.#calls.get('/v2/deployments', schema.deploymentsSchema, 'its deployments', signal);
  }

  /** What waits to be launched, and why. */
  async queue(signal?: AbortSignal): Promise<QueueEntry[]> {
    return this.#calls.get('/v2/queue', schema.queueSchema, 'its queue', signal);
  }

  /** Changes an app by the smallest body that does it, never by force. Each field that is given replaces the
   * whole old one, `env` too. Does not send anything while a deployment holds the app: on 1.5 to 1.7 even a
   * refused write harms it.
   * @param app freshly read: what must not be lost is taken from it
   * @throws MARATHON_REFUSED in Marathon's own words; APP_MISSING; MARATHON_UNREACHABLE only where certainly
   *   nothing was sent */
  async updateApp(app: App, patch: AppPatch, signal?: AbortSignal): Promise<WriteResult> {
    const { deployments, executorResources, resourceLimits } = app;
    if (deployments.length > 0) return { kind: 'locked', deployments, message: 'The app is being deployed' };
    // JSON leaves out what is undefined: these two go along only when Marathon showed them, since a partial
    // update of 1.6 (1.10) or newer drops them otherwise. Source: S/raml/AppConversion.scala
    const body = JSON.stringify({ ...patch, executorResources, resourceLimits });
    const what = `new ${Object.keys(patch).join(', ')} of app ${app.id}`;
    const request = { method: 'PUT', path: `/v2/apps${absoluteAppId(app.id)}`, body, signal } as const;
    const answer = await this.#calls.write(request).catch((error: unknown) => outcomeOf(error, signal));
    if (answer instanceof CertathonError) return { kind: 'unknown', cause: answer };
    if (isUnknownThing(answer)) throw missing(app.id, answer);
    return writeResult(answer, what);
  }

  /** Takes a deployment back: Marathon deploys the definitions from before it. Not by force, which would
   * leave old and new tasks mixed. @returns the new deployment, or 'gone' when there is none of that id
   * @throws MARATHON_REFUSED; MARATHON_UNREACHABLE, with `facts.outcome` unknown when it may have happened */
  async cancelDeployment(id: string, signal?: AbortSignal): Promise<DeploymentResult | 'gone'> {
    const path = `/v2/deployments/${encodeURIComponent(id)}`;
    const answer = await this.#calls.write({ method: 'DELETE', path, signal });
    if (isUnknownThing(answer)) return 'gone';
    const result = writeResult(answer, `end of deployment ${id}`);
    if (result.kind === 'accepted') return { deploymentId: result.deploymentId, version: result.version };
    throw result.kind === 'unknown' ? result.cause : refused(answer, `end of deployment ${id}`);
  }

  /** Kills tasks; others take their place. @param wipe also forgets their instances and local volumes
   * @returns the ids that Marathon found. Up to 1.7 they may live on all the same while the app is being
   *   deployed: look again */
  async killTasks(
    ids: readonly string[],
    { wipe = false, signal }: { wipe?: boolean; signal?: AbortSignal | undefined } = {},
  ): Promise<string[]> {
    const path = `/v2/tasks/delete${wipe ? '?wipe=true' : ''}`;
    const answer = await this.#calls.write({ method: 'POST', path, body: JSON.stringify({ ids }), signal });
    const what = `kill of ${ids.length} tasks`;
    if (answer.status >= 500) throw away(answer, what);
    if (answer.status >= 400) throw refused(answer, what);
    return accept(schema.killedAnswerSchema, jsonOrThrow(answer, what), 'the killed tasks').tasks.map(
      (task) => task.id,
    );
  }
}

function writeResult(answer: HttpAnswer, what: string): WriteResult {
  const { status } = answer;
  if (status >= 500) return { kind: 'unknown', cause: away(answer, what) };
  if (status === 409 || isDeploymentLimit(answer)) return locked(answer, what);
  if (status === 404 && jsonOf(answer) === undefined) throw strange(answer, what);
  if (status >= 400) throw refused(answer, what);
  const result = schema.deploymentResultSchema.safeParse(jsonOf(answer));
  if (status < 300 && result.success) return { kind: 'accepted', ...result.data };
  if (status >= 300) throw strange(answer, what);
  // A proxy that ran out of time may say 200 without a body: the change may have been made.
  return { kind: 'unknown', cause: strange(answer, what) };
}

function locked(answer: HttpAnswer, what: string): WriteResult {
  const body = schema.lockedAnswerSchema.safeParse(jsonOf(answer));
  if (!body.success) throw refused(answer, what);
  return { kind: 'locked', deployments: body.data.deployments.map(({ id }) => id), message: wordsOf(answer) };
}

/** A lost reply is a result, not a failure; everything else stays a failure. */
function outcomeOf(error: unknown, signal: AbortSignal | undefined): CertathonError {
  if (!signal?.aborted && error instanceof CertathonError && error.facts.outcome === 'unknown') return error;
  throw error;
}

/** A 404 in Marathon's own words; a proxy's HTML says nothing about the thing. */
function isUnknownThing(answer: HttpAnswer): boolean {
  return answer.status === 404 && jsonOf(answer) !== undefined;
}

function missing(appId: string, answer: HttpAnswer): CertathonError {
  return new CertathonError('APP_MISSING', `Marathon has no app ${appId}: ${wordsOf(answer)}`);
}
