import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BALANCER_IMAGE, sidecarImage, WEB_IMAGE } from './definitions.ts';
import type { Images } from './marathon/command.ts';

const SOURCE = fileURLToPath(new URL('../', import.meta.url));

/** What stands for each docker image: the real program where it is ours, else a stand-in of the lab. The volumes
 * of our definition become the lab's directories, and the address that a container would have to itself is the
 * agent's. */
export function imagesOf(storeDirectory: string, sharedDirectory: string | undefined): Images {
  const node = (...args: string[]) => ({ command: process.execPath, args });
  return {
    [BALANCER_IMAGE]: ({ args }) => node(join(SOURCE, 'lab/balancer/main.ts'), ...args),
    [WEB_IMAGE]: () => node(join(SOURCE, 'lab/web.ts')),
    [sidecarImage()]: ({ args, host, env }) => {
      const program = node(join(SOURCE, 'main.ts'), ...(args.length > 0 ? args : ['serve']));
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
