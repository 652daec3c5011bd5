import { referenceRows } from '../src/config/describe.ts';
import { ERRORS } from '../src/lib/errors.ts';
import { EVENTS } from '../src/lib/log.ts';

/** docs/reference.md, whole, from the tables that the program itself runs on. Pure. */
export function renderReference(): string {
  return [
    '# Reference',
    'Generated from the tables of the program by `npm run docs`; a test fails when this file is stale.',
    '## Options',
    'Each option is a flag, an environment variable or a key of the JSON file that `--config` names; a flag weighs more than a variable, a variable more than the file, the file more than the default. An empty value counts as unset. Lists are parted by commas or white space. All problems are reported at once, and unknown names with our prefix are errors.',
    table(
      ['Option', 'Flag', 'Variable', 'Default', 'Commands', 'Meaning'],
      referenceRows().map((row) => [
        code(row.name),
        code(row.flag),
        code(row.env),
        row.default === '' ? '' : code(row.default),
        row.commands.length === 0 ? 'all' : row.commands.join(', '),
        row.doc,
      ]),
    ),
    '## Other names of options',
    'Variables of predecessors go on working and cost one `config.deprecated` line each; what Marathon sets for every task is taken without a word. Our own variable weighs more.',
    table(
      ['Variable', 'Option', 'Stands for', ''],
      referenceRows().flatMap(({ also, name, env }) =>
        also.map((one) => [
          code(one.name),
          code(name),
          code(env),
          one.deprecated ? 'deprecated' : 'set by Marathon',
        ]),
      ),
    ),
    '## Exit statuses and error codes',
    'A code is never reused. Statuses 3 to 9 belong to `zdd.py` and are not used here; 0 means that every certificate is valid and served.',
    table(
      ['Code', 'Status', 'Repeating helps', 'What to do'],
      Object.entries(ERRORS).map(([name, { exit, retry, hint }]) => [
        code(name),
        String(exit),
        retry ? 'yes' : 'no',
        hint,
      ]),
    ),
    '## Log events',
    'One JSON line each, with `time`, `level`, `event` and fields.',
    table(
      ['Event', 'Meaning'],
      Object.entries(EVENTS).map(([name, meaning]) => [code(name), meaning]),
    ),
  ]
    .join('\n\n')
    .concat('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}
