import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Lab, startLab } from '../../src/lab/cluster.ts';
import type { MixedLoad } from '../../src/lab/load-mixed.ts';
import { events, removeDirectories } from '../support/certathon.ts';
import { change, mark, writesSince } from '../support/lab.ts';
import { expectEnd } from '../support/rollout-ends.ts';
import { gate, type RolloutGroup, rolloutGroup } from '../support/rollout-groups.ts';
import { usersGone } from '../support/rollouts.ts';
import { until } from '../support/until.ts';

let lab: Lab;
let shop: RolloutGroup;
let users: MixedLoad[] = [];

beforeAll(async () => {
  lab = await startLab({ balancers: 2, publicAgents: 3 });
  shop = rolloutGroup(lab, 'shop', 10_400);
  expectEnd(await shop.start(shop.app(version('v1'))).ended, 0, 'complete; blue serves');
  // The second balancer is the one that things happen to.
  users = shop.users(lab.publicAgents.slice(0, 1));
});

afterAll(async () => {
  await usersGone(users);
  await lab?.stop();
  removeDirectories();
});

const AT_ONCE = ['--initial-instances', '2'];
const version = (name: string) => ({ env: { VERSION: name } });
const writesOf = (since: string) =>
  writesSince(lab, since).map(({ method, path, body }) =>
    method === 'PUT' ? `${method} ${path} ${body}` : `${method} ${path}`,
  );
/** Looks of a rollout at its group since a moment. */
const looksSince = (since: string) =>
  lab.marathon
    .requests()
    .filter(({ path, query, at }) => path === '/v2/apps' && query.includes('label=') && at > since).length;
const switches = (address: string | undefined, change: object) =>
  fetch(`http://${address}:${lab.ports.admin}/_lab/switches`, {
    method: 'POST',
    body: JSON.stringify(change),
  });
const balancerAt = (host: string | undefined) =>
  lab.marathon.tasks('/marathon-lb').find((task) => task.host === host && task.state === 'TASK_RUNNING');

describe('a rollout whose writes go wrong', () => {
  it('makes each of them once, although no reply to any of them arrives', async () => {
    const since = mark();
    lab.marathon.faults.set({ loseReply: 1_000 });

    const ended = await shop.start(shop.app(version('v2')), '--old', 'shrink').ended;
    lab.marathon.faults.set({ loseReply: 0 });

    expectEnd(ended, 0, 'complete; green serves');
    expect(writesOf(since)).toEqual([
      'POST /v2/apps',
      'POST /v2/tasks/delete',
      'PUT /v2/apps/shop-green {"instances":2}',
      'DELETE /v2/apps/shop-blue',
    ]);
    expect(await shop.sizes()).toEqual({ green: 2 });
  });

  it('waits while somebody else deploys the old colour, and repeats what Marathon did not take', async () => {
    const { faults } = lab.marathon;
    const hook = gate();
    const since = mark();
    faults.set({ foreignDeployment: '/shop-green' });

    const begun = shop.start(shop.app(version('v3')), '--pre-kill-hook', hook.path, ...AT_ONCE);
    await until('it looks again', () => looksSince(since) >= 2);
    const writesAtFirst = writesOf(since);
    faults.set({ foreignDeployment: null });
    await hook.asked();
    faults.set({ foreignDeployment: '/shop-green' });
    const inTheMiddle = mark();
    hook.answer(0);
    await until('it looks again', () => looksSince(inTheMiddle) >= 2);
    const writesInTheMiddle = writesOf(inTheMiddle);
    faults.set({ foreignDeployment: null, refuseWrites: 1 });
    const ended = await begun.ended;

    expect([writesAtFirst, writesInTheMiddle]).toEqual([[], []]);
    expectEnd(ended, 0, 'complete; blue serves');
    expect(events(ended, 'rollout.waiting')).toMatchObject([{ do: 'delete' }]);
    expect(writesOf(inTheMiddle)).toEqual(['DELETE /v2/apps/shop-green', 'DELETE /v2/apps/shop-green']);
    expect(await shop.sizes()).toEqual({ blue: 2 });
  });
});

describe('a balancer', () => {
  it('that dies in the middle is waited for', async () => {
    const [first, second] = lab.publicAgents;
    const known = [first, second].map((host) => `http://${host}:${lab.ports.admin}`).join();
    const hook = gate();
    const words = ['--pre-kill-hook', hook.path, '--marathon-lb', known, ...AT_ONCE];
    const begun = shop.start(shop.app(version('v4')), ...words);
    await hook.asked();
    const dead = balancerAt(second);
    process.kill(dead?.pid ?? 0, 'SIGKILL');
    await until('it is gone', () => balancerAt(second)?.id !== dead?.id);
    hook.answer(0);

    const ended = await begun.ended;

    expectEnd(ended, 0, 'complete; green serves');
    expect(ended.stdout).toMatch(
      new RegExp(`wait \\(balancers\\): not every balancer can be looked at \\(\\S*${second}`),
    );
    expect(await shop.sizes()).toEqual({ green: 2 });
  });

  it('that begins in the middle is watched from then on', async () => {
    const third = lab.publicAgents[2];
    const hook = gate();
    const begun = shop.start(shop.app(version('v5')), '--pre-kill-hook', hook.path, ...AT_ONCE);
    await hook.asked();
    await change(lab, '/marathon-lb', { instances: 3 });
    const added = await until('it runs', () => balancerAt(third));
    hook.answer(0);

    const ended = await begun.ended;

    expectEnd(ended, 0, 'complete; blue serves');
    expect(ended.stdout).toContain(`wait (balancers): not every balancer can be looked at (${added.id}`);
    expect(await shop.sizes()).toEqual({ blue: 2 });
  });

  it('that follows Marathon no more is named, nothing is removed, and the way back goes on when it follows again', async () => {
    const second = balancerAt(lab.publicAgents[1]);
    await switches(second?.host, { isFrozen: true });

    const ended = await shop.start(shop.app(version('v6')), '--max-wait', '4s', ...AT_ONCE).ended;
    const left = await shop.sizes();
    await switches(second?.host, { isFrozen: false });
    const aborted = await shop.goOn('abort').ended;

    expectEnd(ended, 56, 'failed \\(ROLLOUT_ROLLBACK_FAILED\\); both colours serve');
    expect(ended.stderr).toMatch(
      new RegExp(
        `2 of 2 healthy tasks of /shop-green do not get requests from every balancer yet \\(not from .*${second?.id}\\)`,
      ),
    );
    expect(left).toEqual({ blue: 2, green: 2 });
    expectEnd(aborted, 0, 'reverted; blue serves');
    expect(await shop.sizes()).toEqual({ blue: 2 });
  });
});

it('no request was lost at the balancer that nothing happened to', async () => {
  const reports = await usersGone(users);

  expect(reports.flatMap(({ failures }) => failures)).toEqual([]);
  for (const { requests } of reports) expect(requests).toBeGreaterThan(100);
});
