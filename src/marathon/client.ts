import { asCertathonError, CertathonError } from '../lib/errors.ts';
import { jsonElements } from '../lib/json-elements.ts';
import { jsonOrThrow, missingApp, strange } from './answers.ts';
import { absoluteAppId } from './app-id.ts';
import { type App, appSchema } from './app-schema.ts';
import { Calls, type CallsOptions } from './calls.ts';
import { MOST_ITEMS } from './fields.ts';
import { type LabelledApp, labelledApp } from './labelled-app.ts';
import { accept } from './parse.ts';
import type { Deployment, Info, QueueEntry } from './schema.ts';
import * as schema from './schema.ts';
import { parseJson } from './words.ts';
import { Writes } from './writes.ts';

export type { AppPatch, WriteResult } from './writes.ts';

/** What a read of apps brings along, in the same moment. Counts and deployments come unasked, too. */
const EMBEDS = ['tasks', 'counts', 'deployments', 'lastTaskFailure', 'readiness'];

/** Marathon's REST API, as far as it is used. Reads are repeated by the read policy; a write is sent once.
 * Every call throws MARATHON_UNREACHABLE (no answer, no leader), MARATHON_UNAUTHORIZED (401, 403) or
 * MARATHON_ANSWER_INVALID (no answer of Marathon), and the reason of an aborted signal. */
export function createMarathonClient(options: CallsOptions): MarathonClient {
  return new MarathonClient(options);
}

/** The reads; what changes something is in writes.ts. */
export class MarathonClient extends Writes {
  constructor(options: CallsOptions) {
    super(new Calls(options));
  }

  /** Its `version` still has to pass `marathonVersion()`. */
  async info(signal?: AbortSignal): Promise<Info> {
    return this.calls.get('/v2/info', schema.infoSchema, 'itself', signal);
  }

  /** @returns `host:port` of the leader, undefined while there is none */
  async leader(signal?: AbortSignal): Promise<string | undefined> {
    const answer = await this.calls.read('/v2/leader', signal, [404]);
    if (answer.status === 404) return undefined;
    return accept(schema.leaderAnswerSchema, jsonOrThrow(answer, '/v2/leader'), 'its leader').leader;
  }

  /** Through a standby it reaches the leader, so it tells about both. */
  async ping(signal?: AbortSignal): Promise<void> {
    await this.calls.read('/ping', signal);
  }

  /** One app with its tasks, deployments, last failure and readiness. @throws APP_MISSING */
  async app(id: string, signal?: AbortSignal): Promise<App> {
    const appId = absoluteAppId(id);
    const embed = EMBEDS.map((name) => `embed=app.${name}`).join('&');
    const answer = await this.calls.read(`/v2/apps${appId}?${embed}`, signal, [404]);
    if (answer.status === 404) throw missingApp(appId, answer);
    const { app } = accept(schema.appAnswerSchema, jsonOrThrow(answer, `/v2/apps${appId}`), `app ${appId}`);
    const found = accept(appSchema, app, `app ${appId}`);
    if (found.id !== appId) throw strange(answer, `asked for app ${appId}, got ${found.id}`);
    return found;
  }

  /** One app just as Marathon shows it, for whoever reads Marathon's own JSON; nothing of it is checked.
   * @throws APP_MISSING */
  async appJson(id: string, signal?: AbortSignal): Promise<unknown> {
    const appId = absoluteAppId(id);
    const answer = await this.calls.read(`/v2/apps${appId}?embed=app.tasks`, signal, [404]);
    if (answer.status === 404) throw missingApp(appId, answer);
    return accept(schema.appAnswerSchema, jsonOrThrow(answer, `/v2/apps${appId}`), `app ${appId}`).app;
  }

  /** All apps, or those that match a label selector, in Marathon's order, each with its tasks, deployments,
   * last failure and readiness: one request, so they are of one moment. An app that can not be read is
   * reported beside the others and does not hide them. */
  async apps({
    label,
    signal,
  }: {
    label?: string | undefined;
    signal?: AbortSignal | undefined;
  } = {}): Promise<{ apps: App[]; unreadable: CertathonError[] }> {
    const query = new URLSearchParams(EMBEDS.map((name): [string, string] => ['embed', `apps.${name}`]));
    if (label !== undefined) query.append('label', label);
    const list = await this.calls.get(`/v2/apps?${query}`, schema.appsAnswerSchema, 'its apps', signal);
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

  /** What labels say, of all apps: thousands of them in one request, of which only this is kept. One that can not
   * be read is left out. */
  async labelledApps(signal?: AbortSignal): Promise<LabelledApp[]> {
    let apps: LabelledApp[] = [];
    let list = jsonElements('apps', () => undefined);
    const into = () => {
      apps = [];
      list = jsonElements('apps', (json) => {
        const app = labelledApp(parseJson(json));
        if (app !== undefined && apps.length <= MOST_ITEMS) apps.push(app);
      });
      return list.take;
    };
    const answer = await this.calls.read('/v2/apps', signal, [], into);
    if (!list.isWhole()) throw strange(answer, '/v2/apps');
    if (apps.length > MOST_ITEMS)
      throw new CertathonError(
        'MARATHON_ANSWER_INVALID',
        `Marathon has more than the ${MOST_ITEMS} apps that are read`,
      );
    return apps;
  }

  /** Times of the kept versions of an app, newest first. @throws APP_MISSING */
  async versions(id: string, signal?: AbortSignal): Promise<string[]> {
    const appId = absoluteAppId(id);
    const answer = await this.calls.read(`/v2/apps${appId}/versions`, signal, [404]);
    if (answer.status === 404) throw missingApp(appId, answer);
    return accept(schema.versionsAnswerSchema, jsonOrThrow(answer, 'versions'), `versions of ${appId}`)
      .versions;
  }

  /** The definition that an app had; without tasks and counts. @throws APP_MISSING */
  async appVersion(id: string, version: string, signal?: AbortSignal): Promise<App> {
    const appId = absoluteAppId(id);
    const path = `/v2/apps${appId}/versions/${encodeURIComponent(version)}`;
    const answer = await this.calls.read(path, signal, [404]);
    if (answer.status === 404) throw missingApp(appId, answer);
    return accept(appSchema, jsonOrThrow(answer, path), `version ${version} of app ${appId}`);
  }

  /** All running deployments. Finished and failed ones vanish. */
  async deployments(signal?: AbortSignal): Promise<Deployment[]> {
    return this.calls.get('/v2/deployments', schema.deploymentsSchema, 'its deployments', signal);
  }

  /** What waits to be launched, and why. */
  async queue(signal?: AbortSignal): Promise<QueueEntry[]> {
    return this.calls.get('/v2/queue', schema.queueSchema, 'its queue', signal);
  }
}
