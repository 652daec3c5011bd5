import { simulate } from '../certificates/simulate/simulate.ts';
import { hasLapsed, simulationText } from '../certificates/simulate/simulation-text.ts';
import { policyOf } from '../policy.ts';
import type { Running } from '../service.ts';
import { print } from './renew.ts';

/** `certathon plan --simulate`: the planner on a virtual clock, by the options of this installation. Nothing is asked of
 * anybody. @returns 1 when a certificate lapsed */
export function runSimulation({ config, clock }: Running, durationMs: number): number {
  const result = simulate({
    startMs: clock.nowMs(),
    durationMs,
    lifetimeMs: config.lifetimeMs,
    certificates: config.certificates,
    failing: config.failures,
    seed: config.seed,
    policy: policyOf(config),
  });
  print(config.json ? `${JSON.stringify(result, null, 2)}\n` : simulationText(result));
  return hasLapsed(result) ? 1 : 0;
}
