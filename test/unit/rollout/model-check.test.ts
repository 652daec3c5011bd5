import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Played, play } from '../../support/rollout-world.ts';
import { lives, oneLife, type Scenario, scenarios } from '../../support/rollout-world-scenario.ts';

/* The real decisions against a cluster in memory whose marathon-lb marks by the lab's own code: tasks that die, start
 * late or never, reloads that come late, balancers that are away, lost replies, and a tool that is killed and begun anew
 * at any point. The world judges: whether what is killed was sent anything, whether somebody serves, whether it ends. */

/** Each manner is played so often, from one seed: what is found by another one belongs into a test of its own. */
const RUNS = 200;
const SEED = 20_261_125;

interface Manner {
  what: string;
  from: Parameters<typeof scenarios>[0];
  /** Whether a task that dies may be sent requests: marathon-lb counts it as alive, and only a colour that is kept
   * whole until it is deleted is safe from that. */
  change?: Partial<Scenario>;
  states?: string[];
}

const KEPT: Manner['change'] = { allowsDying: false };

const MANNERS: Manner[] = [
  {
    what: 'the old colour kept',
    from: { policy: { old: 'keep', onDrainTimeout: 'stop' } },
    change: KEPT,
    states: ['complete'],
  },
  { what: 'the old colour made smaller', from: { policy: { old: 'shrink' } }, states: ['complete'] },
  { what: 'splits', from: { splits: true }, states: ['split', 'complete'] },
  {
    what: 'the way back from what zdd.py left',
    from: { left: true, lives: oneLife('back') },
    states: ['reverted'],
  },
  { what: 'the way on from what zdd.py left', from: { left: true }, states: ['complete'] },
  { what: 'kills, and resumes and aborts after them', from: { lives, splits: true } },
  { what: 'the same from what zdd.py left', from: { left: true, lives, splits: true } },
  { what: 'lost replies', from: { lives, losses: [0.1, 0.3], splits: true } },
  { what: 'mishaps, the old colour kept', from: { mishaps: 4, policy: { old: 'keep' } }, change: KEPT },
  { what: 'mishaps, kills and lost replies', from: { mishaps: 4, splits: true, lives, losses: [0, 0.1] } },
  {
    what: 'all of it, from what zdd.py left',
    from: { mishaps: 4, splits: true, lives, left: true, losses: [0, 0.1] },
  },
  { what: 'a new colour of which some tasks never live', from: { fates: ['mixed'], lives, splits: true } },
  {
    what: 'a new colour that never lives',
    from: { fates: ['never healthy', 'crash loop'], lives, splits: true },
  },
  {
    what: 'the same beside what zdd.py left',
    from: { fates: ['never healthy', 'crash loop'], lives, splits: true, left: true },
  },
];

describe('rollouts in a cluster in memory', () => {
  it.each(MANNERS)('end, and kill nothing that is in use: $what', ({ from, change, states }) => {
    fc.assert(
      fc.property(scenarios(from), (scenario) => {
        const played = play({ ...scenario, ...change });

        const wrong = played.violation ?? (played.outcome === undefined ? 'it never ends' : undefined);
        if (wrong !== undefined) throw new Error(`${wrong}\n${traceOf({ ...scenario, ...change })}`);
        if (states === undefined) return;
        expect(states).toContain(stateOf(played));
        for (const { blue, green } of played.inUse) expect(blue + green).toBeGreaterThan(0);
      }),
      { numRuns: RUNS, seed: SEED },
    );
  });
});

function stateOf({ outcome }: Played): string | undefined {
  if (outcome?.kind === 'stop') return outcome.code;
  return outcome?.kind === 'finish' ? outcome.state : outcome?.kind;
}

/** What happened when, for whoever has to find out. */
function traceOf(scenario: Scenario): string {
  return `${JSON.stringify(scenario)}\n${play(scenario, true).notes.slice(-120).join('\n')}`;
}
