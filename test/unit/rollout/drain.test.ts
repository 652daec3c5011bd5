import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BalancerLook,
  type DrainMemory,
  emptyDrain,
  type ListenerState,
  onlyBalancers,
  rememberLook,
  stateOf,
} from '../../../src/rollout/drain.ts';
import { HaproxyProcesses, type Standing } from '../../support/haproxy-processes.ts';

const L = 'web_10000/10_0_0_5_31000';
const DRAINED: ListenerState = { kind: 'out', isListed: true, holders: [] };

type Told = Partial<Omit<BalancerLook, 'rows'>> & {
  status?: string | undefined;
  sessions?: number;
  queued?: number;
};

/** A look of a balancer `lb` at L: MAINT without sessions if nothing else is said; no status: no line. */
function seen(told: Told = {}): BalancerLook {
  const { status, sessions = 0, queued = 0, ...rest } = { status: 'MAINT', ...told };
  const rows = status === undefined ? [] : [{ listener: L, status, sessions, queued }];
  return { ...{ balancer: 'lb', pids: [1, 2], servingPid: 2, atMs: 0 }, ...rest, rows };
}

function afterwards(...looks: Told[]): ListenerState | undefined {
  const memory = looks.reduce(
    (before: DrainMemory, told, at) => rememberLook(before, seen({ atMs: at * 1_000, ...told }), [L]),
    emptyDrain,
  );
  return stateOf(memory, 'lb', L);
}

/** Pids that may hold it, `drained`, or how it stands otherwise. */
function said(state: ListenerState | undefined): string {
  if (state === undefined || state.kind !== 'out') return state?.kind ?? 'unknown';
  return state.holders.length === 0 ? 'drained' : `held by ${state.holders.map(({ pid }) => pid).join(' ')}`;
}

describe('a listener', () => {
  it.each<[string | undefined, ListenerState]>([
    ['UP', { kind: 'in', status: 'UP', sessions: 0 }],
    ['UP 1/3', { kind: 'in', status: 'UP 1/3', sessions: 0 }],
    ['no check', { kind: 'in', status: 'no check', sessions: 0 }],
    ['DOWN', { kind: 'down', status: 'DOWN', sessions: 0 }],
    ['DOWN 1/2', { kind: 'down', status: 'DOWN 1/2', sessions: 0 }],
    ['DRAIN', { kind: 'down', status: 'DRAIN', sessions: 0 }],
    ['NOLB', { kind: 'down', status: 'NOLB', sessions: 0 }],
    ['of a later version', { kind: 'down', status: 'of a later version', sessions: 0 }],
    ['MAINT', DRAINED],
    ['MAINT (via a/b)', DRAINED],
    [undefined, { kind: 'out', isListed: false, holders: [] }],
  ])('with the status %j', (status, expected) => {
    expect(afterwards({ status })).toEqual(expected);
  });
});

const IN = { status: 'UP' };
const UNTOLD = { servingPid: undefined };

describe('rememberLook() follows processes', () => {
  it.each<[string, Told[], string]>([
    ['in use', [IN], 'in'],
    ['taken out by a reload, the old worker is there', [IN, { pids: [1, 2, 3], servingPid: 3 }], 'held by 2'],
    [
      'the old worker ended',
      [IN, { pids: [1, 2, 3], servingPid: 3 }, { pids: [1, 3], servingPid: 3 }],
      'drained',
    ],
    [
      'another reload meanwhile, whose old worker never sent to it',
      [
        IN,
        { pids: [1, 2, 3], servingPid: 3 },
        { pids: [1, 2, 3, 4], servingPid: 4 },
        { pids: [1, 3, 4], servingPid: 4 },
      ],
      'drained',
    ],
    [
      'a check of a configuration at the first look that shows it out',
      [IN, { pids: [1, 3, 40], servingPid: 3 }, { pids: [1, 3], servingPid: 3 }],
      'drained',
    ],
    [
      'a check of a configuration later, which might be a worker of a moment',
      [IN, { pids: [1, 3], servingPid: 3 }, { pids: [1, 3, 40], servingPid: 3 }],
      'held by 40',
    ],
    [
      'a check of a configuration that has ended',
      [
        IN,
        { pids: [1, 3], servingPid: 3 },
        { pids: [1, 3, 40], servingPid: 3 },
        { pids: [1, 3], servingPid: 3 },
      ],
      'drained',
    ],
    [
      'a worker that nobody saw, begun and replaced between two looks',
      [IN, { pids: [1, 3, 4], servingPid: 4 }],
      'held by 3',
    ],
    ['the old worker answers while the new one begins', [IN, { ...IN, pids: [1, 2, 3] }], 'in'],
    [
      'and then the new one answers',
      [IN, { ...IN, pids: [1, 2, 3] }, { pids: [1, 2, 3], servingPid: 3 }],
      'held by 2',
    ],
    [
      'and a third one, while the second is held by other connections',
      [
        ...[IN, { ...IN, pids: [1, 2, 3] }, { pids: [1, 2, 3], servingPid: 3 }],
        ...[
          { pids: [1, 2, 3, 4], servingPid: 4 },
          { pids: [1, 3, 4], servingPid: 4 },
        ],
      ],
      'drained',
    ],
    [
      'two processes that both have answered, of which none can be the master',
      [
        { ...IN, pids: [2, 3], servingPid: 3 },
        { pids: [3, 4], servingPid: 4 },
      ],
      'held by 3',
    ],
    ['a new container', [IN, { pids: [11, 12], servingPid: 12 }], 'drained'],
    ['a new container that has reloaded already', [IN, { pids: [11, 12, 13], servingPid: 13 }], 'held by 12'],
    [
      'out and in again',
      [IN, { pids: [1, 2, 3], servingPid: 3 }, { ...IN, pids: [1, 4], servingPid: 4 }],
      'in',
    ],
    [
      'out, in, and out again',
      [{}, { ...IN, pids: [1, 2, 3], servingPid: 3 }, { pids: [1, 2, 3, 4], servingPid: 4 }],
      'held by 3',
    ],
    ['sick and then taken out', [{ status: 'DOWN' }, { pids: [1, 2, 3], servingPid: 3 }], 'held by 2'],
    ['taken out by hand, with sessions left', [{ sessions: 2 }], 'held by 2'],
    ['taken out by hand, with requests waiting', [{ queued: 1 }], 'held by 2'],
    ['taken out by hand, and then without sessions', [{ sessions: 2 }, {}], 'drained'],
    [
      'the master has the higher number',
      [
        { ...IN, pids: [2, 9] },
        { pids: [2, 3, 9], servingPid: 3 },
      ],
      'held by 2',
    ],
  ])('%s', (_what, looks, expected) => {
    expect(said(afterwards(...looks))).toBe(expected);
  });

  it.each<[string, Told[], string]>([
    ['in use', [IN], 'in'],
    ['taken out, the old worker is there', [IN, { pids: [1, 2, 3] }], 'held by 2'],
    ['the old worker ended', [IN, { pids: [1, 2, 3] }, { pids: [1, 3] }], 'drained'],
    ['workers begun later do not matter', [IN, { pids: [1, 2, 3] }, { pids: [1, 3, 4] }], 'drained'],
    ['a new container', [IN, { pids: [11, 12, 13] }], 'drained'],
    [
      'a new worker that was there while the old one answered',
      [IN, { ...IN, pids: [1, 2, 3] }, { pids: [1, 3] }],
      'drained',
    ],
    ['nothing remembered, at rest', [{}], 'drained'],
    ['nothing remembered, three processes', [{ pids: [1, 2, 3] }], 'held by 2 3'],
    [
      'nothing remembered, the one that ends was too much',
      [{ pids: [1, 2, 3] }, { pids: [1, 3] }],
      'drained',
    ],
    ['its own sessions, at rest', [{ sessions: 1 }], 'held by 2'],
    ['its own sessions, after it was drained', [{}, { sessions: 1 }], 'held by 2'],
  ])('where nobody tells who answered: %s', (_what, looks, expected) => {
    expect(said(afterwards(...looks.map((told) => ({ ...told, ...UNTOLD }))))).toBe(expected);
  });

  it.each<[string, Told[], string]>([
    ['at rest', [{}], 'drained'],
    ['with an old worker', [{ pids: [1, 2, 3], servingPid: 3 }], 'held by 2'],
    ['with two', [{ pids: [1, 2, 3, 4], servingPid: 4 }], 'held by 2 3'],
    [
      'with an old worker that ends',
      [
        { pids: [1, 2, 3], servingPid: 3 },
        { pids: [1, 3], servingPid: 3 },
      ],
      'drained',
    ],
  ])(
    'knowing nothing of before, it waits for everything older than who answers: %s',
    (_what, looks, expected) => {
      expect(said(afterwards(...looks))).toBe(expected);
    },
  );

  it.each<[string, Told[], string]>([
    [
      'the old worker is there',
      [
        { ...IN, pids: [2] },
        { pids: [2, 3], servingPid: 3 },
      ],
      'held by 2',
    ],
    [
      'nobody tells who answers',
      [
        { ...IN, ...UNTOLD, pids: [2] },
        { ...UNTOLD, pids: [2, 3] },
      ],
      'held by 2',
    ],
    [
      'the old worker ended',
      [
        { ...IN, pids: [2] },
        { pids: [2, 3], servingPid: 3 },
        { pids: [3], servingPid: 3 },
      ],
      'drained',
    ],
  ])(
    'without a master, which a single process at rest shows, no process is left out: %s',
    (_what, looks, expected) => {
      expect(said(afterwards(...looks))).toBe(expected);
    },
  );

  it('begins anew after a gap, in which it may have been in use', () => {
    const out = { pids: [1, 3], servingPid: 3 };
    const seen = { pids: [1, 3, 4], servingPid: 4 };
    const last = { pids: [1, 3, 4, 5], servingPid: 5 };

    expect(said(afterwards(IN, out, seen, last))).toBe('drained');
    expect(said(afterwards(IN, out, last))).toBe('held by 4');
    expect(said(afterwards(...[IN, out, last].map((told, at) => ({ ...told, atMs: at * 11_000 }))))).toBe(
      'held by 4',
    );
  });

  it('tells how many sessions a process had when it last answered, and when that was', () => {
    const state = afterwards(
      { ...IN, sessions: 5 },
      { ...IN, sessions: 3 },
      { pids: [1, 2, 3], servingPid: 3 },
    );

    expect(state).toEqual({
      kind: 'out',
      isListed: true,
      holders: [{ pid: 2, sessions: 3, seenAtMs: 1_000 }],
    });
  });

  it('keeps a process that had no sessions when it last answered: it may have got some since', () => {
    const state = afterwards(IN, { pids: [1, 2, 3], servingPid: 3 });

    expect(state).toMatchObject({ holders: [{ pid: 2, sessions: 0 }] });
  });

  it('does not know the sessions of a process that nobody saw', () => {
    expect(afterwards({ pids: [1, 2, 3], servingPid: 3 })).toEqual({
      ...{ kind: 'out', isListed: true },
      holders: [{ pid: 2, sessions: undefined, seenAtMs: undefined }],
    });
  });

  it('finds a line whose address only the balancer knows', () => {
    const star = 'web_10000/agent_*_31000';
    const row = { listener: 'web_10000/agent_10_0_0_5_31000', status: 'UP', sessions: 4, queued: 0 };
    const first = rememberLook(emptyDrain, { ...seen(), rows: [row] }, [star]);
    const out = {
      ...seen({ pids: [1, 2, 3], servingPid: 3 }),
      rows: [{ ...row, status: 'MAINT', sessions: 0 }],
    };

    expect(stateOf(first, 'lb', star)).toEqual({ kind: 'in', status: 'UP', sessions: 4 });
    expect(stateOf(rememberLook(first, out, [star]), 'lb', star)).toEqual({
      ...{ kind: 'out', isListed: true },
      holders: [{ pid: 2, sessions: 4, seenAtMs: 0 }],
    });
  });

  it('a listener that was never on a worker which answered is not held by it', () => {
    const other = 'web_10000/10_0_0_9_31000';
    const first = rememberLook(emptyDrain, seen(IN), [L]);
    const second = rememberLook(first, seen({ ...IN, pids: [1, 2, 3], servingPid: 3 }), [L, other]);

    expect(said(stateOf(second, 'lb', other))).toBe('drained');
  });

  it('forgets listeners that are not watched and balancers that are not there', () => {
    const both = [seen(IN), seen({ ...IN, balancer: 'lb2' })].reduce(
      (memory, look) => rememberLook(memory, look, [L]),
      emptyDrain,
    );
    const less = onlyBalancers(rememberLook(both, seen(IN), []), ['lb']);

    expect(stateOf(both, 'lb2', L)).toMatchObject({ kind: 'in' });
    expect(stateOf(less, 'lb', L)).toBeUndefined();
    expect(stateOf(less, 'lb2', L)).toBeUndefined();
    expect(Object.keys(less)).toEqual(['lb']);
  });

  it('is plain JSON, which may be written and read between two looks', () => {
    const looks = [seen({ ...IN, sessions: 2 }), seen({ atMs: 1_000, pids: [1, 2, 3], servingPid: 3 })];
    const copied = (memory: DrainMemory) => JSON.parse(JSON.stringify(memory)) as DrainMemory;

    const plain = looks.reduce((memory, look) => rememberLook(memory, look, [L]), emptyDrain);
    const written = looks.reduce((memory, look) => copied(rememberLook(memory, look, [L])), emptyDrain);

    expect(written).toEqual(plain);
  });
});

const LISTENERS = ['web_1/a', 'web_1/b', 'web_2/a'];
type Op =
  | { do: 'reload'; standings: Standing[]; isSettled: boolean }
  | { do: 'open'; listener: number; which: number }
  | { do: 'close'; which: number }
  | { do: 'settle' | 'forget' | 'restart' }
  | { do: 'check'; isBeginning: boolean }
  | { do: 'look'; which: number; tellsWho: boolean; first: Op[]; after: Op[] };

function operations(depth = 1): fc.Arbitrary<Op> {
  const which = fc.nat(5);
  const standing = fc.constantFrom<Standing>('in', 'in', 'out', 'out', 'absent', 'down');
  const isYes = fc.boolean();
  const reload = fc.record({
    do: fc.constant('reload' as const),
    standings: fc.tuple(standing, standing, standing),
    isSettled: isYes,
  });
  const plain = [
    { weight: 4, arbitrary: reload },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('open' as const), listener: fc.nat(2), which }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('close' as const), which }) },
    { weight: 2, arbitrary: fc.constant({ do: 'settle' as const }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('check' as const), isBeginning: isYes }) },
  ];
  if (depth === 0) return fc.oneof(...plain);
  const inside = fc.array(operations(0), { maxLength: 2 });
  return fc.oneof(
    ...plain,
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant('look' as const),
        which,
        tellsWho: isYes,
        first: inside,
        after: inside,
      }),
    },
    { weight: 1, arbitrary: fc.constantFrom({ do: 'forget' as const }, { do: 'restart' as const }) },
  );
}

/** Plays operations on a balancer, and holds every claim of "drained" against what its processes really have. */
class Played {
  readonly haproxy: HaproxyProcesses;
  readonly who: 'always' | 'never' | 'sometimes';
  memory: DrainMemory = emptyDrain;
  claims = 0;
  #atMs = 0;
  /** What no look may miss, as `rememberLook()` says: a listener that comes in and goes out again between two looks;
   * where nobody tells who answered, any worker at all. */
  #mayBegin = true;

  constructor(who: Played['who'], hasMaster: boolean) {
    this.who = who;
    this.haproxy = new HaproxyProcesses(Object.fromEntries(LISTENERS.map((name) => [name, 'in'])), {
      hasMaster,
    });
    // Of one without a master nothing else tells.
    if (!hasMaster) this.look(0, true);
  }

  play(op: Op): void {
    const { haproxy } = this;
    if (op.do === 'reload') this.#reload(op.standings, op.isSettled);
    else if (op.do === 'open') haproxy.open(LISTENERS[op.listener] as string, op.which);
    else if (op.do === 'close') haproxy.close(op.which);
    else if (op.do === 'settle') haproxy.settle();
    else if (op.do === 'check') haproxy.check(op.isBeginning);
    else if (op.do === 'look') this.look(op.which, op.tellsWho, op.first, op.after);
    else if (op.do === 'forget') {
      // That there is no master shows only at rest.
      if (haproxy.master === undefined) return;
      this.memory = emptyDrain;
      this.#mayBegin = true;
    } else if (this.#takesBegin()) haproxy.restart(haproxy.newest.config);
  }

  look(which: number, tellsWho: boolean, first: readonly Op[] = [], after: readonly Op[] = []): void {
    this.#atMs += 1_000;
    const { haproxy } = this;
    const before = haproxy.pids();
    for (const op of first) this.play(op);
    const isTold = this.who === 'sometimes' ? tellsWho : this.who === 'always';
    const look = haproxy.look(this.#atMs, { which, tellsWho: isTold });
    const truth = LISTENERS.map((listener) => this.#mayBeHeld(listener, haproxy.answering(which).pid));
    for (const op of after) this.play(op);
    if (before.join() !== look.pids.join() || look.pids.join() !== haproxy.pids().join()) return;
    this.memory = rememberLook(this.memory, look, LISTENERS);
    this.#mayBegin = true;
    for (const [at, listener] of LISTENERS.entries()) {
      if (said(stateOf(this.memory, 'lb', listener)) !== 'drained') continue;
      this.claims += 1;
      expect({ listener, mayBeHeld: truth[at] }).toEqual({ listener, mayBeHeld: false });
    }
  }

  /** By a worker not younger than the one that answers: it sends there, or has sessions. */
  #mayBeHeld(listener: string, answering: number): boolean {
    return this.haproxy.workers.some(
      ({ pid, config, sessions }) =>
        (pid < answering && (config[listener] === 'in' || config[listener] === 'down')) ||
        (pid <= answering && (sessions[listener] ?? 0) > 0),
    );
  }

  /** Whether a worker may begin now. */
  #takesBegin(): boolean {
    const may = this.who === 'always' || this.#mayBegin;
    this.#mayBegin = false;
    return may;
  }

  #reload(standings: readonly Standing[], isSettled: boolean): void {
    if (!this.#takesBegin()) return;
    const { config } = this.haproxy.newest;
    const next = LISTENERS.map((listener, at) => {
      const wasSeenOut = stateOf(this.memory, 'lb', listener)?.kind === 'out';
      const isUnseen = wasSeenOut && (config[listener] === 'in' || config[listener] === 'down');
      return [listener, isUnseen ? 'in' : (standings[at] ?? 'in')] as const;
    });
    this.haproxy.reload(Object.fromEntries(next), isSettled);
  }
}

describe('over random reloads, sessions, checks and restarts', () => {
  it.each<[string, Played['who'], boolean]>([
    ['where it is told who answers', 'always', true],
    ['where it is never told who answers', 'never', true],
    ['where it is sometimes told who answers', 'sometimes', true],
    ['of a balancer without a master', 'always', false],
  ])(
    'never says drained while an old worker may hold the listener, and always in the end: %s',
    (_what, who, hasMaster) => {
      let claims = 0;
      fc.assert(
        fc.property(fc.array(operations(), { maxLength: 60, size: 'max' }), (happened) => {
          const played = new Played(who, hasMaster);
          for (const op of happened) played.play(op);
          claims += played.claims;

          const { haproxy } = played;
          haproxy.settle();
          haproxy.check(false);
          haproxy.closeAll();
          played.look(0, true);

          const ends = LISTENERS.map((listener) => said(stateOf(played.memory, 'lb', listener)));
          const expected = { in: 'in', down: 'down', out: 'drained', absent: 'drained' } as const;
          expect(ends).toEqual(
            LISTENERS.map((listener) => expected[haproxy.newest.config[listener] as Standing]),
          );
        }),
        { numRuns: 3_000 },
      );
      expect(claims).toBeGreaterThan(1_500);
    },
  );
});
