import { readFileSync } from 'node:fs';
import { dialectOf } from '../../src/lab/marathon/dialect.ts';
import { completeApp } from '../../src/lab/marathon/normalize.ts';
import { readApp } from '../../src/lab/marathon/read-app.ts';
import { taskEnv } from '../../src/lab/marathon/task-env.ts';

export type StockName =
  | 'letsencrypt-dcos'
  | 'letsencrypt-dcos-host'
  | 'marathon-acme'
  | 'letsencrypt-marathon-lb';

/** The definitions that people have of the predecessors, with only the image replaced. Their shape is that of
 * mesosphere/letsencrypt-dcos 1.0.4, dcos-labs/letsencrypt-dcos 1.0.7 (and of its forks with the host's network and
 * names in a variable), praekeltfoundation/marathon-acme 0.6.1 and MaibornWolff/letsencrypt-marathon-lb. */
export function stockDefinition(name: StockName): Record<string, unknown> {
  const file = new URL(`../fixtures/predecessors/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
}

/** What our image is started with from such a definition: its arguments or the image's own, the environment that
 * Marathon and the image give it, and what is mounted.
 * @param change laid over the definition   @param secrets by source */
export function startedFrom(
  name: StockName,
  change: Record<string, unknown> = {},
  secrets: Record<string, string> = {},
): { argv: string[]; env: Record<string, string>; exists: (path: string) => boolean } {
  const definition: Record<string, unknown> = { ...stockDefinition(name), ...change };
  const dialect = dialectOf('1.4.14');
  const app = completeApp(String(definition.id), readApp(definition, dialect, true), dialect);
  const task = { taskId: 'task-1', host: '10.0.0.7', ports: [31_002], sandbox: '/mnt/mesos/sandbox' };
  const docker = app.container?.docker as { parameters?: { key: string; value: string }[] } | undefined;
  const mounted = [
    ...(app.container?.volumes ?? []).map(({ containerPath }) => containerPath),
    ...(docker?.parameters ?? []).map(({ value }) => value.split(':')[1]),
  ];
  return {
    argv: app.args === undefined ? ['serve'] : [...app.args],
    env: { CERTATHON_USER: '1000:1000', ...taskEnv(app, task, secrets) },
    exists: (path) => mounted.includes(path),
  };
}
