// pure
import { CERTIFICATE_COMMANDS, ROLLOUT_COMMANDS, STORE_COMMANDS } from './option.ts';
import { type Env, isSet, type Notice, PREDECESSORS, type Predecessor } from './predecessor.ts';

/** Whose definition it is that we were started from, and what is left of the command line. */
export interface Recognised {
  predecessor: Predecessor;
  /** How it was told: by words that only it has, by its directory, or by its variables. */
  by: 'words' | 'storage' | 'variables';
  /** Our command, with words of ours after it. For marathon-acme the words are its own still. */
  argv: readonly string[];
  notices: Notice[];
}

const OWN_COMMANDS = new Set(
  ['lab', 'help', ...CERTIFICATE_COMMANDS, ...STORE_COMMANDS, ...ROLLOUT_COMMANDS].map(
    (name) => name.split(' ')[0] ?? '',
  ),
);
/** They have nothing to do with certificates, so no definition of a predecessor starts them. */
const OTHER_COMMANDS = new Set(['lab', 'help', ...ROLLOUT_COMMANDS.map((name) => name.split(' ')[0] ?? '')]);
/** What stands before a script in a command line. */
const INTERPRETER = /(^|\/)(python[\d.]*|(ba|da|a)?sh)$/;

/** Which predecessor a command line and an environment belong to; undefined for a definition of our own. Pure but
 * for `exists`. Its words decide; with none of them (the images of two have no arguments in their definitions) the
 * directory that is mounted; without a volume the variables. */
export function recognise(
  argv: readonly string[],
  env: Env,
  exists: (path: string) => boolean,
): Recognised | undefined {
  return byWords(argv, exists) ?? byWhatIsThere(argv, env, exists);
}

function byWords(argv: readonly string[], exists: (path: string) => boolean): Recognised | undefined {
  const isInterpreted = INTERPRETER.test(argv[0] ?? '');
  const script = (isInterpreted ? argv[1] : argv[0]) ?? '';
  const after = argv.slice(isInterpreted ? 2 : 1);
  const told = (
    predecessor: Predecessor,
    used: number,
    command: string,
    rest: readonly string[],
  ): Recognised => {
    const given = argv.slice(0, used).join(' ');
    const notices = [{ option: 'command', given, use: `certathon ${command}`, used: true }];
    return { predecessor, by: 'words', argv: [command, ...rest], notices };
  };
  if (/(^|\/)run\.sh$/.test(script))
    return told('letsencrypt-dcos', argv.length - after.length, 'serve', after);
  if (/(^|\/)cert\.py$/.test(script)) {
    const isService = /^service(_with_backoff)?$/.test(after[0] ?? '');
    const rest = isService ? after.slice(1) : after;
    const command = isService ? 'serve' : 'renew';
    return told('letsencrypt-marathon-lb', argv.length - rest.length, command, rest);
  }
  if (/^(\S*\/(bin|scripts)\/)?marathon-acme(-entrypoint\.sh)?$/.test(script))
    return told('marathon-acme', argv.length - after.length, 'serve', after);
  // As the entry point of its image has it: a flag, or a directory that is there.
  const first = argv[0] ?? '';
  const isFlag = /^-/.test(first) && !/^(-h|--help|-V|--version)$/.test(first);
  const isPath = /^[./]/.test(first) && exists(first);
  if (!isPath && (!isFlag || argv.some((word) => OWN_COMMANDS.has(word)))) return undefined;
  const reason = `this is a definition of marathon-acme: by its ${isPath ? 'storage path' : 'flags'}`;
  return {
    ...{ predecessor: 'marathon-acme', by: 'words', argv: ['serve', ...argv] },
    notices: [{ option: 'command', reason }],
  };
}

function byWhatIsThere(
  argv: readonly string[],
  env: Env,
  exists: (path: string) => boolean,
): Recognised | undefined {
  const command = argv[0] ?? '';
  if (!OWN_COMMANDS.has(command) || OTHER_COMMANDS.has(command)) return undefined;
  const isThere = (predecessor: Predecessor) => exists(PREDECESSORS[predecessor].storage);
  // Both need the address of an account; a machine may have a tree of certbot for itself.
  const hasVariables = ['LETSENCRYPT_EMAIL', 'LETSENCRYPT_SERVER_URL', 'LETSENCRYPT_URL'].some((name) =>
    isSet(env, name),
  );
  const found = (predecessor: Predecessor, by: 'storage' | 'variables'): Recognised => {
    const what = by === 'storage' ? `${PREDECESSORS[predecessor].storage} is there` : 'by its variables';
    const notice = { option: 'command', reason: `this is a definition of ${predecessor}: ${what}` };
    return { predecessor, by, argv, notices: [notice] };
  };
  if (hasVariables && isThere('letsencrypt-dcos')) return found('letsencrypt-dcos', 'storage');
  if (hasVariables && isThere('letsencrypt-marathon-lb')) return found('letsencrypt-marathon-lb', 'storage');
  // Without arguments it has no variables at all; our own definitions may share this very directory.
  const isOurs = ['DELIVERY', 'DIRECTORY', 'DOMAINS'].some((name) => isSet(env, `CERTATHON_${name}`));
  if (!hasVariables && !isOurs && isThere('marathon-acme')) return found('marathon-acme', 'storage');
  if (!hasVariables) return undefined;
  const isLego = ['LETSENCRYPT_URL', 'LETSENCRYPT_VERIFICATION_METHOD', 'DNSPROVIDER'].some((name) =>
    isSet(env, name),
  );
  return found(isLego ? 'letsencrypt-marathon-lb' : 'letsencrypt-dcos', 'variables');
}
