import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Lab, startLab } from '../../src/lab/cluster.ts';
import type { MixedLoad } from '../../src/lab/load-mixed.ts';
import { listenAlternating } from '../support/alternating.ts';
import { newDirectory, removeDirectories } from '../support/certathon.ts';
import { mark, writesSince } from '../support/lab.ts';
import { gate, type RolloutGroup, rolloutGroup } from '../support/rollout-groups.ts';
import { appFile, usersGone } from '../support/rollouts.ts';
import { longTest } from '../support/whole.ts';

let lab: Lab;
const users: MixedLoad[] = [];

beforeAll(async () => {
  lab = await startLab({ agentSize: { cpus: 2 } });
});

afterAll(async () => {
  await usersGone(users);
  await lab?.stop();
  removeDirectories();
});

const version = (name: string) => ({ env: { VERSION: name } });

describe('refused before anything is touched', () => {
  let shop: RolloutGroup;
  let since: string;
  let stopListening: () => Promise<void>;
  let shared: string;
  const urlsOf = (...hosts: string[]) => hosts.map((host) => `http://${host}:${lab.ports.admin}`).join();
  beforeAll(async () => {
    shop = rolloutGroup(lab, 'shop', 10_100);
    shared = lab.subnet.address(7);
    stopListening = await listenAlternating(shared, lab.ports.admin, lab.publicAgents);
    for (const colour of ['blue', 'green', 'red']) {
      const three = rolloutGroup(lab, 'three', 10_150).app({ id: `/three-${colour}`, instances: 0 });
      expect((await lab.api('POST', '/v2/apps', three)).status).toBe(201);
    }
    since = mark();
  });
  afterAll(() => stopListening?.());

  const notExecutable = () => appFile({});
  const cases: { what: string; exit: number; code: string; words?: () => string[]; says: string }[] = [
    {
      what: 'an app without instances',
      ...{ exit: 4, code: 'ROLLOUT_APP_INVALID', says: 'can not be rolled out: ' },
    },
    {
      what: 'a hook that is not there',
      ...{ exit: 54, code: 'ROLLOUT_HOOK_FAILED', says: '/no-such-hook" is not there' },
      words: () => ['--pre-kill-hook', `${newDirectory()}/no-such-hook`],
    },
    {
      what: 'a hook that is not executable',
      ...{ exit: 54, code: 'ROLLOUT_HOOK_FAILED', says: 'is not executable for this user' },
      words: () => ['--pre-kill-hook', notExecutable()],
    },
    {
      what: 'a group of three',
      ...{ exit: 51, code: 'ROLLOUT_UNSAFE', says: '3 apps share the deployment group: /three-blue, ' },
    },
    {
      what: 'an address at which several balancers answer in turns',
      ...{ exit: 51, code: 'ROLLOUT_UNSAFE', says: 'Several balancers answer at ' },
      words: () => ['--marathon-lb', urlsOf(lab.publicAgents[0] ?? '', shared)],
    },
    {
      what: 'one address where Marathon runs two balancers',
      ...{ exit: 51, code: 'ROLLOUT_UNSAFE', says: 'Marathon runs 2 tasks of /marathon-lb, and 1 addresses' },
      words: () => ['--marathon-lb', urlsOf(lab.publicAgents[0] ?? '')],
    },
    {
      what: 'a balancer that can not be reached',
      ...{ exit: 5, code: 'ROLLOUT_BALANCERS_UNREADABLE', says: 'Balancers can not be looked at: ' },
      words: () => ['--marathon-lb', urlsOf(...lab.publicAgents, lab.subnet.address(8))],
    },
  ];
  const groupOf = (what: string) => (what === 'a group of three' ? rolloutGroup(lab, 'three', 10_150) : shop);

  it.concurrent.for(cases)('$what: $exit $code', async ({ what, exit, code, words, says }, test) => {
    const app = groupOf(what).app(what === 'an app without instances' ? { instances: 0 } : {});

    const ended = await groupOf(what).start(app, ...(words?.() ?? [])).ended;

    // The code, what happened, and what to do about it.
    const [first, second, third, ...rest] = ended.stderr.split('\n').slice(-4);
    test.expect(ended.exit, ended.stderr).toBe(exit);
    test.expect(first).toBe(code);
    test.expect(second).toContain(says);
    test.expect(third).toMatch(/^ {2}[A-Z].*[.;]/);
    test.expect(rest).toEqual(['']);
  });

  it('nothing was touched', () => {
    expect(writesSince(lab, since)).toEqual([]);
  });
});

describe('a new colour that can not stand', () => {
  let shop: RolloutGroup;
  let old: string[];
  beforeAll(async () => {
    shop = rolloutGroup(lab, 'shop', 10_100);
    const first = await shop.start(shop.app(version('v1'))).ended;
    expect(first, first.stderr).toMatchObject({
      exit: 0,
      stdout: expect.stringMatching(/complete; blue serves\n$/),
    });
    users.push(...shop.users());
    old = shop.tasks('blue');
  });

  /** The old colour as it was, without an interruption: the same tasks. */
  const expectUntouched = async () => {
    expect(await shop.sizes()).toEqual({ blue: 2 });
    expect(shop.tasks('blue')).toEqual(old);
  };

  it('because it never becomes healthy is taken back as soon as nothing has moved on for so long', async () => {
    lab.marathon.faults.set({ neverHealthy: '/shop-green' });

    const ended = await shop.start(shop.app(version('v2')), '--max-wait', '3s').ended;
    lab.marathon.faults.set({ neverHealthy: null });

    expect(ended, ended.stderr).toMatchObject({
      exit: 52,
      stdout: expect.stringMatching(/failed \(ROLLOUT_STUCK\); blue serves\n$/),
    });
    expect(ended.stderr).toMatch(/Nothing moved on for \d+ s: 0 of 1 tasks of \/shop-green are healthy/);
    expect(ended.stderr).toContain('it was rolled back: /shop-blue serves alone; blue serves');
    await expectUntouched();
  });

  it('because its tasks die is taken back long before that', async () => {
    lab.marathon.faults.set({ crashing: '/shop-green' });

    const ended = await shop.start(shop.app(version('v2')), '--max-wait', '1h').ended;
    lab.marathon.faults.set({ crashing: null });

    expect(ended, ended.stderr).toMatchObject({ exit: 52 });
    expect(ended.stderr).toMatch(
      /3 tasks of \/shop-green failed one after another; the last one: Command exited with status 1; it was rolled back/,
    );
    await expectUntouched();
  });

  it('because no agent has room for it is taken back, and the reason is the one of the launch queue', async () => {
    const ended = await shop.start(shop.app({ ...version('v2'), cpus: 3 }), '--max-wait', '3s').ended;

    expect(ended, ended.stderr).toMatchObject({ exit: 52 });
    expect(ended.stderr).toContain('1 find no agent that fits (InsufficientCpus)');
    expect(ended.stderr).toContain('it was rolled back: /shop-blue serves alone');
    await expectUntouched();
  });

  it('because the hook refuses in the middle is taken back: the old colour gets its size again first', async () => {
    const hook = gate(1);
    hook.answer(1);
    const since = mark();

    const ended = await shop.start(
      shop.app(version('v2')),
      ...['--old', 'shrink', '--pre-kill-hook', hook.path],
    ).ended;

    expect(ended, ended.stderr).toMatchObject({
      exit: 54,
      stdout: expect.stringMatching(/failed \(ROLLOUT_HOOK_FAILED\); blue serves\n$/),
    });
    expect(ended.stderr).toContain('says no, with status 1');
    expect(ended.stderr).toContain('it was rolled back: /shop-blue serves alone');
    expect(await shop.sizes()).toEqual({ blue: 2 });
    expect(writesSince(lab, since).map(({ method, path, body }) => `${method} ${path} ${body}`)).toEqual([
      expect.stringContaining('POST /v2/apps '),
      expect.stringContaining('POST /v2/tasks/delete'),
      'PUT /v2/apps/shop-green {"instances":2}',
      'PUT /v2/apps/shop-blue {"instances":2}',
      'DELETE /v2/apps/shop-green ',
    ]);
  });

  longTest('because the hook takes too long is taken back, and the hook is ended', async () => {
    const hook = gate();
    const started = shop.start(
      shop.app(version('v2')),
      ...['--old', 'shrink', '--pre-kill-hook', hook.path, '--hook-timeout', '500ms'],
    );
    const pid = await hook.asked();

    const ended = await started.ended;

    expect(ended, ended.stderr).toMatchObject({ exit: 54 });
    expect(ended.stderr).toContain('took longer than 0.5 s and was ended');
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(await shop.sizes()).toEqual({ blue: 2 });
  });
});

it('no request was lost', async () => {
  const reports = await usersGone(users);

  expect(reports.flatMap(({ failures }) => failures)).toEqual([]);
  for (const { requests } of reports) expect(requests).toBeGreaterThan(50);
});
