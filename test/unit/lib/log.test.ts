import { describe, expect, it } from 'vitest';
import { createLog, EVENTS, type LogOptions, silentLog } from '../../../src/lib/log.ts';
import { registerSecret } from '../../../src/lib/mask.ts';
import { makeBundle } from '../../support/bundles.ts';

function collected(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { lines, log: createLog({ level: 'debug', format: 'json', destination, ...options }) };
}

describe('createLog()', () => {
  it('writes one line of JSON for each event', () => {
    const { log, lines } = collected();

    log.info('certificate.issued', { names: ['a.example'], expiresAt: new Date(0) });
    log.error('pass.failed', { code: 'APP_LOCKED' });

    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        event: 'certificate.issued',
        names: ['a.example'],
        expiresAt: '1970-01-01T00:00:00.000Z',
      },
      { level: 'error', time: expect.any(String), event: 'pass.failed', code: 'APP_LOCKED' },
    ]);
    expect(lines.every((line) => line.endsWith('}\n'))).toBe(true);
  });

  it.each([
    ['debug', 4],
    ['info', 3],
    ['warn', 2],
    ['error', 1],
    ['silent', 0],
  ] as const)('at level %s writes %i of the four', (level, count) => {
    const { log, lines } = collected({ level });

    for (const each of ['debug', 'info', 'warn', 'error'] as const) log[each]('pass.started');

    expect(lines).toHaveLength(count);
  });

  it.each(['json', 'text'] as const)('never shows a key or a registered secret in %s', (format) => {
    registerSecret('hunter2-hunter2');
    const { log, lines } = collected({ format });
    const { pem, key } = makeBundle();

    log.error('pass.failed', {
      reason: `the password is hunter2-hunter2`,
      bundle: pem,
      nested: { variable: pem.replaceAll('\n', '\\n'), url: 'http://user:hunter2-hunter2@marathon:8080/' },
      authorization: 'Bearer abc.def',
    });

    const all = lines.join('');
    for (const line of key.split('\n').filter((each) => !each.startsWith('---') && each !== ''))
      expect(all).not.toContain(line);
    expect(all).not.toContain('hunter2');
    expect(all).toContain('[masked]');
  });

  it('keeps what a stranger wrote from moving the cursor or beginning a line', () => {
    const { log, lines } = collected({ format: 'text' });

    log.warn('certificate.failed', { name: 'a\n12:00:00 info  service.stopped', reason: '\u001b[2Jgone' });

    expect(lines).toEqual([
      expect.stringMatching(
        /^\d\d:\d\d:\d\d warn {2}certificate\.failed name=a\\u\{a\}12:00:00 info {2}service\.stopped reason=\\u\{1b\}\[2Jgone\n$/,
      ),
    ]);
  });
});

describe('silentLog', () => {
  it('takes everything and says nothing', () => {
    expect(() => {
      silentLog.info('service.started');
      silentLog.flush();
    }).not.toThrow();
  });
});

describe('EVENTS', () => {
  it.each(Object.entries(EVENTS))(
    '%s is a thing and what happened to it, with one sentence',
    (name, sentence) => {
      expect(name).toMatch(/^[a-z]+\.[a-z-]+$/);
      expect(sentence).toMatch(/^[A-Z].*\.$|\(debug\)\.$/);
    },
  );
});
