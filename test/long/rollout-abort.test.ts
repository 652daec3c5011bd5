import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Lab, startLab } from '../../src/lab/cluster.ts';
import type { MixedLoad } from '../../src/lab/load-mixed.ts';
import { events, removeDirectories } from '../support/certathon.ts';
import { type HeldConnection, holdConnection } from '../support/held-connection.ts';
import { appOf, change, settled } from '../support/lab.ts';
import { expectEnd } from '../support/rollout-ends.ts';
import { gate, type RolloutGroup, rolloutGroup } from '../support/rollout-groups.ts';
import { labEnv, usersGone } from '../support/rollouts.ts';
import { CTRL_C, onTerminal } from '../support/terminal.ts';

let lab: Lab;
let web: RolloutGroup;
let users: MixedLoad[] = [];

beforeAll(async () => {
  lab = await startLab({ balancers: 1 });
  web = rolloutGroup(lab, 'prod/web', 10_200);
});

afterAll(async () => {
  await usersGone(users);
  await lab?.stop();
  removeDirectories();
});

const AT_ONCE = ['--initial-instances', '2'];
const version = (name: string) => ({ env: { VERSION: name } });

describe('a group whose name has a slash within, under load', () => {
  it('is rolled out, whether or not the label has another in front', async () => {
    const labels = { HAPROXY_DEPLOYMENT_GROUP: '/prod/web' };
    const first = await web.start(web.app({ ...version('v1'), labels })).ended;
    expectEnd(first, 0, 'complete; blue serves');
    users = web.users(lab.publicAgents);

    const ended = await web.start(web.app(version('v2')), ...AT_ONCE).ended;

    expectEnd(ended, 0, 'complete; green serves');
    expect(await web.sizes()).toEqual({ green: 2 });
  });

  it('is taken back from elsewhere in the middle, while the old colour is kept whole', async () => {
    const hook = gate();
    const begun = web.start(web.app(version('v3')), '--pre-kill-hook', hook.path, ...AT_ONCE);
    await hook.asked();

    const aborted = await web.goOn('abort').ended;
    hook.answer(0);
    const ended = await begun.ended;

    expectEnd(aborted, 0, 'reverted; green serves');
    // Of two old tasks that are out, one is exchanged, so that one of the new ones serves until it is there.
    expect(events(aborted, 'rollout.step')[0]).toMatchObject({ do: 'kill', appId: '/prod/web-green' });
    expectEnd(ended, 55, 'failed \\(ROLLOUT_OVERTAKEN\\); green serves');
    expect(ended.stderr).toContain(
      '/prod/web-blue is not there any more: somebody else changed it meanwhile',
    );
    expect(await web.sizes()).toEqual({ green: 2 });
    expect((await appOf(lab, '/prod/web-green')).tasksHealthy).toBe(2);
  });

  it('is taken back from a split', async () => {
    const split = await web.start(web.app(version('v3')), '--new-instances', '1').ended;
    const halfway = await web.sizes();

    const aborted = await web.goOn('abort').ended;

    expectEnd(split, 0, 'split; both colours serve');
    expect(halfway).toEqual({ green: 1, blue: 1 });
    expectEnd(aborted, 0, 'reverted; green serves');
    expect(await web.sizes()).toEqual({ green: 2 });
  });

  it('stops when somebody scales the old colour by hand, and goes back from what is there', async () => {
    const hook = gate();
    const begun = web.start(web.app(version('v3')), '--old', 'shrink', '--pre-kill-hook', hook.path);
    await hook.asked();
    await change(lab, '/prod/web-green', { instances: 3 });
    await settled(lab, '/prod/web-green');
    hook.answer(0);

    const ended = await begun.ended;
    const left = await web.sizes();
    const aborted = await web.goOn('abort').ended;

    expectEnd(ended, 55, 'failed \\(ROLLOUT_OVERTAKEN\\); [a-z ]+');
    expect(ended.stderr).toContain('/prod/web-green has 3 instances, not 2');
    expect(left).toEqual({ green: 3, blue: 1 });
    expectEnd(aborted, 0, 'reverted; green serves');
    expect(await web.sizes()).toEqual({ green: 3 });
    await change(lab, '/prod/web-green', { instances: 2 });
    await settled(lab, '/prod/web-green');
  });

  it('stays as it is at SIGTERM; Ctrl-C while it is carried on asks whether to go back, and does', async () => {
    const [first, second] = [gate(), gate()];
    const begun = web.start(web.app(version('v3')), '--pre-kill-hook', first.path, ...AT_ONCE);
    await first.asked();
    begun.kill('SIGTERM');
    const stopped = await begun.ended;
    const left = await web.sizes();

    const words = ['rollout', 'resume', web.name, '--pre-kill-hook', second.path];
    const terminal = onTerminal(words, labEnv(lab));
    await terminal.answer('Go on to the new colour alone in prod/web? [y/N]', 'y\n');
    await second.asked();
    await terminal.answer('', CTRL_C);
    await terminal.answer('Go back to /prod/web-green and remove /prod/web-blue? [y/N]', 'y\n');
    const { exit, screen } = await terminal.ended;

    expectEnd(stopped, 130, 'failed \\(STOPPED\\); blue serves');
    expect(left).toEqual({ green: 2, blue: 2 });
    expect(exit, screen).toBe(130);
    expect(screen).toContain('can be carried on or taken back by any machine');
    expect(screen).toContain('reverted; green serves');
    expect(await web.sizes()).toEqual({ green: 2 });
  });

  it('has lost no request so far', async () => {
    const reports = await usersGone(users);

    expect(reports.flatMap(({ failures }) => failures)).toEqual([]);
    for (const { requests } of reports) expect(requests).toBeGreaterThan(100);
  });
});

describe('connections that last longer than they may', () => {
  let shop: RolloutGroup;
  let held: HeldConnection;
  beforeAll(async () => {
    shop = rolloutGroup(lab, 'shop', 10_300);
    expectEnd(await shop.start(shop.app(version('v1'))).ended, 0, 'complete; blue serves');
  });
  beforeEach(async () => {
    held = await holdConnection(lab.publicAgents[0] ?? '', shop.port);
  });
  afterEach(() => held?.end());

  it('stop the rollout, which says which process holds them; they are cut only when that was chosen', async () => {
    const stopped = await shop.start(shop.app(version('v2')), ...AT_ONCE, '--drain-timeout', '1s').ended;
    const left = await shop.sizes();
    const livesOn = await held.isAlive();
    const cut = await shop.goOn('resume', '--drain-timeout', '0s', '--on-drain-timeout', 'cut').ended;

    expectEnd(stopped, 53, 'failed \\(ROLLOUT_DRAIN_TIMEOUT\\); green serves');
    expect(stopped.stderr).toMatch(
      /Not drained within 1 s: .*process \d+ of marathon-lb\.\S+ with 1 sessions to shop_10300\/127_90_\S+ \d+ s ago/,
    );
    expect(left).toEqual({ blue: 2, green: 2 });
    expect(livesOn).toBe(true);
    expectEnd(cut, 0, 'complete; green serves');
    expect(events(cut, 'rollout.step').at(-1)).toMatchObject({
      do: 'delete',
      reason: expect.stringMatching(/although \d tasks still hold connections: cut as asked for/),
    });
    expect(await held.isAlive()).toBe(false);
    expect(await shop.sizes()).toEqual({ green: 2 });
  });

  it('turn the rollout back when that was chosen, and live on, and nobody else is without an answer', async () => {
    const visitors = shop.users(lab.publicAgents);

    const ended = await shop.start(
      shop.app(version('v3')),
      ...['--old', 'shrink', '--drain-timeout', '1s', '--on-drain-timeout', 'rollback'],
    ).ended;
    const reports = await usersGone(visitors);

    expectEnd(ended, 53, 'failed \\(ROLLOUT_DRAIN_TIMEOUT\\); green serves');
    expect(ended.stderr).toContain('it was rolled back: /shop-green serves alone');
    expect(await held.isAlive()).toBe(true);
    expect(reports.flatMap(({ failures }) => failures)).toEqual([]);
    expect(await shop.sizes()).toEqual({ green: 2 });
  });
});
