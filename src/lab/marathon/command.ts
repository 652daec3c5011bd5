import { join } from 'node:path';
import { type App, isHostMode } from './app.ts';
import { taskEnv } from './task-env.ts';
import type { Command } from './task-process.ts';
import type { Task } from './tracker.ts';

/** What an image is told about the task that it shall become a program for. */
export interface ImageTask {
  app: App;
  args: string[];
  env: Record<string, string>;
  host: string;
  ports: number[];
  /** The address of its container; that of the agent on the host's network. */
  inside: string;
  sandbox: string;
}

export interface ImageCommand {
  command: string;
  args: string[];
  /** Below everything else, like the ENV lines of a Dockerfile. */
  env?: Record<string, string>;
  cwd?: string;
  /** It listens at the ports of its container, at the address inside, and the agent leads its ports there. Otherwise it
   * listens at those of the agent itself. */
  isBridged?: boolean;
}

/** The program that stands for each docker image. It is asked for `cmd` too, which it finds in the app. */
export type Images = Readonly<Record<string, (task: ImageTask) => ImageCommand>>;

/** What to run for a task: its image's program, else `cmd` through a shell, else `args` without one.
 * @throws Error when the image is not in the table and there is nothing else to run */
export function commandOf(task: Task, images: Images, secrets: Readonly<Record<string, string>>): Command {
  const { app, sandbox, slot } = task;
  const facts = { taskId: task.id, host: slot.agent.host, ports: slot.ports, sandbox };
  const env = { ...baseEnv(), ...taskEnv(app, facts, secrets) };
  const args = app.args ?? [];
  const image = app.container?.docker?.image;
  const program = image === undefined ? undefined : images[image];
  if (program) {
    const { host, ports } = facts;
    const inside = isHostMode(app) ? host : slot.inside;
    const run = program({ app, args, env, host, ports, inside, sandbox });
    const mappings = run.isBridged && !isHostMode(app) ? (app.container?.portMappings ?? []) : [];
    return {
      forwards: mappings.flatMap(({ containerPort }, index) => {
        const port = ports[index];
        return port === undefined ? [] : [{ host, port, toHost: inside, toPort: containerPort || port }];
      }),
      command: run.command,
      args: run.args,
      cwd: run.cwd ?? sandbox,
      env: { ...run.env, ...env },
      sandbox,
    };
  }
  if (app.cmd !== undefined) return { command: '/bin/sh', args: ['-c', app.cmd], cwd: sandbox, env, sandbox };
  const [command, ...rest] = args;
  if (command === undefined || image !== undefined) throw new Error(`Failed to pull image '${image}'`);
  return { command, args: rest, cwd: sandbox, env, sandbox };
}

const CRASH_AFTER_SECONDS = 0.1;

/** A fault: what runs for a task that shall exit with status 1 shortly after its start. */
export const crashingInstead = (command: Command): Command => ({
  ...command,
  command: '/bin/sh',
  args: ['-c', `sleep ${CRASH_AFTER_SECONDS}; exit 1`],
});

export const sandboxOf = (workDirectory: string, taskId: string) => join(workDirectory, taskId);

/** Tasks see little of the lab's own environment: a real agent shares nothing with the master either. */
function baseEnv(): Record<string, string> {
  const base: Record<string, string> = {};
  for (const name of ['PATH', 'HOME', 'NODE_COMPILE_CACHE']) {
    const value = process.env[name];
    if (value !== undefined) base[name] = value;
  }
  return base;
}
