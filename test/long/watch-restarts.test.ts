import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Lab, startLab } from '../../src/lab/cluster.ts';
import { newDirectory, removeDirectories, start } from '../support/certathon.ts';
import { shown } from '../support/directory.ts';
import { installed } from '../support/installed.ts';
import { type Mark, mark, writesSince } from '../support/lab.ts';
import { until } from '../support/until.ts';
import { shows, signalled, startWatcher, tasksOf } from '../support/watcher.ts';

/** `serve` beside two balancers that have the certificate from their environment: one that shows another is found
 * without any event of Marathon, and its task replaced. */
const [WWW, RESTARTED] = ['www.example.com', '/marathon-lb'];
let lab: Lab;
const store = () => join(kept, 'store');
let kept: string;
let ours: string;
const watch = (env: Record<string, string> = {}) =>
  startWatcher(lab, WWW, 42, store(), {
    CERTATHON_MARATHON_LB_APP: RESTARTED,
    CERTATHON_LOCK_WAIT: '30s',
    ...env,
  });
/** Exchanges the certificate within the containers of these hosts and has it loaded. */
const replaceOn = async (hosts: readonly string[]): Promise<string> => {
  const theirs = installed(WWW);
  for (const { id, host } of tasksOf(lab, RESTARTED).filter((task) => hosts.includes(task.host))) {
    writeFileSync(join(lab.directory, 'tasks', id, 'marathon-lb', 'ssl', 'cert.pem'), theirs.pem);
    await signalled(lab, host);
    await shows(lab, host, WWW, theirs.fingerprint);
  }
  return theirs.fingerprint;
};
const hosts = () => lab.publicAgents;
const writesTo = (since: Mark) => writesSince(lab, since).map(({ method, path }) => `${method} ${path}`);

beforeAll(async () => {
  lab = await startLab({
    // Both at once: the quickest restart there is, and the first delivery is not what is watched here.
    balancerApp: { upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 } },
  });
  kept = newDirectory();
  const watcher = await watch();
  ours = (await watcher.status()).certificates[0]?.fingerprint ?? '';
  await watcher.stop();
  expect(await shown(lab, hosts(), WWW)).toEqual([ours, ours]);
});

afterAll(async () => {
  await lab?.stop();
  removeDirectories();
});

test('replaces the task of the one balancer that shows another certificate, and never touches the other', async () => {
  const watcher = await watch();
  const [since, from, [wrong, right]] = [mark(), watcher.program.lines.length, tasksOf(lab, RESTARTED)];

  await watcher.behindItsBack(async () => {
    await replaceOn([wrong?.host ?? '']);
  });
  await watcher.program.logged('delivery.verified', from);
  // What the program saw before the task was replaced is well, too: the status has to show the new one.
  const { balancers } = await until('the new task is seen and current', async () => {
    const seen = await watcher.status();
    const running = tasksOf(lab, RESTARTED).map(({ id }) => id);
    const isAll = running.every((id) => seen.balancers.some((each) => each.id === id && each.current));
    return isAll && running.length === 2 && seen;
  });
  await watcher.stop();

  expect(watcher.logged('balancer.replaced', from)).toMatchObject([{ balancer: wrong?.id, app: RESTARTED }]);
  const now = tasksOf(lab, RESTARTED);
  expect(now.map(({ id }) => id)).toEqual([expect.not.stringContaining(wrong?.id ?? ''), right?.id]);
  expect(await shown(lab, hosts(), WWW)).toEqual([ours, ours]);
  expect(writesTo(since)).toEqual(['POST /v2/tasks/delete']);
  expect(balancers.map(({ id }) => id).sort()).toEqual(now.map(({ id }) => id).sort());
  expect(balancers[0]).toMatchObject({
    serves: [
      {
        fingerprint: ours,
        issuer: expect.stringContaining('Pebble'),
        serial: expect.stringMatching(/^[0-9a-f]+$/i),
        notAfter: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      },
    ],
  });
});

test('waits for the maintenance window, says until when, and shows who is not current meanwhile', async () => {
  const opensAt = new Date(Math.ceil(Date.now() / 3_600_000) * 3_600_000 + 6 * 3_600_000);
  const watcher = await watch({
    CERTATHON_MAINTENANCE_WINDOWS: `0 ${opensAt.getUTCHours()} * * * for 1h`,
    CERTATHON_TIME_ZONE: 'UTC',
  });
  const [since, from, [wrong, right]] = [mark(), watcher.program.lines.length, tasksOf(lab, RESTARTED)];

  let theirs = '';
  await watcher.behindItsBack(async () => {
    theirs = await replaceOn([wrong?.host ?? '']);
  });
  await watcher.program.logged('pass.failed', from);
  const status = await watcher.status();
  await watcher.stop();

  expect(status.postponed).toEqual([{ target: RESTARTED, reason: 'window', until: opensAt.toISOString() }]);
  expect(watcher.logged('delivery.postponed', from)).toMatchObject([
    { target: RESTARTED, reason: 'window', until: opensAt.toISOString() },
  ]);
  expect(status.problems).toMatchObject([
    { code: 'DELIVERY_NOT_SERVED', message: expect.stringContaining(opensAt.toISOString()) },
  ]);
  const byAddress = status.balancers.toSorted((a, b) => (a.address < b.address ? -1 : 1));
  expect(byAddress).toMatchObject([
    {
      id: wrong?.id,
      current: false,
      serves: [{ fingerprint: theirs, issuer: expect.stringContaining('Test CA') }],
    },
    { id: right?.id, current: true, serves: [{ fingerprint: ours }] },
  ]);
  expect(writesTo(since)).toEqual([]);
});

test('kills nobody when none proves that the certificate can be served: DELIVERY_NOT_SERVED', async () => {
  await replaceOn(hosts());
  const [since, before] = [mark(), tasksOf(lab, RESTARTED).map(({ id }) => id)];

  const program = start(['renew'], {
    ...lab.settings,
    CERTATHON_DOMAINS: WWW,
    CERTATHON_STORE: store(),
    CERTATHON_MARATHON_LB_APP: RESTARTED,
    CERTATHON_DELIVERY_TIMEOUT: '1s',
  });
  const ended = await program.ended;

  expect(ended.exit, ended.stderr).toBe(34);
  for (const id of before) expect(ended.stdout).toContain(id);
  expect(ended.stdout).toContain('DELIVERY_NOT_SERVED');
  expect(tasksOf(lab, RESTARTED).map(({ id }) => id)).toEqual(before);
  expect(writesTo(since)).toEqual([]);
});
