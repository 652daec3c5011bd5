import type { AppDefinition } from './definitions.ts';
import type { LabMarathon } from './marathon/start.ts';

export type CallApi = (
  method: string,
  path: string,
  body?: unknown,
) => Promise<{ status: number; body: unknown }>;

/** Calls of Marathon's API with the lab's own credentials. */
export function callApi(marathon: LabMarathon): CallApi {
  const authorization = `Basic ${Buffer.from(`${marathon.user}:${marathon.password}`).toString('base64')}`;
  return async (method, path, body) => {
    const answer = await fetch(`${marathon.url}${path}`, {
      method,
      headers: {
        accept: 'application/json',
        'content-type': 'application/json',
        ...(marathon.user === '' ? {} : { authorization }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) };
  };
}

/** Adds an app and waits until as many tasks as it wants are up: healthy, where it has health checks. */
export async function runApp(api: CallApi, app: AppDefinition, withinMs: number): Promise<void> {
  const created = await api('POST', '/v2/apps', app);
  if (created.status !== 201)
    throw new Error(`Marathon refused ${app.id}: ${created.status} ${JSON.stringify(created.body)}`);
  const deadline = Date.now() + withinMs;
  for (;;) {
    const { body } = await api('GET', `/v2/apps${app.id}`);
    const seen = (
      body as {
        app: {
          tasksHealthy: number;
          tasksRunning: number;
          instances: number;
          healthChecks?: unknown[];
          deployments: unknown[];
        };
      }
    ).app;
    const up = (seen.healthChecks ?? []).length === 0 ? seen.tasksRunning : seen.tasksHealthy;
    if (up >= seen.instances && seen.deployments.length === 0) return;
    if (Date.now() > deadline)
      throw new Error(
        `${app.id} has ${up} of ${seen.instances} tasks up after ${withinMs / 1000} s; their output is in their sandboxes`,
      );
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
