import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Inside, insideOf } from './container.ts';
import { BALANCER_IMAGE, sidecarImage, WEB_IMAGE } from './definitions.ts';
import type { Images, ImageTask } from './marathon/command.ts';

const SOURCE = fileURLToPath(new URL('../', import.meta.url));

/** What containers find in place of their volumes, and the names that they know. */
export interface Mounts extends Omit<Inside, 'sandbox'> {
  /** The settings that reach this lab, below those of the definition, as an image of the operator's own has them. */
  settings: () => Readonly<Record<string, string>>;
}

/** What stands for each docker image: the real program where it is ours, else a stand-in of the lab. The volumes
 * of our definition become the lab's directories, and the address that a container would have to itself is the
 * agent's. A definition with one of the volumes in `mounts` gets a container as Docker makes it. */
export function imagesOf(
  storeDirectory: string,
  sharedDirectory: string | undefined,
  mounts: Mounts = { volumes: {}, hosts: {}, settings: () => ({}) },
): Images {
  const node = (...args: string[]) => ({ command: process.execPath, args });
  return {
    [BALANCER_IMAGE]: ({ args }) => node(join(SOURCE, 'lab/balancer/main.ts'), ...args),
    [WEB_IMAGE]: () => node(join(SOURCE, 'lab/web.ts')),
    [sidecarImage()]: (task) => {
      const { args, host, env, sandbox, inside } = task;
      const program = node(join(SOURCE, 'main.ts'), ...(args.length > 0 ? args : ['serve']));
      const mounted = mountedIn(task);
      const volumes = Object.entries(mounts.volumes).filter(([path]) => mounted.includes(path));
      if (volumes.length > 0) {
        const ours = { ...mounts.settings(), CERTATHON_USER: '1000:1000', CERTATHON_BIND: inside };
        // What our image has there itself ends with the container.
        const image = { '/var/lib/certathon': join(sandbox, 'store') };
        return insideOf(
          { ...program, env: ours, isBridged: true },
          { volumes: { ...image, ...Object.fromEntries(volumes) }, hosts: mounts.hosts, sandbox },
        );
      }
      const isMounted = sharedDirectory !== undefined && env.CERTATHON_DIRECTORY !== undefined;
      return {
        // The app's own environment is above this one, so a path inside its container is exchanged on the way.
        ...(isMounted
          ? {
              command: 'env',
              args: [`CERTATHON_DIRECTORY=${sharedDirectory}`, program.command, ...program.args],
            }
          : program),
        env: { CERTATHON_STORE: storeDirectory, CERTATHON_BIND: host },
      };
    },
  };
}

/** Paths inside the container that volumes are mounted at, also those that only Docker is told of. */
function mountedIn({ app: { container } }: ImageTask): string[] {
  const { parameters = [] } = (container?.docker ?? {}) as { parameters?: { key: string; value: string }[] };
  const told = parameters.flatMap(({ key, value }) => (key === 'volume' ? (value.split(':')[1] ?? []) : []));
  const volumes = (container?.volumes ?? []) as { containerPath: string }[];
  return [...volumes.map(({ containerPath }) => containerPath), ...told];
}
