import { serve } from '../service.ts';
import type { RunCommand } from './run-command.ts';

/** `certathon serve` */
export const runServe: RunCommand = async (running) => {
  await serve(running);
  return 0;
};
