import { describe, expect, it } from 'vitest';
import { CertathonError } from '../../../src/lib/errors.ts';
import type { RolloutPolicy } from '../../../src/rollout/model.ts';
import { runRollout } from '../../../src/rollout/run.ts';
import { rolloutPolicy } from '../../support/colours.ts';
import { standing, stillTools } from '../../support/rollout-tools.ts';

const pair = async () => [standing('blue', 2), standing('green', 1)];
const away = () => new CertathonError('MARATHON_UNREACHABLE', 'no leader');

function run(
  tools: ReturnType<typeof stillTools>,
  policy: Partial<RolloutPolicy> = {},
  timeLimitMs = 0,
): Promise<unknown> {
  return runRollout({
    ...{ tools, group: 'web', pollMs: 1_000, timeLimitMs, report: () => undefined },
    policy: rolloutPolicy({ old: 'keep', ...policy }),
  });
}

describe('runRollout()', () => {
  it.each([
    ['locked', { kind: 'locked', deployments: ['d1'], message: 'App is locked' }, 'locked: App is locked'],
    ['lost', { kind: 'unknown', cause: new CertathonError('MARATHON_UNREACHABLE', 'cut off') }, 'cut off'],
  ])('repeats a write that was %s, and ends when it never is made', async (_what, result, words) => {
    let writes = 0;
    const scaleApp = async () => {
      writes += 1;
      return result;
    };
    const tools = stillTools({ apps: pair, marathon: { scaleApp } });
    const startMs = tools.clock.monotonicMs();

    const ended = await run(tools).catch((thrown: unknown) => thrown);

    expect(ended).toMatchObject({
      code: 'ROLLOUT_SCALE_FAILED',
      message: `Marathon did not scale /web-green within 300 s: ${words}`,
    });
    expect(tools.clock.monotonicMs() - startMs).toBe(301_000);
    expect(writes).toBe(301);
  });

  it('goes on when a write is taken in the end, and then looks anew', async () => {
    const green = [standing('green', 1), standing('green', 2)];
    let writes = 0;
    const tools = stillTools({
      apps: async () => [standing('blue', 2), green[writes < 4 ? 0 : 1] ?? standing('green', 1)],
      statuses: { 'web_10000/10_0_0_5_31000': 'MAINT', 'web_10000/10_0_0_5_31001': 'MAINT' },
      marathon: {
        scaleApp: async () => {
          writes += 1;
          return writes < 4
            ? { kind: 'locked', deployments: [], message: 'not now' }
            : { kind: 'accepted', deploymentId: 'd1', version: 'v1' };
        },
        deleteApp: async () => {
          throw new CertathonError('MARATHON_REFUSED', 'enough');
        },
      },
    });

    await expect(run(tools)).rejects.toMatchObject({
      ...{ code: 'ROLLOUT_DELETE_FAILED', cause: { message: 'enough' } },
    });
    expect(writes).toBe(4);
  });

  it('waits for a Marathon that is away for a while, and decides on nothing that it saw before', async () => {
    let reads = 0;
    const apps = async () => {
      reads += 1;
      if (reads > 2 && reads < 40) throw away();
      return [standing('blue', 2, reads < 40 ? { tasks: [] } : {})];
    };

    await expect(run(stillTools({ apps }))).resolves.toMatchObject({ state: 'complete' });
    expect(reads).toBeGreaterThan(40);
  });

  it('ends when Marathon stays away for as long as nothing may move on', async () => {
    const tools = stillTools({ apps: async () => Promise.reject(away()) });
    const startMs = tools.clock.monotonicMs();

    await expect(run(tools)).rejects.toMatchObject({ code: 'ROLLOUT_READ_FAILED' });
    expect(tools.clock.monotonicMs() - startMs).toBe(300_000);
  });

  it('leaves everything as it is when the hook says no to a way back that somebody asked for', async () => {
    const blue = standing('blue', 2, { versionInfo: { lastScalingAt: '2026-01-03T10:00:00.000Z' } });
    const tools = stillTools({
      apps: async () => [blue, standing('green', 1)],
      statuses: { 'web_10000/10_0_0_5_32000': 'MAINT' },
      ask: async () => ({ code: 'ROLLOUT_HOOK_FAILED', sentence: 'not now' }),
    });

    await expect(run(tools, { direction: 'back', hasHook: true })).rejects.toMatchObject({
      ...{ code: 'ROLLOUT_HOOK_FAILED', message: 'not now' },
    });
  });

  it('has an end by the time limit, sooner than where nothing moves on', async () => {
    const held = standing('green', 1, { deployments: [{ id: 'd1' }] });
    const tools = stillTools({ apps: async () => [standing('blue', 1), held] });
    const startMs = tools.clock.monotonicMs();

    await expect(run(tools, { onFailure: 'stop' }, 60_000)).rejects.toMatchObject({
      ...{ code: 'ROLLOUT_STUCK', message: expect.stringMatching(/^Not over after 60 s: 1 of 1 tasks/) },
    });
    expect(tools.clock.monotonicMs() - startMs).toBe(60_000);
  });

  it('grows without a further look once what is there was seen to serve', async () => {
    let killed = false;
    const asked: string[] = [];
    const tools = stillTools({
      apps: async () => [standing('blue', killed ? 1 : 2), standing('green', 1)],
      statuses: { 'web_10000/10_0_0_5_31000': 'MAINT' },
      marathon: {
        killAndScale: async () => {
          asked.push('kill');
          killed = true;
          return { kind: 'accepted', deploymentId: 'd1', version: 'v1' };
        },
        scaleApp: async () => {
          throw new CertathonError('MARATHON_REFUSED', 'enough');
        },
      },
    });
    const { look } = tools;
    tools.look = async (place) => {
      asked.push('look');
      return look(place);
    };

    await expect(run(tools, { old: 'shrink' })).rejects.toMatchObject({ code: 'ROLLOUT_SCALE_FAILED' });
    expect(asked.at(-1)).toBe('kill');
  });

  it('asks balancers soon at first, and more seldom the longer connections last', async () => {
    const looks: number[] = [];
    const blue = standing('blue', 2);
    const tools = stillTools({
      apps: async () => [blue, standing('green', 2)],
      // Nobody says which process is which, and both were there before.
      look: async (place) => {
        looks.push(tools.clock.monotonicMs());
        const rows = [blue, standing('green', 2)].flatMap(({ id, tasks }) =>
          tasks.map(({ ports }) => ({
            listener: `web_10000/10_0_0_5_${ports[0]}`,
            status: id === blue.id ? 'MAINT' : 'UP',
            ...{ sessions: id === blue.id ? 1 : 0, queued: 0 },
          })),
        );
        return { balancer: place.id, pids: [1, 2], servingPid: 2, rows, atMs: tools.clock.monotonicMs() };
      },
    });

    await expect(run(tools)).rejects.toMatchObject({ code: 'ROLLOUT_DRAIN_TIMEOUT' });
    // The last one is cut short by the deadline.
    const gaps = looks.slice(1, -1).map((atMs, index) => atMs - (looks[index] ?? 0));
    expect(gaps.slice(0, 8)).toEqual(Array.from({ length: 8 }, () => 100));
    expect(gaps.slice(-20)).toEqual(Array.from({ length: 20 }, () => 1_000));
    expect(gaps.toSorted((a, b) => a - b)).toEqual(gaps);
    expect(looks.length).toBeLessThan(340);
  });
});
