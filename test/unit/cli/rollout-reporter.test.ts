import { describe, expect, it } from 'vitest';
import { createReporter } from '../../../src/cli/rollout-reporter.ts';
import { liveView } from '../../../src/cli/rollout-view.ts';
import { registerSecret } from '../../../src/lib/mask.ts';
import { drawnOn } from '../../support/drawn.ts';
import { rolloutProgress } from '../../support/rollout-progress.ts';

const END = { at: new Date('2026-01-03T10:00:09Z'), group: 'shop', state: 'complete', serves: 'green' };
const first = rolloutProgress();
const second = rolloutProgress({ at: new Date('2026-01-03T10:00:08.000Z') });
const scale = rolloutProgress({
  step: { do: 'scale', appId: '/shop-green', from: 1, instances: 2, reason: 'more' },
  deadlineMs: undefined,
});

function written(more: { json?: boolean; isTTY?: boolean; term?: string }) {
  const texts: string[] = [];
  const errors: string[] = [];
  const reporter = createReporter({
    json: more.json ?? false,
    output: { write: (text) => texts.push(text), isTTY: more.isTTY ?? false },
    errors: { write: (text) => errors.push(text) },
    env: { TERM: more.term },
  });
  return { reporter, texts, errors };
}

describe('createReporter()', () => {
  it.each([
    ['without a terminal', { isTTY: false, term: 'xterm' }],
    ['on a terminal that can not be drawn on', { isTTY: true, term: 'dumb' }],
    ['on a terminal of which nothing is known', { isTTY: true }],
  ])('writes a line for each thing that is new: %s', (_what, more) => {
    const { reporter, texts, errors } = written(more);

    for (const progress of [first, second, scale]) reporter.progress(progress);
    reporter.say('Rolling back.');
    reporter.log.write('12:00 warn x\n');
    reporter.pause();
    reporter.end(END);

    expect(texts).toEqual([
      '10:00:07 shop: wait (drain): connections to blue.1 are left [blue 3/4, green 1/1, 4m 55s left]\n',
      '10:00:07 shop: scale /shop-green 1 → 2: more [blue 3/4, green 1/1]\n',
      'Rolling back.\n',
      '10:00:09 shop: complete; green serves\n',
    ]);
    expect(errors).toEqual(['12:00 warn x\n']);
  });

  it('writes one JSON document a line, and nothing else, when asked to, even on a terminal', () => {
    const { reporter, texts } = written({ json: true, isTTY: true, term: 'xterm' });

    for (const progress of [first, second, scale]) reporter.progress(progress);
    reporter.say('Rolling back.');
    reporter.end(END);

    expect(texts.map((text) => JSON.parse(text).type)).toEqual(['progress', 'progress', 'result']);
  });

  it('draws on a terminal, keeps what was done above, and ends with the colour that serves', () => {
    const terminal = drawnOn({ columns: 100, rows: 30 });
    const reporter = createReporter({ json: false, output: terminal.output, env: { TERM: 'xterm' } });

    reporter.progress(first);
    reporter.progress(scale);
    reporter.log.write('12:00 warn x\n');
    reporter.pause();
    terminal.output.write('Go on? [y/N] y\n');
    reporter.progress(second);
    reporter.say('Nearly there.');
    reporter.end(END);

    expect(terminal.lines()).toEqual([
      '10:00:07 shop: scale /shop-green 1 → 2: more [blue 3/4, green 1/1]',
      '12:00 warn x',
      'Go on? [y/N] y',
      'Nearly there.',
      ...liveView(second, 100),
      '10:00:09 shop: complete; green serves',
    ]);
  });

  it('lets no secret through', () => {
    registerSecret('hunter-in-a-reason');
    const { reporter, texts } = written({});

    reporter.progress(rolloutProgress({ group: 'hunter-in-a-reason' }));

    expect(texts.join('')).toContain('10:00:07 [masked]: wait');
  });
});
