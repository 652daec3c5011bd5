import { describe, expect, it } from 'vitest';
import { afterStep, remember } from '../../../src/rollout/memory.ts';
import type { RolloutStep } from '../../../src/rollout/model.ts';
import { pairSeen, rolloutMemory, rolloutPolicy, type Standing } from '../../support/colours.ts';

const times = (count: number): Standing[] => Array.from({ length: count }, () => 'in');
const kill: RolloutStep = {
  ...{ do: 'kill', appId: '/web-blue', taskIds: ['blue.1', 'blue.2'], reason: 'x' },
  grow: { appId: '/web-green', from: 2, instances: 4 },
};
const start = () => remember(rolloutMemory(), pairSeen(times(4), times(2)), rolloutPolicy(), 1);

describe('the numbers of instances that are expected', () => {
  it('are those of the first look', () => {
    expect(start().expected).toEqual({ '/web-blue': 4, '/web-green': 2 });
  });

  it('are after a kill as many less, or more where Marathon passed over some that had died', () => {
    expect(afterStep(start(), kill, 2).expected).toEqual({ '/web-blue': [2, 4], '/web-green': 4 });
  });

  it('are known again from the next look on', () => {
    const killed = afterStep(start(), kill, 2);

    const { expected } = remember(killed, pairSeen(times(3), times(4)), rolloutPolicy(), 3);

    expect(expected).toEqual({ '/web-blue': 3, '/web-green': 4 });
  });

  it('stay between two numbers while what is there is neither', () => {
    const killed = afterStep(start(), kill, 2);

    const { expected } = remember(killed, pairSeen(times(1), times(4)), rolloutPolicy(), 3);

    expect(expected).toEqual({ '/web-blue': [2, 4], '/web-green': 4 });
  });
});
