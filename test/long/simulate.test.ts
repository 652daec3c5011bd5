import { describe, expect, it } from 'vitest';
import { run } from '../support/certathon.ts';

/** A year with a hundred certificates, as the command tells it. */
async function year(lifetime: string, failures: string, seed: string) {
  const args = ['plan', '--simulate', '365d', '--lifetime', lifetime, '--failures', failures];
  const { exit, stdout } = await run([...args, '--seed', seed, '--json'], {});
  return { exit, result: JSON.parse(stdout) };
}

describe.each(['160h', '45d', '64d', '90d'])('a year of a hundred certificates of %s', (lifetime) => {
  it('never leaves the window of the CA or its limits when nothing fails', async () => {
    const { exit, result } = await year(lifetime, '0', '1');

    expect([exit, result.outsideWindow, result.refused, result.unserved]).toEqual([0, 0, 0, 0]);
    for (const { limit, most, of } of result.used) expect([limit, most <= of]).toEqual([limit, true]);
  }, 900_000);

  it.each(['1', '2', '3'])(
    'never has less than a twentieth left when one of twenty fails, by seed %s',
    async (seed) => {
      const { exit, result } = await year(lifetime, '5%', seed);

      console.log(
        `${lifetime}, seed ${seed}: ${result.renewals} renewals, ${result.failedOrders} failed, least left ${(result.leastLeft * 100).toFixed(1)} %`,
      );
      expect([exit, result.unserved]).toEqual([0, 0]);
      expect(result.leastLeft).toBeGreaterThanOrEqual(1 / 20);
    },
    900_000,
  );
});
