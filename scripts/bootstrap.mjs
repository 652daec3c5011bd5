// What every npm script goes through: installs what is missing, then goes on with the pinned Node.
// Runs on Node 20 with nothing installed, so it imports nothing but Node's own modules.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { constants as system } from 'node:os';
import { basename, delimiter, dirname, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const NEEDED_NODE = 24;

/** The programs that the real parts need, with the package of Debian and Ubuntu that has them. */
const TOOLS = {
  haproxy: 'haproxy',
  pebble: 'pebble',
  'pebble-challtestsrv': 'pebble',
  openssl: 'openssl',
  // The daemon alone: the package dnsmasq would start a service.
  dnsmasq: 'dnsmasq-base',
};

/** What each command runs, on the pinned Node, and whether it needs the tools above. */
export function planCommand(name, args = []) {
  const commands = {
    demo: { argv: ['src/main.ts', 'lab', 'demo', ...args], tools: true },
    lab: { argv: ['src/main.ts', 'lab', ...args], tools: true },
    test: { argv: ['scripts/test.ts', ...args], tools: true },
    'test:long': {
      argv: ['node_modules/vitest/vitest.mjs', 'run', '--project', 'long', ...args],
      tools: true,
      env: { CERTATHON_LONG: '1' },
    },
    bench: { argv: ['scripts/bench.ts', ...args], tools: true },
    check: { argv: ['scripts/test.ts', '--project', 'unit', ...args], tools: false },
    docs: { argv: ['scripts/docs.ts', ...args], tools: false },
  };
  if (Object.hasOwn(commands, name)) return { env: {}, ...commands[name] };
  const known = Object.keys(commands).join(', ');
  return { problem: `${name ? `"${name}" is no command` : 'A command is missing'}; there are ${known}.` };
}

/** Whether the npm packages are those of the lock file: by the stamp of an earlier run, or else by the list
 * that npm keeps, so that nobody's `npm install` is thrown away. */
export function planPackages({ lock, stamp, installed }) {
  if (stamp !== undefined && stamp.trim() === lockHash(lock)) return { do: 'keep' };
  if (installed === undefined) return { do: 'install', reason: 'no npm packages are installed' };
  let wanted;
  let present;
  try {
    wanted = Object.entries(JSON.parse(lock).packages);
    present = JSON.parse(installed).packages;
  } catch {
    return { do: 'install', reason: 'the list of installed npm packages is unreadable' };
  }
  const differing = wanted.find(([path, entry]) => {
    const own = present[path];
    if (path === '' || (own === undefined && entry.optional === true)) return false;
    return own === undefined || own.version !== entry.version || own.integrity !== entry.integrity;
  });
  if (differing === undefined) return { do: 'stamp' };
  return { do: 'install', reason: `${differing[0]} is not what the lock file names` };
}

export function lockHash(lock) {
  return createHash('sha256').update(lock).digest('hex');
}

/** How missing programs come onto the machine: by apt as root, by apt through sudo that asks nothing, or by
 * a person who is told the command. */
export function planTools({ missing, hasApt, isRoot, canSudo }) {
  if (missing.length === 0) return { do: 'nothing' };
  const packages = [...new Set(missing.map((tool) => TOOLS[tool]))];
  const command = `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  if (hasApt && (isRoot || canSudo)) {
    const script = aptScript(command, packages.includes('haproxy'));
    return { do: 'install', packages, argv: [...(isRoot ? [] : ['sudo', '-n']), 'sh', '-c', script] };
  }
  const advice = hasApt ? `sudo ${command}` : `your package manager (on Debian and Ubuntu: sudo ${command})`;
  return { do: 'stop', sentence: `${missing.join(', ')} not found; install with ${advice}` };
}

/** Debian starts and enables the service of a fresh haproxy. A policy for the time of the installation keeps
 * it from starting; nobody who only ran a test wants it at the next boot either. */
function aptScript(command, withHaproxy) {
  const install = `${command} -o DPkg::Lock::Timeout=120`;
  return [
    'set -e',
    'export DEBIAN_FRONTEND=noninteractive LC_ALL=C',
    'policy=/usr/sbin/policy-rc.d',
    "trap 'exit 130' INT TERM HUP",
    `if [ ! -e $policy ]; then trap 'rm -f $policy' EXIT; printf '#!/bin/sh\\nexit 101\\n' >$policy; chmod 755 $policy; fi`,
    `${install} || { apt-get update && ${install}; }`,
    ...(withHaproxy ? ['if [ -d /run/systemd/system ]; then systemctl disable haproxy || true; fi'] : []),
  ].join('\n');
}

/** Which Node goes on: the pinned one, the one that runs already when it is new enough, or none. */
export function planNode({ pinned, running }) {
  const major = (version) => Number(/^v?(\d+)\./.exec(version ?? '')?.[1] ?? 0);
  if (major(pinned) >= NEEDED_NODE) return 'pinned';
  return major(running) >= NEEDED_NODE ? 'running' : 'none';
}

/** PATH of the command: the packages' programs first, and the folders where Debian keeps daemons. */
export function planPath(root, path = '') {
  const entries = [
    join(root, 'node_modules', '.bin'),
    ...path.split(delimiter),
    '/usr/local/sbin',
    '/usr/sbin',
    '/sbin',
  ];
  return [...new Set(entries.filter((entry) => entry !== ''))].join(delimiter);
}

/** A failure that a person can do something about; its message is all that is printed. */
class Stop extends Error {}

function say(text) {
  process.stderr.write(`${text}\n`);
}

function readIfThere(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function findProgram(name, path) {
  return path
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return statSync(file).isFile();
      } catch {
        return false;
      }
    });
}

/** Runs a step without its output, which is printed only when the step fails. */
function runQuietly(argv, options, sentence) {
  const done = spawnSync(argv[0], argv.slice(1), {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    ...options,
  });
  if (done.status === 0) return;
  if (done.signal === 'SIGINT' || done.status === 130) throw new Stop('Stopped.');
  say(`${done.stdout ?? ''}${done.stderr ?? ''}`.split('\n').slice(-40).join('\n').trim());
  throw new Stop(`${sentence}${done.error === undefined ? '' : `: ${done.error.message}`}.`);
}

/** npm as [program, ...arguments]: the one that called, the one beside this Node, or the one on the PATH; never
 * on a Node inside node_modules, which npm is about to replace. */
function findNpm(root, env) {
  const isOurs = process.execPath.startsWith(join(root, 'node_modules') + sep);
  const outside = (env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  const node = (isOurs && findProgram('node', outside.join(delimiter))) || process.execPath;
  const caller = env.npm_execpath ?? '';
  if (basename(caller) === 'npm-cli.js' && existsSync(caller)) return [node, caller];
  const beside = join(dirname(process.execPath), 'npm');
  const npm = !isOurs && existsSync(beside) ? beside : findProgram('npm', outside.join(delimiter));
  if (npm === undefined) throw new Stop('npm was not found; install it beside Node and run this again.');
  const script = realpathSync(npm);
  return script.endsWith('.js') ? [node, script] : [npm];
}

function installPackages(root, env) {
  const lockFile = join(root, 'package-lock.json');
  const lock = readIfThere(lockFile);
  if (lock === undefined || !existsSync(join(root, 'package.json')))
    throw new Stop(`${root} has no package-lock.json; run this inside a whole clone of the repository.`);
  const stampFile = join(root, 'node_modules', '.certathon-lock');
  const installed = readIfThere(join(root, 'node_modules', '.package-lock.json'));
  const plan = planPackages({ lock, stamp: readIfThere(stampFile), installed });
  if (plan.do === 'keep') return;
  if (plan.do === 'install') {
    say(`Installing npm packages (${plan.reason})`);
    const argv = [...findNpm(root, env), 'ci', '--no-audit', '--no-fund', '--engine-strict=false'];
    runQuietly(argv, { cwd: root, env }, '`npm ci` failed; its words are above');
  }
  writeFileSync(stampFile, `${lockHash(lock)}\n`);
}

function versionOf(node) {
  return existsSync(node) ? spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout?.trim() : undefined;
}

/** The Node to go on with; npm may have been told not to run the script that fetches the pinned one. */
function findNode(root, env) {
  const pinned = join(root, 'node_modules', 'node', 'bin', 'node');
  const choose = () => planNode({ pinned: versionOf(pinned), running: process.version });
  if (choose() === 'none') {
    say('Fetching the pinned Node');
    const argv = [...findNpm(root, env), 'rebuild', 'node'];
    spawnSync(argv[0], argv.slice(1), { cwd: root, env, stdio: 'ignore' });
  }
  const choice = choose();
  if (choice === 'pinned') return pinned;
  if (choice === 'running') return process.execPath;
  throw new Stop(
    `Node ${NEEDED_NODE} could not be set up; run \`npm rebuild node --ignore-scripts=false\` in ${root}, or use Node ${NEEDED_NODE} or newer.`,
  );
}

function installTools(path, env) {
  const missing = () => Object.keys(TOOLS).filter((tool) => findProgram(tool, path) === undefined);
  const isRoot = process.getuid?.() === 0;
  const lacking = missing();
  if (lacking.length === 0) return;
  const hasApt = findProgram('apt-get', path) !== undefined;
  const canSudo = hasApt && !isRoot && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0;
  const plan = planTools({ missing: lacking, hasApt, isRoot, canSudo });
  if (plan.do === 'stop') throw new Stop(`${plan.sentence}.`);
  say(`Installing ${plan.packages.join(' and ')} with apt-get`);
  runQuietly(plan.argv, { env: { ...env, PATH: path } }, '`apt-get install` failed; its words are above');
  const still = missing();
  if (still.length > 0)
    throw new Stop(`${still.join(', ')} not found, even after apt-get installed the packages.`);
}

/** Runs the command in the foreground; signals reach it, and its exit status becomes ours. */
function runCommand(node, plan, root, env) {
  const child = spawn(node, plan.argv, { cwd: root, env: { ...env, ...plan.env }, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to the child as well; a second one would mean "at once".
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on('error', (error) => {
    say(`${plan.argv[0]} could not be started: ${error.message}.`);
    process.exitCode = 1;
  });
  child.on('exit', (status, signal) => {
    process.exit(status ?? 128 + (system.signals[signal] ?? 0));
  });
}

function main([name, ...args]) {
  try {
    if (Number(process.versions.node.split('.')[0]) < 20) throw new Stop('Node 20 or newer is needed.');
    const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
    const plan = planCommand(name, args);
    if (plan.problem !== undefined) throw new Stop(plan.problem);
    installPackages(root, process.env);
    const node = findNode(root, process.env);
    const path = planPath(root, process.env.PATH);
    if (plan.tools) installTools(path, process.env);
    if (!existsSync(join(root, plan.argv[0]))) throw new Stop(`${plan.argv[0]} is missing from ${root}.`);
    runCommand(node, plan, root, { ...process.env, PATH: path });
  } catch (error) {
    say(error instanceof Stop ? error.message : `The preparation failed: ${error.message}.`);
    process.exitCode = 1;
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
  main(process.argv.slice(2));
