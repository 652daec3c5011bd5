import { createRequire } from 'node:module';

/** The version of this program, from package.json. */
export const VERSION = (createRequire(import.meta.url)('../../package.json') as { version: string }).version;

/** How this program introduces itself to others. */
export const USER_AGENT = `certathon/${VERSION} (Node.js ${process.versions.node})`;
