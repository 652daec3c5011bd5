import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { renderReference } from '../scripts/reference.ts';
import { ZDD_FLAGS } from '../src/cli/zdd-flags.ts';
import { envName, flagName } from '../src/config/option.ts';
import { OPTIONS } from '../src/config/options.ts';
import { MARATHON_ACME_FLAGS } from '../src/config/predecessor-marathon-acme.ts';
import { ERRORS } from '../src/lib/errors.ts';
import { EVENTS } from '../src/lib/log.ts';
import { HISTORY_LABEL } from '../src/rollout/history.ts';

const ROOT = resolve(import.meta.dirname, '..');
const FLAGS = new Set<string>(OPTIONS.map(({ name }) => flagName(name)));
const ZDD = new Set<string>(Object.values(ZDD_FLAGS).flatMap(({ flags }) => /--[a-z-]+/.exec(flags) ?? []));
const MARATHON_ACME = new Set<string>(Object.keys(MARATHON_ACME_FLAGS).map((name) => `--${name}`));
/** Names with our prefix: variables, and the one label that we made. */
const VARIABLES = new Set<string>([...OPTIONS.map(({ name }) => envName(name)), HISTORY_LABEL]);

/** Flags of other programs, of npm scripts, of marathon-lb and of commander, which the docs may name. */
const FOREIGN_FLAGS = new Set(['--help', '--version', '--keep', '--project', '--only', '--health-check']);

/** Options that a text names and the table does not have. */
function strangeOptions(text: string): string[] {
  // Command lines of other programs stand in fenced blocks; of those only lines that call ours count.
  const ours = text.replace(/^ *```[\s\S]*?^ *```/gm, (block) =>
    block
      .split('\n')
      .filter((line) => /\bcertathon (serve|renew|plan|doctor|certificates|revoke|rollout|zdd)\b/.test(line))
      .join('\n'),
  );
  const flags = [...ours.matchAll(/(?<![\w-])--[a-z][a-z-]+/g)].map(([flag]) => flag);
  const variables = [...text.matchAll(/\bCERTATHON_[A-Z0-9_]*[A-Z0-9]\b(?!…|\*)/g)].map(([name]) => name);
  return [
    ...flags.filter(
      (flag) => !FLAGS.has(flag) && !ZDD.has(flag) && !MARATHON_ACME.has(flag) && !FOREIGN_FLAGS.has(flag),
    ),
    ...variables.filter((name) => !VARIABLES.has(name)),
  ];
}

describe('docs/reference.md', () => {
  it('is what the tables of the program say (npm run docs writes it)', () => {
    expect(readFileSync(join(ROOT, 'docs/reference.md'), 'utf8')).toBe(renderReference());
  });

  it('has a sentence for every code and every event', () => {
    const sentences = [...Object.values(ERRORS).map(({ hint }) => hint), ...Object.values(EVENTS)];

    expect(sentences.filter((sentence) => !/^[A-Z].+\.$/.test(sentence))).toEqual([]);
  });
});

describe('the tables', () => {
  const source = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !/lib\/(log|errors)\.ts$/.test(name))
    .map((name) => readFileSync(join(ROOT, 'src', name), 'utf8'))
    .join('\n');

  it.each([
    ['event', Object.keys(EVENTS)],
    ['code', Object.keys(ERRORS).filter((code) => code !== 'UNEXPECTED')],
  ])('hold no %s that never happens', (_what, words) => {
    expect(words.filter((word) => !source.includes(`'${word}'`))).toEqual([]);
  });
});

describe('what people read', () => {
  const files = [
    'README.md',
    'CHANGELOG.md',
    ...readdirSync(join(ROOT, 'docs')).map((name) => join('docs', name)),
  ].filter((name) => name.endsWith('.md') && existsSync(join(ROOT, name)));

  it.each(files)('names in %s only options that exist', (name) => {
    expect(strangeOptions(readFileSync(join(ROOT, name), 'utf8'))).toEqual([]);
  });

  it('tells for every flag of marathon-acme what it is here, or that it is refused', () => {
    const page = readFileSync(join(ROOT, 'docs/switching.md'), 'utf8');

    expect([...MARATHON_ACME].filter((flag) => !page.includes(`\`${flag}\``))).toEqual([]);
  });

  it('names in the hints of errors only options that exist', () => {
    expect(Object.values(ERRORS).flatMap(({ hint }) => strangeOptions(hint))).toEqual([]);
  });

  it.each([
    ['Set `--renew-ta` or CERTATHON_DOMANS.', ['--renew-ta', 'CERTATHON_DOMANS']],
    ['```\ncurl --silent http://x\ncertathon renew --noww\n```', ['--noww']],
    ['Set `--renew-at`, CERTATHON_DOMAINS or any CERTATHON_*.', []],
  ])('is read right by this test: %j', (text, expected) => {
    expect(strangeOptions(text)).toEqual(expected);
  });
});
