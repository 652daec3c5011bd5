import { widthOf } from './rollout-view.ts';

/** What a screen needs of a terminal; `process.stdout` has it. */
export interface ScreenOutput {
  write(text: string): unknown;
  columns?: number;
  rows?: number;
}

/** A few lines at the bottom of a terminal that are drawn over again and again. */
export interface Screen {
  columns(): number;
  draw(lines: readonly string[]): void;
  /** Text that stays, above the drawing. */
  above(text: string): void;
  /** Takes the drawing away, for a question or the end; the next one is drawn below what comes. */
  clear(): void;
}

const USUAL = { columns: 80, rows: 24 };

/** Nothing of the terminal is switched (the cursor stays as it is, so does the wrapping of lines): a program that is
 * killed leaves nothing to be restored. */
export function createScreen(output: ScreenOutput): Screen {
  let drawn: readonly string[] = [];
  const columns = () => output.columns || USUAL.columns;
  const erasing = () => {
    // A terminal that was made narrower has wrapped what was drawn.
    const rows = drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / columns())), 0);
    return rows === 0 ? '' : `\u001b[${rows}F\u001b[J`;
  };
  const show = (above: string, lines: readonly string[]) => {
    const most = Math.max(1, (output.rows || USUAL.rows) - 1);
    const fitting = lines.slice(0, most);
    // In one write, so that nobody sees the gap.
    output.write(`${erasing()}${above}${fitting.map((line) => `${line}\n`).join('')}`);
    drawn = fitting;
  };
  return {
    columns,
    draw: (lines) => show('', lines),
    above: (text) => show(text.endsWith('\n') || text === '' ? text : `${text}\n`, drawn),
    clear: () => show('', []),
  };
}
