import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const SRC = resolve(import.meta.dirname, '../src');

/** What may be imported, from the top down; a layer may import any below it, its own included. */
const LAYERS = [
  ['main'],
  ['cli'],
  ['service'],
  ['certificates', 'rollout', 'status'],
  ['delivery'],
  ['acme', 'marathon', 'haproxy'],
  ['config'],
  ['lib'],
];
const CLIENTS = ['acme', 'marathon', 'haproxy'];

interface Import {
  /** A file below src (`lib/log.ts`) or the name of a module (`node:fs`). */
  target: string;
  /** What is named between the braces. */
  names: string[];
  typeOnly: boolean;
}

interface Source {
  path: string;
  room: string;
  text: string;
  /** The text without comments and without the contents of strings. */
  code: string;
  isPure: boolean;
  imports: Import[];
}

const STRING = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/.source;
const TEMPLATE = /`(?:\\.|[^`\\])*`/.source;
const COMMENT = /\/\*[\s\S]*?\*\/|\/\/[^\n]*/.source;
const REGEX = /(?<=[=(,:!&|?[{};\n>]\s*|return )\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/
  .source;
const TOKEN = new RegExp(`(?<string>${STRING})|${TEMPLATE}|(?<comment>${COMMENT})|(?<regex>${REGEX})`, 'g');

function withoutComments(text: string): string {
  return text.replace(TOKEN, (token, ...rest) => {
    const groups = rest.at(-1) as { comment?: string };
    return groups.comment === undefined ? token : ' ';
  });
}

function withoutWords(text: string): string {
  return text.replace(TOKEN, (token, ...rest) => {
    const groups = rest.at(-1) as { comment?: string; string?: string; regex?: string };
    if (groups.comment !== undefined) return ' ';
    return groups.string !== undefined ? "''" : groups.regex !== undefined ? '/x/' : token;
  });
}

function importsOf(path: string, text: string): Import[] {
  const code = withoutComments(text);
  const found: Import[] = [];
  const add = (specifier: string, typeOnly: boolean, clause: string) => {
    const isFile = specifier.startsWith('.');
    const target = isFile ? posix.join(posix.dirname(path), specifier) : specifier;
    found.push({ target, typeOnly, names: clause.match(/[A-Za-z_$][\w$]*/g) ?? [] });
  };
  for (const [, typed, clause = '', specifier = ''] of code.matchAll(
    /^\s*(?:import|export)\s+(type\s+)?([^'"`;()]*?)\s*from\s*['"]([^'"]+)['"]/gm,
  ))
    add(specifier, typed !== undefined, clause);
  for (const [, specifier = ''] of code.matchAll(/^\s*import\s*['"]([^'"]+)['"]/gm))
    add(specifier, false, '');
  for (const [, typed, specifier = ''] of code.matchAll(
    /(typeof\s+)?(?:import|require)\w*\s*\(\s*['"]([^'"]+)['"]/g,
  ))
    add(specifier, typed !== undefined, '');
  for (const [, specifier = ''] of code.matchAll(/createRequire\([^)]*\)\(\s*['"]([^'"]+)['"]/g))
    add(specifier, false, '');
  return found;
}

function sourceOf(path: string, text: string): Source {
  // Files at the top beside main.ts are the service and what it is put together from.
  const room = path.includes('/') ? (path.split('/')[0] as string) : path === 'main.ts' ? 'main' : 'service';
  const isPure = text.startsWith('// pure\n');
  return { path, room, text, code: withoutWords(text), isPure, imports: importsOf(path, text) };
}

const SOURCES: Source[] = readdirSync(SRC, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => relative(SRC, join(entry.parentPath, entry.name)))
  .map((path) => sourceOf(path, readFileSync(join(SRC, path), 'utf8')));

/** Why a file of src may not import another; undefined when it may. */
function wrongImport({ path, room }: Source, { target, typeOnly }: Import): string | undefined {
  if (!target.includes('.ts')) return undefined;
  if (target.startsWith('..')) return `${path} reaches outside src: ${target}`;
  const other = sourceOf(target, '').room;
  const say = (why: string) => `${path} imports ${target}: ${why}`;
  if (room === 'lab') return ['lab', 'lib'].includes(other) ? undefined : say('the lab knows lib only');
  if (other === 'lab')
    return /^cli\/lab[\w-]*\.ts$/.test(path) ? undefined : say('only cli/lab knows the lab');
  if (room === other) return undefined;
  const [own, below] = [rankOf(room), rankOf(other)];
  if (own === -1 || below === -1) return say('a room that the picture of the layers does not have');
  if (room === 'status' && other === 'certificates' && typeOnly) return undefined;
  if (CLIENTS.includes(room) && other === 'config' && !typeOnly)
    return say('a client knows no policy of ours');
  return below > own ? undefined : say('imports point down');
}

function rankOf(room: string): number {
  return LAYERS.findIndex((layer) => layer.includes(room));
}

const IMPURE_MODULES =
  /^(node:)?(fs|net|http|https|http2|tls|dns|dgram|timers|child_process|worker_threads|os)(\/.*)?$|^(undici|pino|fastify|acme-client|proper-lockfile|write-file-atomic)$|(^|\/)lib\/(log|clock|files|http[\w-]*)\.ts$/;
const IMPURE_WORDS =
  /\bDate\.now\(|\bnew Date\(\)|\bDate\(\)|\bMath\.random\b|\brandom(Bytes|UUID|Int|FillSync|Fill)\b|\bgetRandomValues\b|\bgenerateKey\w*\b|\bperformance\.|\bprocess\.|\bconsole\.|\bset(Timeout|Interval|Immediate)\b|\bfetch\(/;

/** What breaks the promise of a file that opens with `// pure`. Types cost nothing; whether a text is an
 * address is a question without I/O, though node:net answers it. */
function impurities({ path, code, imports }: Source): string[] {
  const isQuestion = ({ target, names }: Import) =>
    target === 'node:net' && names.length > 0 && names.every((name) => /^isIP(v4|v6)?$/.test(name));
  const modules = imports
    .filter((one) => !one.typeOnly && IMPURE_MODULES.test(one.target) && !isQuestion(one))
    .map(({ target }) => `${path} imports ${target}`);
  const word = IMPURE_WORDS.exec(code)?.[0];
  return word === undefined ? modules : [...modules, `${path} uses ${word}`];
}

describe('the layers of src', () => {
  it('are there', () => {
    expect(SOURCES.length).toBeGreaterThan(10);
    expect(SOURCES.filter(({ isPure }) => isPure).length).toBeGreaterThan(3);
  });

  it('import downwards only, and the lab nothing but lib', () => {
    const wrong = SOURCES.flatMap((source) =>
      source.imports.flatMap((one) => wrongImport(source, one) ?? []),
    );

    expect(wrong).toEqual([]);
  });

  it('import files that exist, by their whole name', () => {
    const known = new Set(SOURCES.map(({ path }) => path));
    const missing = SOURCES.flatMap(({ path, imports }) =>
      imports
        .filter(({ target }) => target.endsWith('.ts') && !known.has(target))
        .map(({ target }) => `${path} imports ${target}`),
    );

    expect(missing).toEqual([]);
  });

  it('keep what "// pure" promises: no I/O, clock, randomness, environment or log', () => {
    expect(SOURCES.filter(({ isPure }) => isPure).flatMap(impurities)).toEqual([]);
  });

  it('build purity on purity', () => {
    // errors.ts is a table and a class; it does nothing by itself.
    const pure = new Set([
      'lib/errors.ts',
      ...SOURCES.filter(({ isPure }) => isPure).map(({ path }) => path),
    ]);
    const leaks = SOURCES.filter(({ isPure }) => isPure).flatMap(({ path, imports }) =>
      imports
        .filter(({ target, typeOnly }) => target.endsWith('.ts') && !typeOnly && !pure.has(target))
        .map(({ target }) => `${path} imports ${target}, which promises nothing`),
    );

    expect(leaks).toEqual([]);
  });

  it('read the environment in config and main only', () => {
    const readers = SOURCES.filter(({ code }) => /\bprocess\.env\b/.test(code)).map(({ path, room }) => [
      path,
      room,
    ]);

    expect(readers.filter(([, room]) => !['config', 'main', 'lab'].includes(room as string))).toEqual([]);
  });

  it('end the process in main only', () => {
    const enders = SOURCES.filter(({ code }) => /\bprocess\.(exit|abort|reallyExit|exitCode)\b/.test(code));

    expect(enders.filter(({ room }) => !['main', 'lab'].includes(room)).map(({ path }) => path)).toEqual([]);
  });

  it('stay small, and have names that say what is in them', () => {
    const long = SOURCES.filter(({ text }) => text.trimEnd().split('\n').length > 250).map(
      ({ path }) => path,
    );
    const vague = SOURCES.filter(({ path }) =>
      /(^|[/-])(utils?|helpers?|common|manager|index)([/.-])/.test(path),
    );

    expect(long).toEqual([]);
    expect(vague.map(({ path }) => path)).toEqual([]);
  });
});

describe('the rules of this test', () => {
  it.each([
    ['lib/a.ts', "import { x } from '../config/load.ts';", 'imports point down'],
    ['certificates/a.ts', "import { x } from '../rollout/model.ts';", 'imports point down'],
    ['certificates/a.ts', "export { x } from '../service.ts';", 'imports point down'],
    ['delivery/a.ts', "const x = await import('../certificates/plan.ts');", 'imports point down'],
    ['acme/a.ts', "import {\n  x,\n} from '../marathon/client.ts';", 'imports point down'],
    ['acme/a.ts', "import { OPTIONS } from '../config/options.ts';", 'a client knows no policy of ours'],
    ['service.ts', "import { x } from './lab/marathon.ts';", 'only cli/lab knows the lab'],
    ['lab/a.ts', "import '../marathon/client.ts';", 'the lab knows lib only'],
    ['status/a.ts', "import { x } from '../certificates/model.ts';", 'imports point down'],
    ['lib/a.ts', "import { x } from '../misc/a.ts';", 'a room that the picture of the layers does not have'],
  ])('find in %s that %j is wrong', (path, text, why) => {
    const source = sourceOf(path, text);

    expect(source.imports.map((one) => wrongImport(source, one))).toEqual([expect.stringContaining(why)]);
  });

  it.each([
    ['acme/a.ts', "import type { Config } from '../config/config.ts';"],
    ['status/a.ts', "import type { Plan } from '../certificates/world.ts';"],
    ['cli/lab.ts', "const { main } = await import('../lab/main.ts');"],
    ['lib/a.ts', "// import { x } from '../service.ts';\nconst y = '//'; /* import '../main.ts' */"],
  ])('let %s have %j', (path, text) => {
    const source = sourceOf(path, text);

    expect(source.imports.flatMap((one) => wrongImport(source, one) ?? [])).toEqual([]);
  });

  it.each([
    ['import { readFileSync } from "node:fs";', 'a.ts imports node:fs'],
    ["import { connect } from 'node:net';", 'a.ts imports node:net'],
    ["const pino = createRequire(import.meta.url)('pino');", 'a.ts imports pino'],
    ['const quote = /[\'"]/; const at = Date.now();', 'a.ts uses Date.now('],
    ['const at = new Date();', 'a.ts uses new Date()'],
    ['const id = randomUUID();', 'a.ts uses randomUUID'],
    ['const path = process.env.PATH;', 'a.ts uses process.'],
  ])('see that %j is not pure', (text, why) => {
    expect(impurities(sourceOf('a.ts', text))).toEqual([why]);
  });

  it.each([
    "import { isIP } from 'node:net';",
    "import type { Log } from './lib/log.ts';",
    'const at = new Date(nowMs); // unlike Date.now()',
    "const words = 'in the process. Date.now() is not called';",
  ])('see that %j is pure', (text) => {
    expect(impurities(sourceOf('a.ts', text))).toEqual([]);
  });
});
