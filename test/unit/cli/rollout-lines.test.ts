import { describe, expect, it } from 'vitest';
import {
  endJson,
  endLine,
  historyText,
  isNews,
  jsonLine,
  plainLine,
  planJson,
  planText,
  type RolloutEnd,
  statusText,
} from '../../../src/cli/rollout-lines.ts';
import { liveView } from '../../../src/cli/rollout-view.ts';
import { sessionWords, stepWords, timeLeft } from '../../../src/cli/rollout-words.ts';
import type { RolloutStep } from '../../../src/rollout/model.ts';
import type { RolloutPlan } from '../../../src/rollout/prepare.ts';
import type { GroupStatus, HistoryRow } from '../../../src/rollout-status.ts';
import { rolloutPolicy } from '../../support/colours.ts';
import { greenApp } from '../../support/rollout-apps.ts';
import { colourProgress, rolloutProgress } from '../../support/rollout-progress.ts';

const AT = new Date('2026-01-03T10:00:07.000Z');
const [blue, green] = ['/shop-blue', '/shop-green'];
const why = { reason: 'because' };

const STEPS: [RolloutStep, string][] = [
  [{ do: 'wait', for: 'reload', untilMs: 1, ...why }, 'wait (reload): because'],
  [{ do: 'scale', appId: green, from: 1, instances: 2, ...why }, 'scale /shop-green 1 → 2: because'],
  [
    { do: 'ask', appId: blue, taskIds: ['a', 'b'], isWhole: false, ...why },
    'ask before 2 tasks of /shop-blue die: because',
  ],
  [
    { do: 'ask', appId: blue, taskIds: ['a'], isWhole: true, ...why },
    'ask before /shop-blue is deleted: because',
  ],
  [
    { do: 'kill', appId: blue, taskIds: ['a'], grow: undefined, ...why },
    'kill 1 task of /shop-blue: because',
  ],
  [
    { do: 'kill', appId: blue, taskIds: ['a', 'b'], grow: { appId: green, from: 2, instances: 4 }, ...why },
    'kill 2 tasks of /shop-blue, scale /shop-green 2 → 4: because',
  ],
  [{ do: 'delete', appId: blue, ...why }, 'delete /shop-blue: because'],
  [{ do: 'cancel', appId: green, deploymentId: 'd1', ...why }, 'end deployment d1 of /shop-green: because'],
  [{ do: 'turn', code: 'ROLLOUT_STUCK', ...why }, 'turn back (ROLLOUT_STUCK): because'],
  [{ do: 'stop', code: 'ROLLOUT_DRAIN_TIMEOUT', ...why }, 'stop (ROLLOUT_DRAIN_TIMEOUT): because'],
  [{ do: 'finish', state: 'complete', ...why }, 'done (complete): because'],
];

describe('stepWords()', () => {
  it.each(STEPS)('puts %j into words', (step, words) => {
    expect(stepWords(step)).toBe(words);
  });

  it('keeps what comes from elsewhere on one line', () => {
    const step: RolloutStep = { do: 'delete', appId: '/a\u001b[2J', reason: 'said\n"no"\u202e' };

    expect(stepWords(step)).toBe('delete /a\\u{1b}[2J: said\\u{a}"no"\\u{202e}');
  });
});

describe('sessionWords()', () => {
  it.each([
    [3, 'process 41 holds 3 sessions of shop_10000/x at lb-1'],
    [1, 'process 41 holds 1 session of shop_10000/x at lb-1'],
    [undefined, 'process 41 may hold sessions of shop_10000/x at lb-1'],
  ])('tells of %s', (sessions, words) => {
    expect(sessionWords({ balancer: 'lb-1', pid: 41, listener: 'shop_10000/x', sessions })).toBe(words);
  });
});

describe('timeLeft()', () => {
  it.each([
    [undefined, ''],
    [-5_000, '0s'],
    [0, '0s'],
    [1, '1s'],
    [59_000, '59s'],
    [60_000, '1m 0s'],
    [295_000, '4m 55s'],
    [7_380_000, '2h 3m'],
  ])('writes %s ms as %j', (ms, text) => {
    expect(timeLeft({ at: AT, deadlineMs: ms === undefined ? undefined : AT.getTime() + ms })).toBe(text);
  });
});

describe('plainLine()', () => {
  it.each([
    [
      rolloutProgress(),
      '10:00:07 shop: wait (drain): connections to blue.1 are left [blue 3/4, green 1/1, 4m 55s left]',
    ],
    [
      rolloutProgress({
        direction: 'back',
        deadlineMs: undefined,
        step: { do: 'delete', appId: green, ...why },
      }),
      '10:00:07 shop: back: delete /shop-green: because [blue 3/4, green 1/1]',
    ],
    [
      rolloutProgress({
        group: 'a\nb',
        deadlineMs: undefined,
        colours: [colourProgress('blue', { colour: undefined, instances: 2, inRotation: undefined })],
      }),
      '10:00:07 a\\u{a}b: wait (drain): connections to blue.1 are left [/shop-blue ?/2]',
    ],
    [
      rolloutProgress({ colours: [], deadlineMs: undefined }),
      '10:00:07 shop: wait (drain): connections to blue.1 are left [no app]',
    ],
  ])('tells what is done, why, and who takes requests', (progress, line) => {
    expect(plainLine(progress)).toBe(line);
  });
});

describe('isNews()', () => {
  const before = rolloutProgress();
  const later = (seconds: number) => new Date(before.at.getTime() + seconds * 1000);

  it.each([
    ['the first', undefined, before, true],
    ['nothing but another time', before, { ...before, at: later(29), deadlineMs: 1 }, false],
    ['the same after half a minute', before, { ...before, at: later(30) }, true],
    ['another step', before, { ...before, step: STEPS[1]?.[0] ?? before.step }, true],
    ['another number', before, { ...before, colours: before.colours.slice(1) }, true],
    ['fewer sessions', before, { ...before, sessions: [] }, true],
    ['the way back', before, { ...before, direction: 'back' as const }, true],
  ])('of %s', (_what, last, now, expected) => {
    expect(isNews(last, now)).toBe(expected);
  });
});

describe('jsonLine()', () => {
  it('has the whole on one line, and says that it is progress', () => {
    const line = jsonLine(rolloutProgress());

    expect(line).not.toContain('\n');
    expect(JSON.parse(line)).toEqual({
      type: 'progress',
      ...rolloutProgress(),
      at: '2026-01-03T10:00:07.000Z',
      step: { do: 'wait', for: 'drain', reason: 'connections to blue.1 are left' },
    });
  });

  it('holds no sign that turns a terminal, and loses none of it', () => {
    const group = 'a\u001b\u009b\u202e\u2028\u007f\n';
    const line = jsonLine(rolloutProgress({ group }));

    expect(line).toMatch(/^[\u0020-\u007e→]+$/);
    expect(JSON.parse(line).group).toBe(group);
  });
});

describe('the last line', () => {
  const end: RolloutEnd = { at: AT, group: 'shop', state: 'complete', serves: 'green' };
  const problem = { code: 'ROLLOUT_STUCK', message: 'No task is healthy' } as const;

  it.each([
    [end, '10:00:07 shop: complete; green serves'],
    [{ ...end, state: 'split', serves: 'both' }, '10:00:07 shop: split; both colours serve'],
    [
      { ...end, state: 'planned', serves: 'blue' },
      '10:00:07 shop: planned, nothing was changed; blue serves',
    ],
    [{ ...end, serves: '/shop' }, '10:00:07 shop: complete; /shop serves'],
    [
      { ...end, state: 'failed', serves: 'none', problem },
      '10:00:07 shop: failed (ROLLOUT_STUCK); no colour serves',
    ],
    [
      { ...end, state: 'failed', serves: 'unknown', problem },
      '10:00:07 shop: failed (ROLLOUT_STUCK); which colour serves is not known',
    ],
  ])('names the colour that serves', (given, line) => {
    expect(endLine(given)).toBe(line);
  });

  it('is for programs a result, with the exit status and what to do', () => {
    expect(JSON.parse(endJson(end))).toEqual({
      ...{ type: 'result', at: '2026-01-03T10:00:07.000Z', group: 'shop', state: 'complete' },
      ...{ serves: 'green', exitStatus: 0 },
    });
    expect(JSON.parse(endJson({ ...end, state: 'failed', problem }))).toMatchObject({
      ...{ state: 'failed', serves: 'green', code: 'ROLLOUT_STUCK', message: 'No task is healthy' },
      ...{ exitStatus: 52, hint: expect.stringMatching(/\.$/) },
    });
  });
});

describe('planText()', () => {
  const plan: RolloutPlan = {
    group: 'nginx',
    next: { id: '/nginx-blue', labels: { b: '1', a: '2' }, instances: 1 },
    last: greenApp(),
    policy: rolloutPolicy({ split: 0 }),
    target: 3,
    ...{ notices: [], findings: [], steps: STEPS.slice(1, 3).map(([step]) => step) },
  };

  it('tells the app, its size, and the steps', () => {
    expect(planText(plan, false)).toBe(
      [
        '/nginx-blue is to serve with 3 instances, in place of /nginx-green',
        '1. scale /shop-green 1 → 2: because',
        '2. ask before 2 tasks of /shop-blue die: because',
      ].join('\n'),
    );
  });

  it('prints the app with its keys in order, where that is asked for', () => {
    expect(planText({ ...plan, steps: [] }, true)).toBe(
      [
        '{',
        '  "id": "/nginx-blue",',
        '  "instances": 1,',
        '  "labels": {',
        '    "a": "2",',
        '    "b": "1"',
        '  }',
        '}',
        '/nginx-blue is to serve with 3 instances, in place of /nginx-green',
      ].join('\n'),
    );
  });

  it.each([
    [{ policy: rolloutPolicy({ split: 2 }) }, '2 of 3 instances, beside /nginx-green'],
    [{ last: undefined, target: 1 }, '1 instance, the first of its group'],
  ])('tells a split, and a first deployment', (changes, words) => {
    expect(planText({ ...plan, ...changes, steps: [] }, false)).toBe(`/nginx-blue is to serve with ${words}`);
  });

  it('aligns the numbers of many steps', () => {
    const steps = STEPS.map(([step]) => step);

    expect(
      planText({ ...plan, steps }, false)
        .split('\n')
        .slice(1, 12)
        .map((line) => line.slice(0, 4)),
    ).toEqual([' 1. ', ' 2. ', ' 3. ', ' 4. ', ' 5. ', ' 6. ', ' 7. ', ' 8. ', ' 9. ', '10. ', '11. ']);
  });

  it('is for programs one document', () => {
    expect(JSON.parse(planJson(plan))).toMatchObject({
      ...{ type: 'plan', group: 'nginx', target: 3, newInstances: 0, app: { id: '/nginx-blue' } },
      steps: [{ do: 'scale' }, { do: 'ask' }],
    });
  });
});

describe('historyText()', () => {
  it('has a line for each app that serves or served', () => {
    const rows: HistoryRow[] = [
      {
        ...{ at: '2026-01-03T10:00:07.000000', colour: 'green', image: 'shop:2', command: 'sha256:1' },
        ...{ instances: 4, appId: '/shop-green', serves: true },
      },
      {
        ...{ at: '2026-01-02', colour: undefined, image: undefined, command: 'sha256:2' },
        ...{ instances: 1, appId: undefined, serves: false },
      },
      {
        ...{ at: '2026-01-01', colour: 'blue', image: undefined, command: undefined },
        ...{ instances: 0, appId: undefined, serves: false },
      },
    ];

    expect(historyText(rows)).toBe(
      [
        '2026-01-03T10:00:07.000000  green  4 instances  shop:2  (/shop-green, now)',
        '2026-01-02                  -      1 instance  sha256:2',
        '2026-01-01                  blue   0 instances  no image',
        '',
      ].join('\n'),
    );
  });
});

describe('statusText()', () => {
  it('has the sentence of each group, and its picture', () => {
    const progress = rolloutProgress({ sessions: [] });
    const groups: GroupStatus[] = [
      { group: 'shop', state: 'rolling', sentence: 'The group shop is being rolled out', progress },
      { group: 'b', state: 'fault', sentence: 'Three apps\nshare it', progress: undefined },
    ];

    expect(statusText(groups, 90)).toBe(
      [
        'The group shop is being rolled out',
        ...liveView(progress, 88).map((line) => `  ${line}`),
        '',
        'Three apps\\u{a}share it',
        '',
      ].join('\n'),
    );
    expect(statusText([], 90)).toBe('No app has a deployment group.\n');
  });
});
