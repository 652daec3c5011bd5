import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../../src/lab/cluster.ts';
import { type Ended, newDirectory, start } from './certathon.ts';
import type { Fate, MarathonProxy, Write } from './marathon-proxy.ts';
import { labEnv } from './rollouts.ts';

/** A rollout that is carried on, by one machine after the other, until one of them ends by itself. */
export interface Survived {
  /** Of the machine that lived. */
  ended: Ended;
  kills: number;
}

/** More are needed by none of the rollouts here. */
const MOST_MACHINES = 40;

/** Runs commands until one is not killed. Each runs on a machine of its own: a new process with nothing of the ones
 * before, in another directory, with another home.
 * @param words of the next command, by what is there now */
export async function throughKills(
  lab: Lab,
  proxy: MarathonProxy,
  words: () => Promise<string[]>,
): Promise<Survived> {
  for (let kills = 0; kills < MOST_MACHINES; kills += 1) {
    const ended = await onNewMachine(lab, proxy, await words());
    if (ended.signal === null) return { ended, kills };
  }
  throw new Error(`Not over after ${MOST_MACHINES} machines`);
}

let cache: string | undefined;

/** One command, which may be killed. Compiled code is the only thing that machines share, as it is part of an image. */
export async function onNewMachine(lab: Lab, proxy: MarathonProxy, words: readonly string[]): Promise<Ended> {
  const [home, directory] = [newDirectory(), newDirectory()];
  cache ??= newDirectory();
  const env = {
    ...{ ...labEnv(lab), CERTATHON_MARATHON_URL: proxy.url },
    ...{ HOME: home, TMPDIR: home, NODE_COMPILE_CACHE: cache },
  };
  proxy.admit();
  const machine = start(words, env, undefined, directory);
  proxy.kill = () => machine.kill('SIGKILL');
  return machine.ended;
}

/** Every write meets these fates in turn, the last of which lets it through: `['kill-before', 'kill-after']` kills a
 * writer before each write, and the next one after it. */
export function everyWrite(fates: readonly Fate[]): (write: Write) => Fate {
  let at = 0;
  return () => {
    const fate = fates[at % fates.length] ?? 'pass';
    at += 1;
    return fate;
  };
}

/** A pre-kill hook that kills whoever asks it, while it runs; whoever asks again is agreed to. */
export function killingHook(): { path: string; kills(): number } {
  const directory = newDirectory();
  const [path, isAsked, log] = ['hook', 'asked', 'log'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  const kill = `touch ${isAsked}; echo killed >> ${log}; kill -KILL $PPID; exit 1`;
  writeFileSync(path, `#!/bin/sh\nif [ -e ${isAsked} ]; then rm ${isAsked}; else ${kill}; fi\n`);
  chmodSync(path, 0o755);
  return { path, kills: () => (existsSync(log) ? readFileSync(log, 'utf8').split('\n').length - 1 : 0) };
}

/** Tasks of an app of the lab that were told to end so far, with how many requests each had not answered by then. */
export function toldToEnd(lab: Lab, appId: string): { task: string; running: number }[] {
  const tasks = join(lab.directory, 'tasks');
  const own = readdirSync(tasks).filter((name) => name.startsWith(`${appId.slice(1).replaceAll('/', '_')}.`));
  return own.flatMap((task) => {
    const output = readFileSync(join(tasks, task, 'stdout'), 'utf8');
    const said = /^\{"event":"stopping","running":(\d+)\}$/m.exec(output)?.[1];
    return said === undefined ? [] : [{ task, running: Number(said) }];
  });
}
