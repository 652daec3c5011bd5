import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ended, printed, removeDirectories, run, start } from '../support/certathon.ts';
import { installed } from '../support/installed.ts';
import { appOf, change, mark, settled, shownByAll, writesSince } from '../support/lab.ts';
import { type Place, type PlacedLab, startPlacedLab } from '../support/place.ts';
import { watchServed } from '../support/served.ts';
import { until } from '../support/until.ts';
import { longDescribe, longTest } from '../support/whole.ts';

const held = installed('shop.example.com');
let placed: PlacedLab;
beforeAll(async () => {
  placed = await startPlacedLab(4, {
    balancers: 2,
    balancerApp: { env: { HAPROXY_SSL_CERT: held.variable } },
  });
});
afterAll(async () => {
  await placed?.lab.stop();
  removeDirectories();
});

/** A balancer that would be started beside the old one, on an agent that is taken. */
const stuck = () =>
  placed.place({
    env: { HAPROXY_SSL_CERT: held.variable, KEPT: 'yes' },
    upgradeStrategy: { minimumHealthCapacity: 0.5, maximumOverCapacity: 0.2 },
  });
const strategyOf = async (app: string) => {
  const { body } = await placed.lab.api('GET', `/v2/apps${app}`);
  return (body as { app: { upgradeStrategy: unknown } }).app.upgradeStrategy;
};
const lineOf = ({ stdout }: Ended, code: string) =>
  stdout.split('\n').find((line) => line.split(/\s+/)[1] === code) ?? '';
const writesOf = (since: string) =>
  writesSince(placed.lab, since).map(({ method, path }) => `${method} ${path}`);

describe('certathon doctor', () => {
  it('finds two balancers well, tells how they will restart and who reads the key, and changes nothing', async () => {
    const { env } = await placed.placeWithoutTasks();
    const since = mark();

    const ended = await run(['doctor'], { ...env, CERTATHON_MARATHON_LB_APP: '/marathon-lb' });

    expect(ended.exit, ended.stdout + ended.stderr).toBe(0);
    expect(lineOf(ended, 'MARATHON')).toMatch(/^ok {4}MARATHON .*Marathon 1\.8\.\d+ answers/);
    expect(lineOf(ended, 'APP')).toMatch(/^ok .* 2 of 2 balancers run, on 127\./);
    expect(lineOf(ended, 'RESTART')).toMatch(
      /^ok .*one at a time: at least 1 of 2 balancers serve meanwhile/,
    );
    expect(lineOf(ended, 'HEALTH_CHECK')).toMatch(/^ok /);
    expect(lineOf(ended, 'SIZE')).toMatch(/^ok .*HAPROXY_SSL_CERT has \d+ of 122880 bytes/);
    expect(lineOf(ended, 'KEY_READERS')).toMatch(/^note .*everybody who may read the app in Marathon/);
    expect(writesOf(since)).toEqual([]);
  });

  it('prints the same for programs', async () => {
    const { env } = await placed.placeWithoutTasks();

    const ended = await run(['doctor', '--json'], { ...env, CERTATHON_MARATHON_LB_APP: '/marathon-lb' });

    const report = JSON.parse(ended.stdout) as {
      checks: { code: string; level: string }[];
      fixes: unknown[];
    };
    expect(report.fixes).toEqual([]);
    expect(report.checks).toContainEqual(
      expect.objectContaining({ code: 'RESTART', level: 'ok', app: '/marathon-lb' }),
    );
  });

  it.each([
    ['Marathon does not know us', 14, 'MARATHON', { CERTATHON_MARATHON_PASSWORD: 'not-this-one' }],
    ['the app is missing', 16, 'APP', { CERTATHON_MARATHON_LB_APP: '/nobody' }],
  ])('says when %s, with the status %i', async (_what, exit, code, changes) => {
    const { env } = await placed.placeWithoutTasks();

    const ended = await run(['doctor'], { ...env, ...changes });

    expect(ended.exit).toBe(exit);
    expect(lineOf(ended, code)).toMatch(/^fail /);
  });

  it('refuses options that contradict each other or belong elsewhere', async () => {
    const { env } = await placed.placeWithoutTasks();

    const both = await run(['doctor', '--fix', '--apply'], env);
    const elsewhere = await run(['plan'], { ...env, CERTATHON_APPLY: 'true' });

    expect([both.exit, elsewhere.exit]).toEqual([2, 2]);
    expect(elsewhere.stderr).toContain('apply (env CERTATHON_APPLY) means nothing to plan');
  });
});

describe('a balancer whose restart would never end', () => {
  let place: Place;
  beforeAll(async () => {
    place = await stuck();
  });

  it('fails with 37 and says why', async () => {
    const ended = await run(['doctor'], place.env);

    expect(ended.exit, ended.stderr).toBe(37);
    expect(lineOf(ended, 'RESTART')).toMatch(/^fail .*minimumHealthCapacity 0\.5 .*the restart never ends/);
    expect(ended.stdout).toContain('certathon doctor --fix');
  });

  it('has a fix that is printed as the body of a PUT, with what it costs', async () => {
    const since = mark();

    const ended = await run(['doctor', '--fix'], place.env);

    const lines = ended.stdout.trimEnd().split('\n');
    expect(ended.exit).toBe(0);
    expect(JSON.parse(lines.at(-1) ?? '')).toEqual({
      upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 },
    });
    expect(lines[0]).toContain('upgradeStrategy.minimumHealthCapacity 0.5 → 0');
    expect(lines[0]).toMatch(
      /restarts the balancers once, by the new values: .*nobody serves for about \d+ s/,
    );
    expect(writesOf(since)).toEqual([]);
  });

  it('is not changed when nobody can be asked', async () => {
    const since = mark();

    const ended = await run(['doctor', '--apply'], place.env);

    expect(ended.exit).toBe(2);
    expect(ended.stderr).toContain('there is no terminal to ask on: add --yes');
    expect(writesOf(since)).toEqual([]);
  });

  it('is changed by --apply --yes: by one write, proven, and well afterwards', async () => {
    const before = await appOf(placed.lab, place.app);
    const since = mark();

    const ended = await run(['doctor', '--apply', '--yes'], place.env);

    expect(ended.exit, ended.stdout + ended.stderr).toBe(0);
    expect(ended.stdout).toContain('upgradeStrategy.minimumHealthCapacity 0.5 → 0');
    expect(ended.stdout).toContain(
      `${place.app} is changed, and every balancer serves what it served before.`,
    );
    expect(writesOf(since)).toEqual([`PUT /v2/apps${place.app}`]);
    expect(await strategyOf(place.app)).toEqual({ minimumHealthCapacity: 0, maximumOverCapacity: 0 });
    expect((await appOf(placed.lab, place.app)).env).toEqual(before.env);
    const shown = await shownByAll(placed.lab, place.app, 'shop.example.com');
    expect(shown.map(({ fingerprint }) => fingerprint)).toEqual([held.fingerprint]);

    const after = await run(['doctor'], place.env);
    const nothing = await run(['doctor', '--apply', '--yes'], place.env);

    expect(after.exit).toBe(0);
    expect(lineOf(after, 'RESTART')).toMatch(/^warn .*nobody serves for about/);
    expect(nothing.stdout).toContain('Nothing to apply');
  });
});

describe('two balancers that would be stopped together', () => {
  it('are changed one after the other by the new strategy: one serves at every moment', async () => {
    const { lab } = placed;
    const { env } = await placed.placeWithoutTasks();
    await change(lab, '/marathon-lb', {
      upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 },
    });
    await settled(lab, '/marathon-lb');
    const about = { ...env, CERTATHON_MARATHON_LB_APP: '/marathon-lb' };
    const before = await run(['doctor'], about);
    const watch = watchServed(lab, lab.publicAgents.slice(0, 2), 'shop.example.com');

    const ended = await run(['doctor', '--apply', '--yes', '--json'], about);
    const moments = await watch.stop();

    expect(lineOf(before, 'RESTART')).toMatch(/^warn .*stops all 2 balancers that serve/);
    expect(ended.exit, ended.stdout + ended.stderr).toBe(0);
    expect(JSON.parse(ended.stdout)).toMatchObject({ applied: [{ app: '/marathon-lb' }] });
    expect(await strategyOf('/marathon-lb')).toEqual({ minimumHealthCapacity: 0.5, maximumOverCapacity: 0 });
    expect(moments.length).toBeGreaterThan(5);
    expect(moments.every((moment) => moment.some((seen) => seen === held.fingerprint))).toBe(true);
  });
});

/** The program on a terminal of its own, where a person types. */
function typed(answer: string, env: Record<string, string>): Promise<string> {
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
  return new Promise((resolve) => {
    const child = execFile(
      'script',
      ['-q', '-e', '-c', `${process.execPath} ${main} doctor --apply`, '/dev/null'],
      { env: { PATH: process.env.PATH ?? '', HOME: tmpdir(), ...env } },
      (_error, stdout) => resolve(stdout),
    );
    let isAnswered = false;
    child.stdout?.on('data', (chunk) => {
      if (isAnswered || !String(chunk).includes('[y/N]')) return;
      isAnswered = true;
      child.stdin?.write(`${answer}\n`);
    });
  });
}

longDescribe('on a terminal', () => {
  it('it asks, and changes only what was agreed to', async () => {
    const place = await stuck();
    const since = mark();

    const no = await typed('no', place.env);
    const writes = writesOf(since);
    const yes = await typed('y', place.env);
    printed.push(no, yes);

    expect(no).toContain('Nothing was changed.');
    expect(writes).toEqual([]);
    expect(yes).toContain('every balancer serves what it served before');
    expect(writesOf(since)).toEqual([`PUT /v2/apps${place.app}`]);
  });
});

longTest('a change that never becomes healthy is taken back, and says what is served', async () => {
  const place = await stuck();
  const { faults } = placed.lab.marathon;
  const [old] = placed.lab.marathon.tasks(place.app);
  const since = mark();
  faults.set({ neverHealthy: place.app });

  const running = start(['doctor', '--apply', '--yes'], { ...place.env, CERTATHON_DELIVERY_TIMEOUT: '10s' });
  await until('the new task runs', () => {
    const [task] = placed.lab.marathon.tasks(place.app);
    return task !== undefined && task.id !== old?.id;
  });
  // Only that one is ill; what the undo starts is well.
  faults.set({ neverHealthy: null });
  const ended = await running.ended;

  expect(ended.exit, ended.stdout + ended.stderr).toBe(33);
  expect(ended.stderr).toContain('1 new task runs but does not become healthy; the change was taken back');
  expect(ended.stderr).toContain('1 of 1 balancers serve what they served before');
  expect(writesOf(since)[0]).toBe(`PUT /v2/apps${place.app}`);
  await settled(placed.lab, place.app);
  expect(await strategyOf(place.app)).toEqual({ minimumHealthCapacity: 0.5, maximumOverCapacity: 0.2 });
});

it('an app that somebody else deploys is waited for', async () => {
  const place = await stuck();
  const { faults } = placed.lab.marathon;
  const since = mark();
  faults.set({ foreignDeployment: place.app });

  const running = start(['doctor', '--apply', '--yes', '--log-level', 'info'], place.env);
  const waiting = await running.logged('delivery.waiting');
  const writes = writesOf(since);
  faults.set({ foreignDeployment: null });
  const ended = await running.ended;

  expect(waiting.reason).toBe('locked');
  expect(writes).toEqual([]);
  expect(ended.exit, ended.stderr).toBe(0);
  expect(await strategyOf(place.app)).toEqual({ minimumHealthCapacity: 0, maximumOverCapacity: 0 });
});

it('no key is in anything that was printed', () => {
  const lines = held.pem.split('\n').filter((line) => /^[A-Za-z0-9+/=]{16,}$/.test(line));
  const keyStart = held.pem.slice(held.pem.indexOf('PRIVATE KEY')).split('\n');
  const key = lines.filter((line) => keyStart.includes(line));
  const all = printed.join('\n');

  expect(printed.length).toBeGreaterThan(10);
  expect(key.length).toBeGreaterThan(10);
  expect(key.filter((line) => all.includes(line))).toEqual([]);
});
