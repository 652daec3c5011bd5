import { describe, expect, it } from 'vitest';
import { activeSentence, prepare, type RolloutWish } from '../../../src/rollout/prepare.ts';
import { rolloutPolicy } from '../../support/colours.ts';
import { definitionJson, greenApp, labels } from '../../support/rollout-apps.ts';

const BALANCER = { id: '/marathon-lb', groups: ['external'], checksHealth: true };

function wish(json: object = {}, changes: Partial<RolloutWish> = {}): RolloutWish {
  return {
    text: JSON.stringify(definitionJson({ ...json })),
    ...{ source: 'shop.json', accept: new Set<never>(), keepInstances: false, newInstances: 0, nowMs: 0 },
    ...{ isByAddress: false, policy: rolloutPolicy() },
    ...changes,
  };
}

describe('activeSentence()', () => {
  it.each<[string, number, string[]]>([
    ['2', 2, ['is split: /a-blue with 8 and /a-green with 2 instances', '`rollout resume shop --complete`']],
    ['0', 0, ['is being rolled out: /a-blue with 8', '`rollout resume shop` goes on to /a-green alone']],
  ])('names the state of a group with two colours, and what each way out does', (_label, share, words) => {
    const [old, fresh] = [
      greenApp({ id: '/a-blue', instances: 8 }),
      greenApp({ id: '/a-green', instances: 2 }),
    ];

    const sentence = activeSentence('shop', { kind: 'pair', old, fresh, isHybridWanted: share });

    for (const part of [...words, '`rollout abort shop` goes back to /a-blue'])
      expect(sentence).toContain(part);
  });
});

describe('prepare()', () => {
  it('tells before anything is touched which labels count only when the old colour is gone', () => {
    const vhost = { labels: labels({ HAPROXY_0_VHOST: 'shop.example.com' }) };

    const { notices } = prepare(wish(vhost), [greenApp()], [BALANCER]);

    expect(notices).toContainEqual(
      expect.stringMatching(/^HAPROXY_0_VHOST "shop.example.com" is new: marathon-lb takes it when the old/),
    );
  });

  it('plans the ladder, and creates the next colour with its first instances', () => {
    const plan = prepare(wish(), [greenApp()], [BALANCER]);

    expect(plan).toMatchObject({ group: 'nginx', target: 3, next: { id: '/nginx-blue', instances: 1 } });
    expect(plan.steps.at(-1)).toMatchObject({ do: 'finish', state: 'complete' });
  });

  it('replaces the old colour where all instances are to be new', () => {
    const plan = prepare(wish({}, { newInstances: 3 }), [greenApp()], [BALANCER]);

    expect(plan.policy.split).toBe(0);
    expect(plan.next.labels).toMatchObject({ HAPROXY_DEPLOYMENT_NEW_INSTANCES: '0' });
    expect(plan.steps.at(-1)).toMatchObject({ state: 'complete' });
  });

  it('refuses a group with two colours, and says what can be done', () => {
    const blue = greenApp({ id: '/nginx-blue' }, { HAPROXY_DEPLOYMENT_STARTED_AT: '2016-01-01T00:00:00' });

    expect(() => prepare(wish(), [greenApp(), blue], [BALANCER])).toThrow(
      expect.objectContaining({
        ...{ code: 'ROLLOUT_ACTIVE', message: expect.stringContaining('`rollout abort nginx` goes back to') },
      }),
    );
  });

  it('takes given addresses for balancers that may be others than those that are known', () => {
    const strange = { ...BALANCER, groups: ['internal'] };

    for (const known of [[], [strange]]) {
      expect(() => prepare(wish({}, { isByAddress: true }), [greenApp()], known)).not.toThrow();
      expect(() => prepare(wish(), [greenApp()], known)).toThrow(
        expect.objectContaining({
          ...{ code: 'ROLLOUT_UNSAFE', message: expect.stringContaining('No balancer takes the group') },
        }),
      );
    }
  });
});
