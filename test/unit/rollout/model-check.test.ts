import fc from 'fast-check';
import { describe, it } from 'vitest';
import { play } from '../../support/rollout-world.ts';
import { faultOf } from '../../support/rollout-world-end.ts';
import { lives, oneLife, type Scenario, scenarios } from '../../support/rollout-world-scenario.ts';

/* The real decisions against a cluster in memory whose marathon-lb marks by the lab's own code: tasks that die, start
 * late or never, reloads that come late, balancers that are away, lost replies, and a tool that is killed and begun anew
 * at any point. The world judges: whether what is killed was sent anything, whether somebody serves, whether it ends. */

/** Each manner is played so often, from one seed: what is found by another one belongs into a test of its own. */
const RUNS = 150;
const SEED = 20_261_125;

interface Manner {
  what: string;
  from: Parameters<typeof scenarios>[0];
  /** The old colour is kept whole until it is deleted, so never a dying task is sent anything, and never fewer healthy
   * tasks are in use than before but for those that die by themselves. Else marathon-lb, which counts dying tasks as
   * alive, may let in as many as are dying by the tool's own kill. */
  isKept?: true;
}

const MANNERS: Manner[] = [
  {
    what: 'the old colour kept',
    from: { policy: { old: 'keep', onDrainTimeout: 'stop' } },
    isKept: true,
  },
  { what: 'the old colour made smaller', from: { policy: { old: 'shrink' } } },
  { what: 'splits', from: { splits: true } },
  {
    what: 'the way back from what zdd.py left',
    from: { left: true, lives: oneLife('back') },
  },
  { what: 'the way on from what zdd.py left', from: { left: true } },
  { what: 'kills, and resumes and aborts after them', from: { lives, splits: true } },
  { what: 'the same from what zdd.py left', from: { left: true, lives, splits: true } },
  { what: 'lost replies', from: { lives, losses: [0.1, 0.3], splits: true } },
  {
    what: 'mishaps, the old colour kept',
    from: { mishaps: 4, policy: { old: 'keep', onFailure: 'stop', onDrainTimeout: 'stop' } },
    isKept: true,
  },
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
  {
    what: 'a new colour of which some tasks never live, beside what zdd.py left, with mishaps',
    from: { fates: ['mixed'], lives, splits: true, left: true, mishaps: 2, losses: [0, 0.1] },
  },
  { what: 'a new colour that is never ready', from: { fates: ['never ready'], lives, splits: true } },
  {
    what: 'one that is never ready beside what zdd.py left',
    from: { fates: ['never ready'], lives, splits: true, left: true },
  },
  { what: 'connections that outlast their time', from: { held: true, splits: true } },
  {
    what: 'such connections, kills, and what zdd.py left',
    from: { held: true, splits: true, lives, left: true },
  },
  { what: 'a balancer that is away for too long', from: { away: true, splits: true, lives } },
  { what: 'more instances than before', from: { old: 'smaller', lives } },
  {
    what: 'more instances than before, of which some never live',
    from: { old: 'smaller', lives, fates: ['mixed', 'never healthy'] },
  },
  { what: 'an old colour that was deployed by hand', from: { old: 'bare', lives } },
];

describe('rollouts in a cluster in memory', () => {
  it.each(MANNERS)('end, and kill nothing that is in use: $what', ({ from, isKept = false }) => {
    fc.assert(
      fc.property(scenarios(from), (story) => {
        const scenario = { ...story, allowsDying: !isKept };
        const played = play(scenario);
        const { exposed, sessions } = played.tally;
        const sent = [exposed, sessions]
          .flatMap((counts) => Object.values(counts))
          .some((count) => count > 0);

        const fault =
          faultOf(scenario, played) ?? (isKept && sent ? 'a dying task is sent requests' : undefined);
        if (fault !== undefined) throw new Error(`${fault}\n${traceOf(scenario)}`);
      }),
      { numRuns: RUNS, seed: SEED },
    );
  });
});

const LONGEST_TRACE = 150;

/** What happened when, for whoever has to find out; waiting that goes on is left out. */
function traceOf(scenario: Scenario): string {
  const { notes } = play(scenario, true);
  const bare = (note: string | undefined) => note?.slice(11).replaceAll(/\d/g, '');
  const told = notes.filter((note, at) => !/ wait /.test(note) || bare(notes[at - 1]) !== bare(note));
  return `${JSON.stringify(scenario)}\n${told.slice(-LONGEST_TRACE).join('\n')}`;
}
