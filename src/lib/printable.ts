// pure
/** Control characters, line and paragraph separators, and the marks that turn the direction of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** Text of a stranger, fit for one line of a log or terminal: control characters are written as \u{…} and
 * what is longer than `maxLength` ends in '…'. Pure.
 *   ('a\nb\u001b[31m', 100) → 'a\u{a}b\u{1b}[31m' */
export function printable(text: string, maxLength: number): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength - 1)}…` : text;
  return escaped(cut);
}

const LONGEST_QUOTE = 200;

/** Text of a stranger as a quotation of bounded length, fit for one line of a message. Pure.
 *   ('say "hi"\n') → '"say \\"hi\\"\\n"' */
export function quoted(text: string): string {
  const cut = text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}…` : text;
  return escaped(JSON.stringify(cut));
}

function escaped(text: string): string {
  return text.replace(UNPRINTABLE, (character) => `\\u{${character.charCodeAt(0).toString(16)}}`);
}
