import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Lab, startLab } from '../../src/lab/cluster.ts';
import type { MixedLoad } from '../../src/lab/load-mixed.ts';
import { removeDirectories } from '../support/certathon.ts';
import { type MarathonProxy, startMarathonProxy } from '../support/marathon-proxy.ts';
import { everyWrite, killingHook, onNewMachine, throughKills, toldToEnd } from '../support/rollout-kills.ts';
import { appFile, exampleApp, instancesOf, startUsers, usersGone } from '../support/rollouts.ts';

let lab: Lab;
let proxy: MarathonProxy;
let users: MixedLoad[] = [];

beforeAll(async () => {
  lab = await startLab();
  proxy = await startMarathonProxy(lab);
  const first = await onNewMachine(lab, proxy, startWords('v1'));
  expect(first.exit, first.stderr).toBe(0);
  users = startUsers(lab, 20);
});

afterAll(async () => {
  await usersGone(users);
  await proxy?.close();
  await lab?.stop();
  removeDirectories();
});

function startWords(version: string, ...more: string[]): string[] {
  const file = appFile(exampleApp({ instances: 4, env: { VERSION: version } }));
  return ['rollout', 'start', file, '--yes', '--initial-instances', '2', ...more];
}

const goOn = (how: 'resume' | 'abort', ...more: string[]) => ['rollout', how, 'nginx', '--yes', ...more];
const isPair = async () => Object.keys(await instancesOf(lab)).length === 2;

/** A new colour that is stuck with its second task, as it is when its machine dies; the old one is whole. */
async function leaveStuck(): Promise<void> {
  proxy.fate = ({ step }) => {
    if (step !== 'scale') return 'pass';
    lab.marathon.faults.set({ neverHealthy: '/nginx-blue' });
    return 'kill-after';
  };
  const words = startWords('v3', '--old', 'keep', '--initial-instances', '1', '--linear-increase', '1');
  const ended = await onNewMachine(lab, proxy, words);
  expect(ended.signal, ended.stderr).toBe('SIGKILL');
  expect(await instancesOf(lab)).toEqual({ '/nginx-green': 4, '/nginx-blue': 2 });
}

/** Steps that Marathon carried out, by their kinds. */
const stepsOf = (from: number) => proxy.taken.slice(from).map(({ step }) => step);

describe('kill -9 at each step of a rollout, which another machine carries on each time', () => {
  it('forward: create, ask, kill, the moment between kill and grow, scale, delete', async () => {
    const hook = killingHook();
    const policy = ['--old', 'shrink', '--pre-kill-hook', hook.path];
    const from = proxy.taken.length;
    proxy.fate = everyWrite(['kill-after']);
    const created = () => proxy.taken.length > from;

    const { ended, kills } = await throughKills(lab, proxy, async () =>
      created() ? goOn('resume', ...policy) : startWords('v2', ...policy),
    );

    expect(ended.exit, ended.stderr).toBe(0);
    expect(ended.stdout).toMatch(/complete; green serves\n$/);
    expect(await instancesOf(lab)).toEqual({ '/nginx-green': 4 });
    expect(stepsOf(from)).toEqual(['create', 'kill', 'scale', 'delete']);
    // Who comes anew asks anew: whoever came to a kill, and to the end, was killed once in the hook.
    expect(hook.kills()).toBeGreaterThanOrEqual(2);
    expect(kills).toBe(4 + hook.kills());
  });

  it('back: cancel, the scaling that turns, delete', async () => {
    await leaveStuck();
    const from = proxy.taken.length;
    proxy.fate = everyWrite(['kill-after']);

    const { ended, kills } = await throughKills(lab, proxy, async () =>
      goOn((await isPair()) ? 'abort' : 'resume'),
    );

    expect(ended.exit, ended.stderr).toBe(0);
    expect(ended.stdout).toMatch(/green serves\n$/);
    const left = await instancesOf(lab);
    expect(Object.keys(left)).toEqual(['/nginx-green']);
    // The one more that turns the roles is taken back at once; who was killed before, and comes too late, leaves it.
    expect([4, 5]).toContain(left['/nginx-green']);
    const steps = stepsOf(from);
    expect([steps[0], steps[1], steps.at(-1)]).toEqual(['cancel', 'scale', 'delete']);
    expect(kills).toBeGreaterThanOrEqual(3);
  });

  it('has lost no request, and no task was told to end before it had answered all of them', async () => {
    const reports = await usersGone(users);

    expect(reports.map(({ failures }) => failures)).toEqual([[], []]);
    for (const { requests } of reports) expect(requests).toBeGreaterThan(300);
    const ended = ['/nginx-blue', '/nginx-green'].flatMap((id) => toldToEnd(lab, id));
    expect(ended.filter(({ running }) => running > 0)).toEqual([]);
    // All of the first colour, and one or two of the second.
    expect(ended.length).toBeGreaterThanOrEqual(5);
  });

  it('never wrote by force', () => {
    const forced = lab.marathon.requests().filter(({ query }) => /force=true/.test(query));

    expect(forced).toEqual([]);
  });
});
