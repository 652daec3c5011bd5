import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Lab, startLab } from '../../src/lab/cluster.ts';
import type { MixedLoad } from '../../src/lab/load-mixed.ts';
import { events, removeDirectories } from '../support/certathon.ts';
import {
  answersBy,
  exampleApp,
  instancesOf,
  rollout,
  startUsers,
  usersGone,
  zdd,
} from '../support/rollouts.ts';

let lab: Lab;
let users: MixedLoad[] = [];
const version = (name: string) => exampleApp({ env: { VERSION: name } });

beforeAll(async () => {
  lab = await startLab();
});

afterAll(async () => {
  await usersGone(users);
  await lab?.stop();
  removeDirectories();
});

describe('the command lines of marathon-lb’s manual, under load', () => {
  it('deploys the example for the first time, as blue', async () => {
    const ended = await zdd(lab, version('v1'));

    expect(ended).toMatchObject({ exit: 0, stdout: expect.stringMatching(/complete; blue serves\n$/) });
    expect(await instancesOf(lab)).toEqual({ '/nginx-blue': 10 });
    users = startUsers(lab);
  });

  it('--new-instances 2 gives 8 to 2, at the client too', async () => {
    const ended = await zdd(lab, version('v2'), '--new-instances', '2');

    expect(ended).toMatchObject({ exit: 0, stdout: expect.stringMatching(/split; both colours serve\n$/) });
    expect(await instancesOf(lab)).toEqual({ '/nginx-blue': 8, '/nginx-green': 2 });
    const answers = await answersBy(lab, 200);
    expect(answers['/nginx-green']).toBeGreaterThanOrEqual(36);
    expect(answers['/nginx-green']).toBeLessThanOrEqual(44);
    expect(answers['/nginx-blue']).toBe(200 - (answers['/nginx-green'] ?? 0));
  });

  it('refuses a further deploy in this state, and says what each way out does', async () => {
    const ended = await zdd(lab, version('v3'));

    expect(ended.exit).toBe(50);
    expect(ended.stderr).toContain('ROLLOUT_ACTIVE');
    expect(ended.stderr).toContain('makes /nginx-green serve alone');
    expect(ended.stderr).toContain('goes back to /nginx-blue');
    expect(await instancesOf(lab)).toEqual({ '/nginx-blue': 8, '/nginx-green': 2 });
  });

  it('shows where the group stands', async () => {
    const ended = await rollout(lab, 'status', 'nginx', '--json');

    expect(ended.exit).toBe(0);
    expect(JSON.parse(ended.stdout)).toMatchObject([
      { group: 'nginx', state: 'split', progress: { serves: 'both', target: 10, newInstances: 2 } },
    ]);
  });

  it('--complete-prev deletes the new app', async () => {
    const ended = await zdd(lab, version('v2'), '--complete-prev');

    expect(ended).toMatchObject({ exit: 0, stdout: expect.stringMatching(/reverted; blue serves\n$/) });
    expect(await instancesOf(lab)).toEqual({ '/nginx-blue': 10 });
  });

  it('--complete-cur deletes the old app', async () => {
    const split = await zdd(lab, version('v2'), '--new-instances', '2');

    const ended = await zdd(lab, version('v2'), '--complete-cur');

    expect(split.exit).toBe(0);
    expect(ended).toMatchObject({ exit: 0, stdout: expect.stringMatching(/complete; green serves\n$/) });
    expect(await instancesOf(lab)).toEqual({ '/nginx-green': 10 });
  });

  it('--complete-cur and --complete-prev without a split end with zdd.py’s status 3', async () => {
    const ended = await Promise.all([
      zdd(lab, version('v2'), '--complete-cur'),
      zdd(lab, version('v2'), '--complete-prev'),
    ]);

    expect(ended.map(({ exit }) => exit)).toEqual([3, 3]);
  });

  it('deploys the next version, as blue again, by zdd.py’s ladder', async () => {
    const ended = await zdd(lab, version('v4'));

    expect(ended).toMatchObject({ exit: 0, stdout: expect.stringMatching(/complete; blue serves\n$/) });
    expect(await instancesOf(lab)).toEqual({ '/nginx-blue': 10 });
    const scaled = events(ended, 'rollout.step').filter((line) => line.do === 'scale');
    expect(scaled.map((line) => line.instances)).toEqual([2, 3, 5]);
  });

  it('tells the history, whoever deployed', async () => {
    const ended = await rollout(lab, 'history', 'nginx', '--json');

    expect(JSON.parse(ended.stdout)).toMatchObject([
      { colour: 'blue', instances: 10, serves: true },
      { colour: 'green', serves: false },
      { colour: 'blue', serves: false },
    ]);
  });

  it('has lost no request from the first deploy on', async () => {
    const reports = await usersGone(users);

    expect(reports.map(({ failures }) => failures)).toEqual([[], []]);
    for (const { requests } of reports) expect(requests).toBeGreaterThan(500);
  });

  it('never wrote by force', () => {
    const forced = lab.marathon.requests().filter(({ query }) => /force=true/.test(query));

    expect(forced).toEqual([]);
  });
});
