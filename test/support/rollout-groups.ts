import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../../src/lab/cluster.ts';
import type { AppDefinition } from '../../src/lab/definitions.ts';
import { type MixedLoad, startMixedLoad } from '../../src/lab/load-mixed.ts';
import { type Certathon, newDirectory, start } from './certathon.ts';
import { appFile, exampleApp, instancesOf, labEnv } from './rollouts.ts';
import { until } from './until.ts';

/** One deployment group of a lab, with an app of two instances on a port of its own, so that several groups of one lab
 * do not meet. */
export interface RolloutGroup {
  name: string;
  port: number;
  /** Its JSON as an operator writes it; a `VERSION` that differs is another release. */
  app(change?: Partial<AppDefinition>): AppDefinition;
  /** `certathon rollout start app.json --yes …` */
  start(app: AppDefinition, ...words: string[]): Certathon;
  /** `certathon rollout resume|abort GROUP --yes …` */
  goOn(how: 'resume' | 'abort', ...words: string[]): Certathon;
  /** Numbers of instances, by the last word of the app's id: `{ blue: 2 }`. */
  sizes(): Promise<Record<string, number>>;
  /** Ids of the living tasks of a colour, in order. */
  tasks(colour: string): string[];
  /** Users of the app at these balancers. */
  users(addresses?: readonly string[]): MixedLoad[];
}

const OFTEN = {
  ...{ gracePeriodSeconds: 30, intervalSeconds: 0.25 },
  ...{ timeoutSeconds: 2, maxConsecutiveFailures: 3 },
};
const USERS_PER_SECOND = 10;
const LONGEST_SECONDS = 170;

export function rolloutGroup(
  lab: Lab,
  name: string,
  port: number,
  base: Partial<AppDefinition> = {},
): RolloutGroup {
  const id = `/${name.replace(/^\//, '')}`;
  const mapping = { containerPort: 80, hostPort: 0, servicePort: port };
  const healthChecks = [{ protocol: 'HTTP', path: '/health', portIndex: 0, ...OFTEN }];
  const app: RolloutGroup['app'] = (change = {}) => ({
    ...exampleApp({
      ...{ id, instances: 2, healthChecks, taskKillGracePeriodSeconds: 2 },
      container: { type: 'DOCKER', docker: { image: 'nginx:stable' }, portMappings: [mapping] },
      ...base,
      ...change,
    }),
    labels: {
      ...{ HAPROXY_GROUP: 'external', HAPROXY_DEPLOYMENT_GROUP: name },
      HAPROXY_DEPLOYMENT_ALT_PORT: String(port + 1),
      ...base.labels,
      ...change.labels,
    },
  });
  return {
    ...{ name, port, app },
    start: (definition, ...words) =>
      start(['rollout', 'start', appFile(definition), '--yes', ...words], labEnv(lab)),
    goOn: (how, ...words) => start(['rollout', how, name, '--yes', ...words], labEnv(lab)),
    sizes: async () => {
      const found = await instancesOf(lab, name.replace(/^\//, ''));
      return Object.fromEntries(Object.entries(found).map(([each, size]) => [colourOf(each), size]));
    },
    tasks: (colour) => {
      const living = lab.marathon.tasks(`${id}-${colour}`).filter((task) => !task.isDying);
      return living.map((task) => task.id).sort();
    },
    users: (addresses = lab.publicAgents.slice(0, 2)) =>
      addresses.map((address) =>
        startMixedLoad({
          ...{ address, port, plain: true, ratePerSecond: USERS_PER_SECOND, maxSeconds: LONGEST_SECONDS },
          ...{ maxRequests: USERS_PER_SECOND * LONGEST_SECONDS, timeoutMs: 10_000, lastingSeconds: 0.5 },
        }),
      ),
  };
}

function colourOf(appId: string): string {
  return appId.split('-').at(-1) ?? appId;
}

/** A pre-kill hook that a test opens and closes: it waits until it is told what to say. */
export interface Gate {
  path: string;
  /** Waits until it is asked for the so-manieth time. @returns its pid */
  asked(times?: number): Promise<number>;
  /** What it says from now on to whoever asks, and to who waits. */
  answer(status: number): void;
}

/** @param answered how many it agrees to by itself before it waits */
export function gate(answered = 0): Gate {
  const directory = newDirectory();
  const [path, calls, word] = ['hook', 'calls', 'word'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(calls, '');
  writeFileSync(
    path,
    [
      '#!/bin/sh',
      `echo $$ >> ${calls}`,
      `[ "$(wc -l < ${calls})" -gt ${answered} ] || exit 0`,
      `while [ ! -s ${word} ]; do sleep 0.05; done`,
      `exit "$(cat ${word})"`,
      '',
    ].join('\n'),
  );
  chmodSync(path, 0o755);
  return {
    path,
    asked: (times = answered + 1) =>
      until(`the hook is asked ${times} times`, () => {
        const pid = readFileSync(calls, 'utf8').split('\n').slice(0, -1)[times - 1];
        return pid !== undefined && Number(pid);
      }),
    answer: (status) => writeFileSync(word, String(status)),
  };
}
