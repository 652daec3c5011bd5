import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Lab, startLab } from '../../src/lab/cluster.ts';
import { type MixedLoad, startMixedLoad } from '../../src/lab/load-mixed.ts';
import { ask } from '../support/ask.ts';
import { startBusyApp } from '../support/busy-cluster.ts';
import { removeDirectories } from '../support/certathon.ts';
import { type MarathonProxy, startMarathonProxy } from '../support/marathon-proxy.ts';
import { onNewMachine, toldToEnd } from '../support/rollout-kills.ts';
import {
  appFile,
  exampleApp,
  instancesOf,
  SERVICE_PORT,
  startUsers,
  usersGone,
} from '../support/rollouts.ts';

const figures: string[] = [];

afterAll(() => {
  for (const line of figures) console.log(line);
  removeDirectories();
});

/** A lab with one group under load, and what came of it so far. */
class Cluster {
  readonly #lab: Lab;
  readonly proxy: MarathonProxy;
  readonly #instances: number;
  users: MixedLoad[] = [];
  #releases = 0;

  constructor(lab: Lab, proxy: MarathonProxy, instances: number) {
    this.#lab = lab;
    this.proxy = proxy;
    this.#instances = instances;
  }

  /** @returns what the command said last */
  async run(verb: 'start' | 'resume' | 'abort', ...words: string[]): Promise<string> {
    this.#releases += 1;
    const app = exampleApp({ instances: this.#instances, env: { VERSION: `v${this.#releases}` } });
    const what = verb === 'start' ? appFile(app) : 'nginx';
    const ended = await onNewMachine(this.#lab, this.proxy, ['rollout', verb, what, '--yes', ...words]);
    expect(ended.exit, ended.stdout + ended.stderr).toBe(0);
    return ended.stdout.trimEnd().split('\n').at(-1) ?? '';
  }

  /** Of users so far, and of tasks that were told to end: how many requests these had not answered. */
  soFar(): { requests: number; failed: number; unanswered: number } {
    const reports = this.users.map((each) => each.soFar());
    const ended = ['/nginx-blue', '/nginx-green'].flatMap((id) => toldToEnd(this.#lab, id));
    return {
      requests: reports.reduce((sum, { requests }) => sum + requests, 0),
      failed: reports.reduce((sum, { failed }) => sum + failed, 0),
      unanswered: ended.reduce((sum, { running }) => sum + running, 0),
    };
  }

  /** Runs something, and notes what it cost. */
  async measure(what: string, work: () => Promise<void>): Promise<{ failed: number; unanswered: number }> {
    const [before, startedAtMs] = [this.soFar(), Date.now()];
    await work();
    const after = this.soFar();
    const [requests, failed, unanswered] = (['requests', 'failed', 'unanswered'] as const).map(
      (key) => after[key] - before[key],
    ) as [number, number, number];
    const tookS = ((Date.now() - startedAtMs) / 1000).toFixed(1);
    figures.push(
      `${what}: ${requests} requests, ${failed} failed, ${unanswered} cut off or left at the end of a task, ${tookS} s`,
    );
    return { failed, unanswered };
  }
}

const NOTHING_LOST = { failed: 0, unanswered: 0 };

describe('ten instances under much load, with downloads of 4 s at any time', () => {
  let lab: Lab;
  let web: Cluster;
  beforeAll(async () => {
    lab = await startLab();
    web = new Cluster(lab, await startMarathonProxy(lab), 10);
    await web.run('start');
    const downloads = lab.publicAgents.map((address) =>
      startMixedLoad({
        ...{ address, port: SERVICE_PORT, plain: true, mix: { download: 1 }, lastingSeconds: 4 },
        ...{ ratePerSecond: 1, maxSeconds: 600, maxRequests: 600, timeoutMs: 10_000 },
      }),
    );
    web.users = [...startUsers(lab, 50, 600), ...downloads];
  });
  afterAll(async () => {
    await usersGone(web?.users ?? []);
    await web?.proxy.close();
    await lab?.stop();
  });

  it('blue → green, kept whole: the old colour is deleted only after the last byte of a download', async () => {
    const place = { address: lab.publicAgents[0] ?? '', port: SERVICE_PORT, path: '/download?seconds=20' };
    const lost = await web.measure('10, keep', async () => {
      const download = ask(place, { host: 'web' }).then(() => Date.now());
      const said = await web.run('start', '--old', 'keep', '--initial-instances', '10');
      const deletedAtMs = web.proxy.taken.at(-1)?.atMs ?? 0;

      expect(said).toMatch(/complete; green serves$/);
      expect(deletedAtMs).toBeGreaterThan(await download);
    });
    expect(lost).toEqual(NOTHING_LOST);
  });

  it.each<[string, string[][], RegExp]>([
    ['green → blue, shrinking', [['start', '--old', 'shrink']], /complete; blue serves$/],
    [
      'a split of 2, and the completion of it',
      [
        ['start', '--new-instances', '2'],
        ['resume', '--complete'],
      ],
      /complete; green serves$/,
    ],
    ['a split of 2, and back', [['start', '--new-instances', '2'], ['abort']], /reverted; green serves$/],
  ])('%s', async (what, commands, end) => {
    const lost = await web.measure(`10, ${what}`, async () => {
      let said = '';
      for (const [verb, ...words] of commands) said = await web.run(verb as 'start', ...words);

      expect(said).toMatch(end);
    });
    expect(lost).toEqual(NOTHING_LOST);
  });
});

/** HAProxy takes a listener that was out in again only after two of its own checks, which are a second apart here: a
 * task that dies within 2 s is sent nothing, whatever marathon-lb says. */
const SOON_MS = 2_000;
const LATE_MS = 5_000;

describe.each(['off', 'on'])('balancers that look all the time, with task_killing %s', (killing) => {
  let lab: Lab;
  let web: Cluster;
  let busy: { stop(): Promise<void> } | undefined;
  beforeAll(async () => {
    lab = await startLab({ marathon: { features: killing === 'on' ? ['task_killing'] : [] } });
    web = new Cluster(lab, await startMarathonProxy(lab), 4);
    await web.run('start');
    web.users = startUsers(lab, 50, 300);
    busy = await startBusyApp(lab);
  });
  afterAll(async () => {
    await busy?.stop();
    await usersGone(web?.users ?? []);
    await web?.proxy.close();
    await lab?.stop();
  });

  const measure = async (what: string, dyingMs: number, ...words: Parameters<Cluster['run']>) => {
    const [oldest = ''] = Object.keys(await instancesOf(lab)).sort(
      (a, b) => startedAt(lab, a) - startedAt(lab, b),
    );
    lab.marathon.faults.set({ slowStop: { appId: oldest, ms: dyingMs } });
    const about = `busy cluster, task_killing ${killing}, tasks die within ${dyingMs / 1000} s, ${what}`;
    return web.measure(about, async () => void (await web.run(...words)));
  };

  it('nothing is lost where the old colour is kept whole', async () => {
    const lost = await measure('keep', LATE_MS, 'start', '--old', 'keep');

    expect(lost).toEqual(NOTHING_LOST);
  });

  it('nothing is lost where it shrinks, and tasks die soon', async () => {
    const lost = await measure('shrink', SOON_MS, 'start', '--old', 'shrink');

    expect(lost).toEqual(NOTHING_LOST);
  });

  // Stock marathon-lb sends requests to a dying task then, and nobody can prevent it but task_killing.
  it('what it costs where tasks die late, of an old colour that shrinks or is split, is told', async () => {
    const shrunken = await measure('shrink', LATE_MS, 'start', '--old', 'shrink');
    const split = await measure('split of 2', LATE_MS, 'start', '--new-instances', '2');

    expect(Object.values(await instancesOf(lab))).toEqual([2, 2]);
    if (killing === 'on') expect([shrunken, split]).toEqual([NOTHING_LOST, NOTHING_LOST]);
  });

  it('nothing is lost where a split is completed', async () => {
    const lost = await measure('completion', LATE_MS, 'resume', '--complete');

    expect(Object.values(await instancesOf(lab))).toEqual([4]);
    expect(lost).toEqual(NOTHING_LOST);
  });
});

function startedAt(lab: Lab, appId: string): number {
  return Date.parse(`${lab.marathon.app(appId)?.labels.HAPROXY_DEPLOYMENT_STARTED_AT}Z`);
}
