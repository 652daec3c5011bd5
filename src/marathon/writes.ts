import type { HttpAnswer, HttpRequest } from '../lib/http.ts';
import { away, isMissing, jsonOrThrow, missingApp, refused, wordsOf } from './answers.ts';
import { absoluteAppId } from './app-id.ts';
import type { App, Env } from './app-schema.ts';
import type { Calls } from './calls.ts';
import { accept } from './parse.ts';
import { createdAnswerSchema, type DeploymentResult, killedAnswerSchema } from './schema.ts';
import { outcomeOf, type WriteResult, writeResult } from './write-result.ts';

export type { WriteResult } from './write-result.ts';

/** What of an app is replaced; the rest stays. */
export interface AppPatch {
  env?: Env;
  upgradeStrategy?: App['upgradeStrategy'];
  readinessChecks?: App['readinessChecks'];
  args?: string[];
}

/** The calls that change something. Each is sent once, and never by force: that would end the deployment of
 * somebody else in the middle. Beside what is named at each, all throw MARATHON_REFUSED in Marathon's own
 * words, MARATHON_UNAUTHORIZED, MARATHON_ANSWER_INVALID, MARATHON_UNREACHABLE where certainly nothing was
 * sent, and the reason of an aborted signal. */
export class Writes {
  protected readonly calls: Calls;

  constructor(calls: Calls) {
    this.calls = calls;
  }

  /** Makes a new app of its definition. After a lost reply the same call says `exists` if it was made.
   * @param json as one would POST it; what is wrong with it Marathon says
   * @returns `exists` when an app has that id already. `locked` while an app of that id is still being ended
   * @source S/api/v2/AppsResource.scala, create; S/Exception.scala, ConflictingChangeException */
  async createApp(json: object, signal?: AbortSignal): Promise<WriteResult | { kind: 'exists' }> {
    const what = `new app ${String((json as { id?: unknown }).id).slice(0, 200)}`;
    const answer = await this.#send({ method: 'POST', path: '/v2/apps', body: JSON.stringify(json), signal });
    if ('kind' in answer) return answer;
    if (answer.status === 409 && /\balready exists\b/.test(wordsOf(answer))) return { kind: 'exists' };
    return writeResult(answer, what, createdAnswerSchema);
  }

  /** Changes an app by the smallest body that does it. Each field that is given replaces the whole old one,
   * `env` too. Does not send anything while a deployment holds the app: on 1.5 to 1.7 even a refused write
   * harms it.
   * @param app freshly read: what must not be lost is taken from it   @throws APP_MISSING */
  async updateApp(app: App, patch: AppPatch, signal?: AbortSignal): Promise<WriteResult> {
    return this.#change(app, patch, `new ${Object.keys(patch).join(', ')} of app ${app.id}`, signal);
  }

  /** Changes nothing but how many tasks an app has: none of those that stay is restarted. Does not send
   * anything while a deployment holds the app, as `updateApp()`.
   * @param app freshly read   @throws APP_MISSING
   * @source S/core/deployment/DeploymentPlan.scala: only `instances` differs, so ScaleApplication */
  async scaleApp(app: App, instances: number, signal?: AbortSignal): Promise<WriteResult> {
    return this.#change(app, { instances }, `${instances} instances of app ${app.id}`, signal);
  }

  /** Kills these tasks and lowers `instances` by as many, in one deployment. Ids that Marathon does not know
   * are passed over, and tasks that are being killed may count twice: look at tasks and `app.deployments`
   * before (a refused write harms on 1.5 to 1.7), and at `instances` afterwards. One of no form of an id is
   * refused, and with it the others.
   * @source S/api/TaskKiller.scala, killAndScale */
  async killAndScale(ids: readonly string[], signal?: AbortSignal): Promise<WriteResult> {
    const body = JSON.stringify({ ids });
    const answer = await this.#send({ method: 'POST', path: '/v2/tasks/delete?scale=true', body, signal });
    return 'kind' in answer ? answer : writeResult(answer, `kill of ${ids.length} tasks with scaling`);
  }

  /** Ends an app with all its tasks. Look at its deployments before: a refused write harms on 1.5 to 1.7.
   * @returns 'gone' when there is no such app (any more)   @throws APP_MISSING when no app can have that id
   * @source S/api/v2/AppsResource.scala, delete */
  async deleteApp(id: string, signal?: AbortSignal): Promise<WriteResult | 'gone'> {
    // Said aloud: this is the one write that Marathon forces unless told otherwise.
    const path = `/v2/apps${absoluteAppId(id)}?force=false`;
    const answer = await this.#send({ method: 'DELETE', path, signal });
    if ('kind' in answer) return answer;
    return isMissing(answer) ? 'gone' : writeResult(answer, `end of app ${id}`);
  }

  /** Takes a deployment back: Marathon deploys the definitions from before it. Not by force, which would
   * leave old and new tasks mixed. @returns the new deployment, or 'gone' when there is none of that id
   * @throws MARATHON_UNREACHABLE also with `facts.outcome` unknown, when it may have happened */
  async cancelDeployment(id: string, signal?: AbortSignal): Promise<DeploymentResult | 'gone'> {
    const path = `/v2/deployments/${encodeURIComponent(id)}`;
    const answer = await this.calls.write({ method: 'DELETE', path, signal });
    if (isMissing(answer)) return 'gone';
    const result = writeResult(answer, `end of deployment ${id}`);
    if (result.kind === 'accepted') return { deploymentId: result.deploymentId, version: result.version };
    throw result.kind === 'unknown' ? result.cause : refused(answer, `end of deployment ${id}`);
  }

  /** Kills tasks; others take their place. @param wipe also forgets their instances and local volumes
   * @returns the ids that Marathon found. Up to 1.7 they may live on all the same while the app is being
   *   deployed: look again
   * @throws MARATHON_UNREACHABLE also with `facts.outcome` unknown, when it may have happened */
  async killTasks(
    ids: readonly string[],
    { wipe = false, signal }: { wipe?: boolean; signal?: AbortSignal | undefined } = {},
  ): Promise<string[]> {
    const path = `/v2/tasks/delete${wipe ? '?wipe=true' : ''}`;
    const answer = await this.calls.write({ method: 'POST', path, body: JSON.stringify({ ids }), signal });
    const what = `kill of ${ids.length} tasks`;
    if (answer.status >= 500) throw away(answer, what);
    if (answer.status >= 400) throw refused(answer, what);
    return accept(killedAnswerSchema, jsonOrThrow(answer, what), 'the killed tasks').tasks.map(
      ({ id }) => id,
    );
  }

  async #change(app: App, change: object, what: string, signal?: AbortSignal): Promise<WriteResult> {
    const { deployments, executorResources, resourceLimits } = app;
    if (deployments.length > 0) return { kind: 'locked', deployments, message: 'The app is being deployed' };
    // JSON leaves out what is undefined: these two go along only when Marathon showed them, since a partial
    // update of 1.6 (1.10) or newer drops them otherwise. Source: S/raml/AppConversion.scala
    const body = JSON.stringify({ ...change, executorResources, resourceLimits });
    const path = `/v2/apps${absoluteAppId(app.id)}`;
    const answer = await this.#send({ method: 'PUT', path, body, signal });
    if ('kind' in answer) return answer;
    if (isMissing(answer)) throw missingApp(app.id, answer);
    return writeResult(answer, what);
  }

  async #send(request: HttpRequest): Promise<HttpAnswer | (WriteResult & { kind: 'unknown' })> {
    return this.calls.write(request).catch((error: unknown) => outcomeOf(error, request.signal));
  }
}
