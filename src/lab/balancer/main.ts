import { startBalancer } from './balancer.ts';
import { readOptions } from './options.ts';

/** One marathon-lb of the lab, as a task of its Marathon: `node main.ts sse -m URL --health-check --group external`. */
function log(message: string, error?: unknown): void {
  console.error(new Date().toISOString(), message, ...(error === undefined ? [] : [error]));
}

try {
  const balancer = await startBalancer(readOptions(process.argv.slice(2), process.env), process.env, log);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      balancer.kill();
      process.exit(0);
    });
  }
  process.on('SIGHUP', () => balancer.regenerate());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
