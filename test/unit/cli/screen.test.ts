import { describe, expect, it } from 'vitest';
import { createScreen } from '../../../src/cli/screen.ts';
import { drawnOn } from '../../support/drawn.ts';

describe('createScreen()', () => {
  it('draws over what it drew before', () => {
    const terminal = drawnOn({ columns: 20, rows: 10 });
    const screen = createScreen(terminal.output);

    screen.draw(['one', 'two', 'three']);
    screen.draw(['1', '2']);

    expect(terminal.lines()).toEqual(['1', '2']);
  });

  it('puts text that stays above the drawing', () => {
    const terminal = drawnOn({ columns: 20, rows: 10 });
    const screen = createScreen(terminal.output);

    screen.draw(['view']);
    screen.above('first');
    screen.above('second\n');
    screen.draw(['view 2']);

    expect(terminal.lines()).toEqual(['first', 'second', 'view 2']);
  });

  it('goes away for a question, and comes back below it', () => {
    const terminal = drawnOn({ columns: 20, rows: 10 });
    const screen = createScreen(terminal.output);

    screen.draw(['view']);
    screen.clear();
    terminal.output.write('Go on? y\n');
    screen.draw(['view']);
    screen.draw(['view']);

    expect(terminal.lines()).toEqual(['Go on? y', 'view']);
  });

  it('takes back the wrapped lines when the terminal became narrower', () => {
    const terminal = drawnOn({ columns: 20, rows: 10 });
    const screen = createScreen(terminal.output);

    screen.draw(['0123456789', 'x']);
    terminal.resize(4);
    screen.draw(['y']);

    expect(terminal.lines()).toEqual(['y']);
  });

  it('draws no more lines than the terminal has', () => {
    const terminal = drawnOn({ columns: 20, rows: 3 });
    const screen = createScreen(terminal.output);

    screen.draw(['1', '2', '3', '4']);
    screen.draw(['5', '6', '7', '8']);

    expect(terminal.lines()).toEqual(['5', '6']);
  });

  it('takes a usual size where the terminal has none', () => {
    const terminal = drawnOn({ columns: 0, rows: 0 });

    expect(createScreen(terminal.output).columns()).toBe(80);
  });
});
