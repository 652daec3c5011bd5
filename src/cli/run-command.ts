import type { Running } from '../service.ts';

/** What a command does with the loaded configuration. @returns the exit status */
export type RunCommand = (running: Running) => Promise<number>;
