import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { keyLines, listing, removeDirectories, run } from '../support/certathon.ts';
import { appOf, mark, writesSince } from '../support/lab.ts';
import { type Place, type PlacedLab, startPlacedLab } from '../support/place.ts';

let placed: PlacedLab;
let place: Place;
let before: { files: Record<string, string>; since: string };

beforeAll(async () => {
  placed = await startPlacedLab(1);
  place = await placed.place();
  const first = await run(['renew'], place.env);
  expect(first.exit, first.stderr).toBe(0);
  before = { files: listing(place.store), since: mark() };
});
afterAll(async () => {
  await placed?.lab.stop();
  removeDirectories();
});

const nothingHappened = (): void => {
  expect(writesSince(placed.lab, before.since)).toEqual([]);
  expect(listing(place.store)).toEqual(before.files);
};

it('renew with nothing due says so, and writes nothing', async () => {
  const again = await run(['renew'], place.env);

  expect([again.exit, again.stdout]).toEqual([0, expect.stringContaining('nothing to do')]);
  expect(writesSince(placed.lab, before.since)).toEqual([]);
});

it('renew --dry-run --now prints what it would do, and changes nothing', async () => {
  before.files = listing(place.store);
  const dry = await run(['renew', '--dry-run', '--now'], place.env);

  expect(dry.exit).toBe(0);
  expect(dry.stdout.split('\n')[0]).toBe(`would order (forced): names ${place.name}`);
  expect(dry.stdout).toContain('would deliver (issued): ');
  nothingHappened();
});

it('plan --json with a store that is not there plans to read the certificate back, and makes no directory', async () => {
  const directory = placed.lab.directory;
  const plan = await run(['plan', '--json'], { ...place.env, CERTATHON_STORE: `${directory}/nowhere` });

  const { fingerprint } = JSON.parse(plan.stdout).planned[0];
  expect(JSON.parse(plan.stdout)).toMatchObject({
    names: [place.name],
    planned: [{ do: 'adopt', reason: 'valid-in-place' }],
    done: [],
    problems: [],
    exitStatus: 0,
  });
  expect(fingerprint).toMatch(/^[0-9a-f]{64}$/);
  expect(readdirSync(directory)).not.toContain('nowhere');
  for (const line of keyLines(place.store)) expect(plan.stdout + plan.stderr).not.toContain(line);
  nothingHappened();
});

it('renew --now renews before it is due', async () => {
  const held = (await appOf(placed.lab, place.app)).env.HAPROXY_SSL_CERT;
  const renewed = await run(['renew', '--now'], place.env);

  expect(renewed.exit, renewed.stderr).toBe(0);
  expect(renewed.stdout).toContain('order (forced)');
  expect((await appOf(placed.lab, place.app)).env.HAPROXY_SSL_CERT).not.toBe(held);
});
