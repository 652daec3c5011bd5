// pure
import { type Env, isSet, type Notice, PREDECESSORS, type Predecessor } from './predecessor.ts';
import { marathonAcmeArguments } from './predecessor-marathon-acme.ts';
import { readVariables } from './predecessor-variables.ts';
import { type Recognised, recognise } from './predecessor-words.ts';
import type { Given } from './sources.ts';

/** What a definition means, in our words. */
export interface StockSettings {
  predecessor: Predecessor | undefined;
  /** Its directory of certificates and accounts, where there is one: its own files there are only read. */
  storage: string | undefined;
  argv: readonly string[];
  env: Env;
  /** What messages call an option that was given by a flag of the predecessor; by name of option. */
  spelt: Readonly<Record<string, string>>;
  /** What the definition means where nobody says otherwise, by name of option: it weighs less than a file and
   * more than our own defaults. */
  defaults: Readonly<Record<string, Given>>;
  labels: LabelsRead | undefined;
  /** Why the user that the image is made for will not do. */
  whyRoot: string | undefined;
  notices: readonly Notice[];
  /** What can not be taken over, a sentence each: nothing may be changed then. */
  refusals: readonly string[];
}

/** How a predecessor read labels, where no option of ours says it: whose labels count is in `defaults`. */
export interface LabelsRead {
  /** Whether HAPROXY_0_VHOST of its own app lists names; otherwise it only routes. */
  ownVhost: boolean;
  /** Whether only the first name of a MARATHON_ACME_{n}_DOMAIN label counts. */
  firstNameOnly: boolean;
}

/** The user that the image is made for. The files of predecessors belong to root, so with their storage this one is
 * not enough; another one that is named counts. */
export const IMAGE_USER = '1000:1000';

/** Below this a port takes root, or a kernel that was told otherwise. */
const FIRST_FREE_PORT = 1024;
/** A store of ours that was begun at its usual place stays there. */
const OUR_STORE = '/var/lib/certathon/certificates';
/** What --lb of marathon-acme is when it is not given. */
const BALANCERS_OF_MARATHON_ACME = 'http://marathon-lb.marathon.mesos:9090';

/** The command line and the environment of a predecessor's definition in our words; those of our own as they are.
 * Pure but for `exists`.
 * @param argv what stands after the name of the program */
export function stockSettings(
  argv: readonly string[],
  env: Env,
  exists: (path: string) => boolean,
): StockSettings {
  const found = recognise(argv, env, exists);
  if (found === undefined)
    return {
      ...{
        predecessor: undefined,
        storage: undefined,
        argv,
        env,
        spelt: {},
        defaults: {},
        labels: undefined,
      },
      ...{ whyRoot: undefined, notices: [], refusals: [] },
    };
  const { predecessor } = found;
  const words = wordsOf(found);
  const usual = PREDECESSORS[predecessor].storage;
  const storage = words.storage ?? (exists(usual) ? usual : undefined);
  const variables = readVariables(predecessor, env, exists);
  const isBridged = !isSet(env, 'PORT0') || isSet(env, `PORT_${PREDECESSORS[predecessor].port}`);
  const texts = {
    ...variables.defaults,
    ...(isBridged ? { challengePort: String(PREDECESSORS[predecessor].port) } : {}),
    ...(storage !== undefined && !exists(OUR_STORE)
      ? { store: `${storage.replace(/\/+$/, '')}/certathon` }
      : {}),
    ...(predecessor === 'marathon-acme' && storage !== undefined ? sharedDirectory(storage, env) : {}),
    ...(predecessor === 'marathon-acme' ? { groups: words.group ?? 'external' } : { discover: 'off' }),
  };
  const source = `as ${predecessor} has it`;
  const port = isSet(env, 'CERTATHON_CHALLENGE_PORT') ? env.CERTATHON_CHALLENGE_PORT : texts.challengePort;
  const whyRoot =
    storage !== undefined
      ? `the files in ${storage} are those of root, as ${predecessor} ran`
      : Number(port) < FIRST_FREE_PORT
        ? `port ${port} may be root's alone`
        : undefined;
  return {
    predecessor,
    storage,
    argv: words.argv,
    env: translatedEnv(env, { isBridged, isRootNeeded: whyRoot !== undefined }),
    spelt: words.spelt,
    defaults: Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, { text, source }])),
    labels: {
      ownVhost: predecessor !== 'marathon-acme',
      firstNameOnly: !words.everyName,
    },
    whyRoot,
    notices: [...found.notices, ...words.notices, ...variables.notices],
    refusals: [...words.refusals, ...variables.refusals],
  };
}

function wordsOf({ predecessor, by, argv }: Recognised): ReturnType<typeof marathonAcmeArguments> {
  if (predecessor === 'marathon-acme' && by === 'words') return marathonAcmeArguments(argv.slice(1));
  return {
    ...{ argv: [...argv], spelt: {}, storage: undefined, group: undefined, everyName: false },
    ...{ notices: [], refusals: [] },
  };
}

/** Its volume is what the balancers load, so delivery is by directory. */
function sharedDirectory(storage: string, env: Env): Record<string, string> {
  if (isSet(env, 'CERTATHON_DELIVERY') && env.CERTATHON_DELIVERY?.trim() !== 'directory') return {};
  const isFound = isSet(env, 'CERTATHON_BALANCER_DNS');
  return {
    ...{ delivery: 'directory', directory: storage },
    ...(isFound ? {} : { balancerUrls: BALANCERS_OF_MARATHON_ACME }),
  };
}

/** Behind a bridge PORT0 and PORT1 are the agent's ports, not those of the container. */
function translatedEnv(
  env: Env,
  { isBridged, isRootNeeded }: { isBridged: boolean; isRootNeeded: boolean },
): Env {
  const gone = [
    ...(isBridged ? ['PORT0', 'PORT1'] : []),
    ...(isRootNeeded && env.CERTATHON_USER === IMAGE_USER ? ['CERTATHON_USER'] : []),
  ];
  return Object.fromEntries(Object.entries(env).filter(([name]) => !gone.includes(name)));
}
