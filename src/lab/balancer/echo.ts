// pure

const SINGLE: Record<string, string> = {
  '\\': '\\',
  a: '\x07',
  b: '\b',
  e: '\x1b',
  E: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};
const ESCAPE = /\\(?:0([0-7]{0,3})|x([0-9a-fA-F]{1,2})|(.))/gs;

/** What bash's `echo -e "$value"` writes: marathon-lb's way from a variable to a certificate file. A backslash-n is a
 * newline, a real newline stays, one newline is added, `\c` ends everything. */
export function echoed(value: string): string {
  const end = /^(?:[^\\]|\\[^c])*?\\c/s.exec(value);
  const text = end === null ? value : end[0].slice(0, -2);
  const expanded = text.replace(
    ESCAPE,
    (whole, octal: string | undefined, hex: string | undefined, letter: string | undefined) => {
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal || '0', 8) & 255);
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      return SINGLE[letter ?? ''] ?? whole;
    },
  );
  return end === null ? `${expanded}\n` : expanded;
}
