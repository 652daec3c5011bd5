import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, relative } from 'node:path';

export interface Instruction {
  word: string;
  rest: string;
}

/** The instructions of a Dockerfile; comments go, continued lines are one. */
export function parseDockerfile(text: string): Instruction[] {
  return text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => {
      const [word = '', ...rest] = line.split(/\s+/);
      return { word: word.toUpperCase(), rest: rest.join(' ') };
    });
}

/** Whether .dockerignore keeps a path of the context out: the last line that matches decides. Knows `*`, names
 * and `!`, which is all that ours uses. */
export function isIgnored(lines: readonly string[], path: string): boolean {
  let ignored = false;
  for (const line of lines) {
    const pattern = line.replace(/^!/, '');
    const matches = pattern === '*' || path === pattern || path.startsWith(`${pattern}/`);
    if (matches) ignored = !line.startsWith('!');
  }
  return ignored;
}

/** Builds the image as far as files go, without an engine: each stage is a folder, COPY copies from the context
 * or from another stage, and of the RUN instructions only those that install packages are carried out.
 * @returns the folder of the last stage */
export function buildStages(root: string, into: string, env: NodeJS.ProcessEnv): string {
  const lines = readFileSync(join(root, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const stages = new Map<string, string>();
  let stage = '';
  let cwd = '/';
  for (const { word, rest } of parseDockerfile(readFileSync(join(root, 'Dockerfile'), 'utf8'))) {
    if (word === 'FROM') {
      stage = join(into, `stage-${stages.size}`);
      stages.set(/ AS (\S+)$/i.exec(rest)?.[1] ?? `${stages.size}`, stage);
      mkdirSync(stage);
      cwd = '/';
    } else if (word === 'WORKDIR') {
      cwd = rest;
      mkdirSync(join(stage, cwd), { recursive: true });
    } else if (word === 'COPY') {
      const [, from, paths = ''] = /^(?:--from=(\S+) )?(.*)$/.exec(rest) ?? [];
      const items = paths.split(' ');
      const into = items.pop() ?? '';
      const target = into.startsWith('/') ? join(stage, into) : join(stage, cwd, into);
      for (const item of items)
        copy(from === undefined ? undefined : stages.get(from), item, target, items.length > 1);
    } else if (word === 'RUN' && rest.includes('npm ')) {
      const done = spawnSync('sh', ['-c', rest], {
        cwd: join(stage, cwd),
        env,
        encoding: 'utf8',
        timeout: 120_000,
      });
      if (done.status !== 0)
        throw new Error(`RUN ${rest} ended with ${done.status}: ${done.stdout}${done.stderr}`);
    }
  }
  return stage;

  function copy(from: string | undefined, item: string, target: string, isMany: boolean): void {
    const source = join(from ?? root, item);
    if (!existsSync(source)) throw new Error(`COPY ${item}: it is not there`);
    const isFolder = statSync(source).isDirectory();
    cpSync(source, isFolder || !(isMany || target.endsWith('/')) ? target : join(target, basename(item)), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => from !== undefined || path === source || !isIgnored(lines, relative(root, path)),
    });
  }
}
