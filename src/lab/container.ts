import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { ImageCommand } from './marathon/command.ts';

/** What a program sees of the machine: everything as it is, but directories of the lab at the paths of its volumes, and
 * names that nobody else knows. */
export interface Inside {
  /** Path inside → directory outside, which is made when it is missing. */
  volumes: Readonly<Record<string, string>>;
  /** Name → address. */
  hosts: Readonly<Record<string, string>>;
  /** Where the new root is put together, in memory. */
  sandbox: string;
}

/** Builds a root of links into the real one, with the volumes in it, and goes on there. All of it is memory of this mount
 * namespace: nothing is made outside, and it is gone with the program.
 *   $1 the new root   $2 the text of its /etc/hosts   then `path directory` pairs up to `--`   then the program and its words */
const SCRIPT = `set -eu
root=$1; hosts=$2; shift 2
mkdir -p "$root"
mount -t tmpfs none "$root"
mkdir "$root/.host"
mount --rbind / "$root/.host"
for entry in /* /.[!.]*; do
  [ ! -e "$entry" ] || ln -s "/.host$entry" "$root$entry"
done
unfold() { # a link to a directory becomes a directory of links
  [ -L "$root$1" ] || { mkdir -p "$root$1"; return 0; }
  rm "$root$1"; mkdir "$root$1"
  for entry in "$1"/*; do
    [ ! -e "$entry" ] || ln -s "/.host$entry" "$root$1/"
  done
}
above() {
  [ "$1" = / ] || { above "$(dirname "$1")"; unfold "$1"; }
}
while [ "$1" != -- ]; do
  above "$(dirname "$1")"
  rm -f "$root$1"; mkdir "$root$1"; mkdir -p "$2"
  mount --bind "$2" "$root$1"
  shift 2
done
shift
above /etc
rm -f "$root/etc/hosts"; printf '%s' "$hosts" > "$root/etc/hosts"
exec chroot "$root" "$@"
`;

/** Whoever is not root becomes it inside. */
const UNSHARE = ['--mount', ...(process.getuid?.() === 0 ? [] : ['--map-root-user']), '--'];

/** The command that runs a program there, as a container engine does with volumes and `--add-host`. */
export function insideOf(program: ImageCommand, { volumes, hosts, sandbox }: Inside): ImageCommand {
  const lines = Object.entries({ localhost: '127.0.0.1', ...hosts }).map(
    ([name, address]) => `${address} ${name}\n`,
  );
  const mounts = Object.entries(volumes).flat();
  const words = [join(sandbox, 'root'), lines.join(''), ...mounts, '--', program.command, ...program.args];
  return { ...program, command: 'unshare', args: [...UNSHARE, '/bin/sh', '-c', SCRIPT, 'inside', ...words] };
}

/** May this user give a program a view of the file system of its own? Some systems keep that to root. */
export function canContain(): boolean {
  try {
    const words = [...UNSHARE, 'mount', '-t', 'tmpfs', 'none', '/mnt'];
    execFileSync('unshare', words, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
