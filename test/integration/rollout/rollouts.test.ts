import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { type Lab, startLab } from '../../../src/lab/cluster.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { type RolloutOutcome, type RolloutUi, startRollout } from '../../../src/rollouts.ts';
import { newDirectory, removeDirectories } from '../../support/certathon.ts';
import { answersBy, appFile, exampleApp, instancesOf, labEnv } from '../../support/rollouts.ts';

let lab: Lab;

beforeAll(async () => {
  lab = await startLab();
});
afterEach(() => {
  lab.marathon.faults.set({ foreignDeployment: null, noLeader: false });
});
afterAll(async () => {
  await lab?.stop();
  removeDirectories();
});

/** Rolls the example out with one instance, in this process. @param seen called at each look */
function start(
  name: string,
  flags: Record<string, unknown> = {},
  seen: RolloutUi['progress'] = () => undefined,
): Promise<RolloutOutcome> {
  const app = appFile(exampleApp({ instances: 1, env: { VERSION: name } }));
  const { config } = loadConfig({
    command: 'rollout start',
    flags: { app, stepDelay: '100ms', ...flags },
    env: labEnv(lab),
  });
  const { signal } = new AbortController();
  return startRollout(
    { config, clock: systemClock, log: silentLog, signal },
    { notice: () => undefined, planned: () => undefined, progress: seen, confirm: async () => true },
  );
}

const tasksOf = (id: string) => lab.marathon.tasks(id).map((task) => task.id);
const writes = () =>
  lab.marathon
    .requests()
    .filter(({ method }) => method !== 'GET')
    .map(({ method, path }) => `${method} ${path}`);

describe('a rollout of a single instance', () => {
  it('is over at the first time when its task is healthy and every balancer sends it requests', async () => {
    const outcome = await start('v1');

    expect(outcome).toMatchObject({ state: 'complete', sentence: expect.stringContaining('blue serves') });
    expect(await answersBy(lab, 6)).toEqual({ '/nginx-blue': 6 });
  });

  it('asks the hook before the only task of the old colour goes, and goes back when that says no', async () => {
    const [task] = tasksOf('/nginx-blue');
    const hook = join(newDirectory(), 'hook');
    writeFileSync(hook, '#!/bin/sh\nprintf "%s\\n" "$2" >> "$0.asked"\necho "ask Bob" >&2\nexit 1\n');
    chmodSync(hook, 0o755);

    await expect(start('v2', { preKillHook: hook })).rejects.toMatchObject({
      code: 'ROLLOUT_HOOK_FAILED',
      message: expect.stringMatching(/status 1: ask Bob; it was rolled back: .*; blue serves$/),
    });
    expect(readFileSync(`${hook}.asked`, 'utf8')).toBe(`["${task}"]\n`);
    expect(await instancesOf(lab)).toEqual({ '/nginx-blue': 1 });
    expect(tasksOf('/nginx-blue')).not.toEqual([]);
  });

  it('waits for the deployment of somebody else that holds the old colour', async () => {
    const before = writes().length;
    let looks = 0;
    const outcome = start('v2', {}, ({ step }) => {
      looks += 1;
      if (looks === 1) lab.marathon.faults.set({ foreignDeployment: '/nginx-blue' });
      if (step.do === 'wait' && step.reason.includes('/nginx-blue is being deployed'))
        lab.marathon.faults.set({ foreignDeployment: null });
    });

    await expect(outcome).resolves.toMatchObject({ state: 'complete' });
    expect(lab.marathon.faults.settings.foreignDeployment).toBeNull();
    expect(writes().slice(before)).toEqual(['POST /v2/apps', 'DELETE /v2/apps/nginx-blue']);
  });

  it('is over when the tasks of the old colour have ended', async () => {
    await start('v3');

    expect(await instancesOf(lab)).toEqual({ '/nginx-blue': 1 });
    expect(tasksOf('/nginx-green')).toEqual([]);
  });

  it('begins once, when two begin it in one moment', async () => {
    const both = await Promise.allSettled([start('v4'), start('v4')]);

    const [won, lost] = both.sort((a, b) => (a.status < b.status ? -1 : 1));
    expect(won).toMatchObject({ status: 'fulfilled', value: { state: 'complete' } });
    expect(lost).toMatchObject({ status: 'rejected', reason: { code: 'ROLLOUT_ACTIVE' } });
    expect(await instancesOf(lab)).toEqual({ '/nginx-green': 1 });
  });

  it('lasts through a time without a leader', async () => {
    let looks = 0;
    const outcome = start('v5', {}, () => {
      looks += 1;
      if (looks !== 2) return;
      lab.marathon.faults.set({ noLeader: true, noLeaderHoldMs: 200 });
      lab.marathon.faults.failOver();
      void systemClock.sleep(2_000).then(() => lab.marathon.faults.set({ noLeader: false }));
    });

    await expect(outcome).resolves.toMatchObject({ state: 'complete' });
  });

  it('is refused where one of the balancers is not at the addresses that were given', async () => {
    const [first] = lab.publicAgents.map((host) => `http://${host}:${lab.ports.admin}`);

    await expect(start('v6', { marathonLb: first })).rejects.toMatchObject({
      code: 'ROLLOUT_UNSAFE',
      message: expect.stringContaining('Marathon runs 2 tasks of /marathon-lb, and 1 addresses'),
    });
  });
});
