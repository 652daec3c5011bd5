const ESCAPE = String.fromCharCode(0x1b);
const UP = new RegExp(`^${ESCAPE}\\[(\\d+)F$`);
const PIECES = new RegExp(`${ESCAPE}\\[\\d+F|${ESCAPE}\\[J|\\n|[^\\n${ESCAPE}]+`, 'g');

/** A terminal that understands the two movements that a screen makes: up by so many lines, and erase what is below. */
export function drawnOn(size: { columns: number; rows: number }) {
  let lines = [''];
  const output = {
    ...size,
    isTTY: true,
    write(text: string): void {
      for (const [piece] of text.matchAll(PIECES)) {
        const up = UP.exec(piece);
        if (up !== null) lines = lines.slice(0, Math.max(1, lines.length - Number(up[1])));
        else if (piece === `${ESCAPE}[J`) lines = [...lines.slice(0, -1), ''];
        else if (piece === '\n') lines.push('');
        else lines[lines.length - 1] += piece;
      }
    },
  };
  return {
    output,
    /** What stands there, without the empty line of the cursor. */
    lines: () => (lines.at(-1) === '' ? lines.slice(0, -1) : lines),
    /** Lines that are too long now go on in the next one, as terminals do it. */
    resize(columns: number): void {
      output.columns = columns;
      lines = lines.flatMap((line) => line.match(new RegExp(`.{1,${columns}}`, 'g')) ?? ['']);
    },
  };
}
