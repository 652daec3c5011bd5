import { describe, expect, it } from 'vitest';
import { HISTORY_LABEL, historyLabelAfter, historyOf } from '../../../src/rollout/history.ts';
import { greenApp } from '../../support/rollout-apps.ts';

const withHistory = (text: string) => greenApp({}, { [HISTORY_LABEL]: text });
const entry = (day: number, more: object = {}) => ({
  at: `2026-01-${String(day).padStart(2, '0')}T00:00:00.000000`,
  colour: day % 2 === 0 ? 'blue' : 'green',
  image: `nginx:1.${day}`,
  instances: day,
  ...more,
});

describe('historyOf()', () => {
  it('reads what the label holds', () => {
    expect(historyOf(withHistory(JSON.stringify([entry(2), entry(1)])))).toEqual([entry(2), entry(1)]);
  });

  it.each([
    ['nothing', ''],
    ['no JSON', 'none'],
    ['no list', '{}'],
    ['what is no entry', '[{"at": 5}]'],
    ['too many entries', JSON.stringify(Array.from({ length: 11 }, (_, day) => entry(day)))],
    ['too long a text', `[${' '.repeat(5_000)}]`],
    ['a negative size', JSON.stringify([entry(1, { instances: -1 })])],
  ])('makes nothing of %s', (_what, text) => {
    expect(historyOf(withHistory(text))).toEqual([]);
  });

  it('is empty without the label', () => {
    expect(historyOf(greenApp())).toEqual([]);
  });
});

describe('historyLabelAfter()', () => {
  const written = (app: Parameters<typeof historyLabelAfter>[0]) => JSON.parse(historyLabelAfter(app));

  it('puts the app itself first', () => {
    expect(written(withHistory(JSON.stringify([entry(1)])))).toEqual([
      { at: '2016-02-01T14:13:42.499089', colour: 'green', image: 'nginx:stable', instances: 3 },
      entry(1),
    ]);
  });

  it.each([
    ['a command', { cmd: 'run --password hush' }],
    ['arguments', { args: ['run', '--password', 'hush'] }],
  ])('tells %s apart without showing it', (_what, changes) => {
    const [first] = written(greenApp(changes));

    expect(first.command).toMatch(/^sha256:[0-9a-f]{16}$/);
    expect(first.command).not.toBe(written(greenApp({ cmd: 'another' }))[0].command);
    expect(historyLabelAfter(greenApp(changes))).not.toContain('hush');
  });

  it('goes by the time of Marathon when no deployer wrote one, and leaves a colour out that is none', () => {
    const app = greenApp({}, { HAPROXY_DEPLOYMENT_STARTED_AT: undefined, HAPROXY_DEPLOYMENT_COLOUR: 'red' });

    expect(written(app)).toEqual([{ at: '2016-02-01T22:13:42.538Z', image: 'nginx:stable', instances: 3 }]);
  });

  it('keeps ten entries, the newest', () => {
    const ten = Array.from({ length: 10 }, (_, index) => entry(20 - index));

    expect(written(withHistory(JSON.stringify(ten))).slice(1)).toEqual(ten.slice(0, 9));
  });

  it('stays within 4 KiB', () => {
    const long = (day: number) => entry(day, { image: 'ü'.repeat(200) });
    let app = withHistory('[]');
    for (let day = 1; day <= 12; day += 1) {
      const text = JSON.stringify([long(day), ...historyOf(app)].slice(0, 10));
      app = greenApp(
        { container: { docker: { image: 'ü'.repeat(1_000) }, portMappings: [] } },
        { [HISTORY_LABEL]: text },
      );
      const label = historyLabelAfter(app);
      expect(Buffer.byteLength(label)).toBeLessThanOrEqual(4_096);
      expect(JSON.parse(label).length).toBeGreaterThan(1);
      app = withHistory(label);
      expect(historyOf(app)).toEqual(JSON.parse(label));
    }
  });
});
