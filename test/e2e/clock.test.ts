import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { events, newDirectory, removeDirectories, run } from '../support/certathon.ts';
import { passInProcess } from '../support/in-process.ts';
import { mark, ordersAtCa, requestsAtCa, writesSince } from '../support/lab.ts';
import { type PlacedLab, startPlacedLab } from '../support/place.ts';

let placed: PlacedLab;
beforeAll(async () => {
  placed = await startPlacedLab(1);
});
afterAll(async () => {
  await placed?.lab.stop();
  removeDirectories();
});

test('a certificate that only our wrong clock calls due is not ordered again: CLOCK_WRONG', async () => {
  const { lab } = placed;
  const place = await placed.place();
  await run(['renew'], place.env);
  const [since, orders] = [mark(), ordersAtCa(lab)];
  const yearsMs = 4.9 * 365 * 86_400_000;
  const ahead = { ...systemClock, nowMs: () => Date.now() + yearsMs };

  const { result, lines } = await passInProcess(place.env, () => undefined, { clock: ahead });

  expect(result.exitStatus).toBe(40);
  expect(result.problems).toMatchObject([
    { code: 'CLOCK_WRONG', message: expect.stringMatching(/\d+ s ahead of the CA's/) },
  ]);
  expect(events({ lines }, 'clock.skewed')).toHaveLength(1);
  expect(ordersAtCa(lab)).toBe(orders);
  expect(writesSince(lab, since)).toEqual([]);
});

test('a clock that is behind neither orders anew nor takes a good certificate for a bad one', async () => {
  const { lab } = placed;
  const place = await placed.placeWithoutTasks();
  const behind = { ...systemClock, nowMs: () => Date.now() - 30 * 86_400_000 };
  const env = {
    ...place.env,
    CERTATHON_DELIVERY_TIMEOUT: '1s',
    // Questions about the time of a renewal are no orders.
    CERTATHON_IGNORE_RENEWAL_INFO: 'true',
    CERTATHON_STORE: join(newDirectory(), 'store'),
  };

  const first = await passInProcess(env, () => undefined, { clock: behind });
  const asked = requestsAtCa(lab);
  const again = await passInProcess(env, () => undefined, { clock: behind });

  expect(first.result.done.map((step) => step.do)).toEqual(['order']);
  expect(again.result.problems.map(({ code }) => code)).toContain('CLOCK_WRONG');
  expect(requestsAtCa(lab)).toBe(asked);
});
