import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Lab, startLab } from '../../src/lab/cluster.ts';
import type { MixedLoad } from '../../src/lab/load-mixed.ts';
import { removeDirectories } from '../support/certathon.ts';
import { type Fate, type MarathonProxy, startMarathonProxy, type Write } from '../support/marathon-proxy.ts';
import { everyWrite, killingHook, onNewMachine, throughKills, toldToEnd } from '../support/rollout-kills.ts';
import { appFile, exampleApp, instancesOf, startUsers, usersGone } from '../support/rollouts.ts';

/** What each write meets. */
const FATES: Record<string, Fate[]> = {
  'before each write': ['kill-before', 'pass'],
  'after each answer': ['kill-after'],
  'never, but each reply is lost': ['lose-reply'],
};

interface Phase {
  words: readonly string[];
  /** Steps that Marathon carries out, each once, whoever dies. */
  steps: readonly Write['step'][];
  /** Of the colour that served and of the other one, when it is over. */
  sizes: readonly [number, number];
  /** One more turns the roles and is taken back with the next request. Who is killed between the two, and comes too
   * late, leaves it: by how many steps, and how many tasks, depends on what had started by then. */
  isTurn?: boolean;
}

const start = (steps: Phase['steps'], sizes: Phase['sizes'], ...words: string[]): Phase => ({
  ...{ words: ['start', ...words], steps, sizes },
});
const SPLIT = start(['create', 'kill', 'scale', 'kill'], [2, 2], '--new-instances', '2');
const complete = (old: string): Phase => ({
  ...{ words: ['resume', '--complete', '--old', old], steps: ['scale', 'delete'], sizes: [0, 4] },
});
const back = (...steps: Phase['steps']): Phase => ({ words: ['abort'], steps, sizes: [4, 0] });

/** What is left of a rollout that was begun and not ended: a rule for each write, until somebody dies. */
interface Left {
  words: readonly string[];
  dies: (write: Write) => boolean;
  isStuck?: boolean;
}

const SHRUNKEN: Left = {
  words: ['--old', 'shrink', '--initial-instances', '2'],
  dies: ({ step }) => step === 'kill',
};
const STUCK: Left = {
  words: ['--old', 'keep', '--linear-increase', '1', '--keep-instances'],
  dies: ({ step }) => step === 'scale',
  isStuck: true,
};

const ROWS: { what: string; left?: Left; phases: Phase[]; hasHook?: boolean }[] = [
  {
    what: 'forward, the old colour shrinks one by one',
    phases: [start(['create', 'kill', 'scale', 'kill', 'scale', 'delete'], [0, 4], '--old', 'shrink')],
  },
  {
    what: 'forward, it shrinks and the new one grows without a breath, with a hook',
    phases: [
      start(
        ['create', 'kill', 'scale', 'delete'],
        [0, 4],
        ...['--old', 'shrink', '--initial-instances', '2'],
      ),
    ],
    hasHook: true,
  },
  {
    what: 'forward, the old colour is kept whole',
    phases: [start(['create', 'scale', 'scale', 'delete'], [0, 4], '--old', 'keep')],
  },
  { what: 'split, and completed (shrink)', phases: [SPLIT, complete('shrink')] },
  { what: 'split, and completed (keep)', phases: [SPLIT, complete('keep')] },
  { what: 'split, and back', phases: [SPLIT, back('scale', 'delete')] },
  { what: 'back from an old colour that was shrunken', left: SHRUNKEN, phases: [back('scale', 'delete')] },
  {
    what: 'back from an old colour that was kept, and a new one that is stuck',
    left: STUCK,
    phases: [{ ...back('cancel', 'scale', 'delete'), isTurn: true }],
  },
];

let lab: Lab;
let proxy: MarathonProxy;
let users: MixedLoad[] = [];
let releases = 0;
const figures: string[] = [];

beforeAll(async () => {
  lab = await startLab();
  proxy = await startMarathonProxy(lab);
  const first = await onNewMachine(lab, proxy, ['rollout', 'start', release(), '--yes']);
  expect(first.exit, first.stderr).toBe(0);
  users = startUsers(lab, 25, 900);
});

afterAll(async () => {
  const reports = await usersGone(users);
  for (const line of figures) console.log(line);
  const sum = (key: 'requests' | 'failed' | 'repeated') =>
    reports.reduce((total, report) => total + report[key], 0);
  console.log(
    `matrix: ${sum('requests')} requests, ${sum('failed')} failed, ${sum('repeated')} repeated, ${proxy?.taken.length} writes`,
  );
  await proxy?.close();
  await lab?.stop();
  removeDirectories();
});

/** A file with the next version of the app. */
function release(): string {
  releases += 1;
  return appFile(exampleApp({ instances: 4, env: { VERSION: `v${releases}` } }));
}

async function serving(): Promise<'blue' | 'green'> {
  return Object.hasOwn(await instancesOf(lab), '/nginx-blue') ? 'blue' : 'green';
}

const isPair = async () => Object.keys(await instancesOf(lab)).length === 2;

async function leave({ words, dies, isStuck }: Left, fresh: string): Promise<void> {
  proxy.fate = (write) => {
    if (!dies(write)) return 'pass';
    if (isStuck) lab.marathon.faults.set({ neverHealthy: `/nginx-${fresh}` });
    return 'kill-after';
  };
  const ended = await onNewMachine(lab, proxy, ['rollout', 'start', release(), '--yes', ...words]);
  expect(ended.signal, ended.stderr).toBe('SIGKILL');
}

/** Carries one phase through. @returns how many machines died */
async function carryThrough(
  { words, steps, isTurn }: Phase,
  fates: readonly Fate[],
  hook: string[],
): Promise<number> {
  const from = proxy.taken.length;
  proxy.fate = everyWrite(fates);
  const [verb = '', ...policy] = words;
  const file = release();
  const next = async (): Promise<string[]> => {
    const isFirst = proxy.taken.length === from;
    if (verb === 'start' && isFirst) return ['rollout', 'start', file, '--yes', ...policy, ...hook];
    const isSplit = policy.includes('--new-instances');
    if (verb === 'start')
      return ['rollout', 'resume', 'nginx', '--yes', ...(isSplit ? [] : kept(policy)), ...hook];
    // Once one colour is alone there is nothing left to complete or to take back, but the end of it.
    if (!(await isPair())) return ['rollout', 'resume', 'nginx', '--yes'];
    return ['rollout', verb, 'nginx', '--yes', ...policy];
  };
  const { ended, kills } = await throughKills(lab, proxy, next);
  expect(ended.exit, ended.stdout + ended.stderr).toBe(0);
  const taken = proxy.taken.slice(from).map(({ step }) => step);
  if (isTurn) expect([...taken.slice(0, steps.length - 1), taken.at(-1)]).toEqual(steps);
  else expect(taken).toEqual(steps);
  return kills;
}

/** With how many it begins is over when somebody goes on. */
function kept(policy: readonly string[]): string[] {
  const at = policy.indexOf('--initial-instances');
  return at < 0 ? [...policy] : policy.toSpliced(at, 2);
}

describe.each(ROWS)('$what', ({ what, left, phases, hasHook }) => {
  it.each(Object.entries(FATES))('is carried through when kill -9 comes %s', async (when, fates) => {
    const startedAtMs = Date.now();
    const old = await serving();
    const fresh = old === 'blue' ? 'green' : 'blue';
    const served = (await instancesOf(lab))[`/nginx-${old}`] ?? 0;
    const before = users.map((each) => each.soFar().requests);
    const hook = hasHook ? killingHook() : undefined;
    if (left !== undefined) await leave(left, fresh);
    let kills = 0;
    for (const phase of phases) {
      kills += await carryThrough(phase, fates, hook === undefined ? [] : ['--pre-kill-hook', hook.path]);
      const left = await instancesOf(lab);
      if (phase.isTurn) {
        expect([served, served + 1].map((size) => ({ [`/nginx-${old}`]: size }))).toContainEqual(left);
        continue;
      }
      const sizes = { [`/nginx-${old}`]: phase.sizes[0], [`/nginx-${fresh}`]: phase.sizes[1] };
      const wanted = Object.entries(sizes).filter(([, size]) => size > 0);
      expect(left).toEqual(Object.fromEntries(wanted));
    }
    lab.marathon.faults.set({ neverHealthy: null });

    const soFar = users.map((each) => each.soFar());
    const requests = soFar.reduce((sum, each, at) => sum + each.requests - (before[at] ?? 0), 0);
    const failed = soFar.reduce((sum, each) => sum + each.failed, 0);
    const tookS = ((Date.now() - startedAtMs) / 1000).toFixed(1);
    figures.push(`${what}, ${when}: ${kills} kills, ${requests} requests, ${failed} failed, ${tookS} s`);
    expect(failed).toBe(0);
    const unanswered = [...toldToEnd(lab, '/nginx-blue'), ...toldToEnd(lab, '/nginx-green')].filter(
      ({ running }) => running > 0,
    );
    expect(unanswered).toEqual([]);
    if (fates.includes('lose-reply')) expect(kills).toBe(hook?.kills() ?? 0);
    else if (phases.some(({ isTurn }) => isTurn)) expect(kills).toBeGreaterThanOrEqual(3);
    else expect(kills).toBe(phases.flatMap(({ steps }) => steps).length + (hook?.kills() ?? 0));
  });
});

it('nothing was ever written by force', () => {
  const forced = lab.marathon.requests().filter(({ query }) => /force=true/.test(query));

  expect(forced).toEqual([]);
});
