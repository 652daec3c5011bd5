import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { type Asking, isAgreed, requireTerminal } from '../../../src/cli/ask.ts';

/** A terminal at which somebody types. */
function terminal() {
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => undefined });
  const output = Object.assign(new PassThrough(), { isTTY: true });
  const asking: Asking = { command: 'rollout start', flag: '--yes', input, output };
  return { input, output, asking, shown: () => String(output.read() ?? '') };
}

describe('isAgreed()', () => {
  it.each([
    ['y', true],
    ['Yes', true],
    [' yes ', true],
    ['', false],
    ['n', false],
    ['yess', false],
  ])('takes %j for %s', async (typed, expected) => {
    const { input, asking } = terminal();
    const answer = isAgreed('Kill 2 tasks?', asking);
    input.write(`${typed}\n`);

    expect(await answer).toBe(expected);
  });

  it('shows the question on one line, whatever is in it', async () => {
    const { input, asking, shown } = terminal();
    const answer = isAgreed('Delete /shop\n\u001b[31m?', asking);
    input.write('n\n');
    await answer;

    expect(shown()).toContain('Delete /shop\\u{a}\\u{1b}[31m? [y/N] ');
  });

  it('takes the end of input for a no', async () => {
    const { input, asking } = terminal();
    const answer = isAgreed('Go on?', asking);
    input.end();

    expect(await answer).toBe(false);
  });

  it('ends with Ctrl-C', async () => {
    const { input, asking } = terminal();
    const answer = isAgreed('Go on?', asking);
    input.write('\u0003');

    await expect(answer).rejects.toMatchObject({ code: 'STOPPED' });
  });

  it('ends when the program is stopped, before or while it asks', async () => {
    const { asking } = terminal();
    const stopping = new AbortController();
    const answer = isAgreed('Go on?', { ...asking, signal: stopping.signal });
    stopping.abort('stopped');

    await expect(answer).rejects.toBe('stopped');
    await expect(isAgreed('Go on?', { ...asking, signal: stopping.signal })).rejects.toBe('stopped');
  });

  it.each(['input', 'output'] as const)('names the flag when the %s is no terminal', async (side) => {
    const { asking } = terminal();
    const asked = { ...asking, [side]: new PassThrough() };

    expect(() => requireTerminal(asked)).toThrow(
      '`rollout start` asks before it changes anything, and there is no terminal to ask on: add --yes',
    );
    await expect(isAgreed('Go on?', asked)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(() => requireTerminal(asking)).not.toThrow();
  });
});
