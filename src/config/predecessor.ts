// pure

/** The programs whose definitions go on working when only their image is exchanged for ours. The forks of
 * letsencrypt-dcos count as it. */
export type Predecessor = 'letsencrypt-dcos' | 'marathon-acme' | 'letsencrypt-marathon-lb';

/** Where each keeps its files, and the port in its container that it answers challenges at.
 * @source run.sh of letsencrypt-dcos; cli.py and Dockerfile of marathon-acme; cert.py and its Dockerfile */
export const PREDECESSORS: Readonly<Record<Predecessor, { storage: string; port: number }>> = {
  'letsencrypt-dcos': { storage: '/etc/letsencrypt', port: 80 },
  'marathon-acme': { storage: '/var/lib/marathon-acme', port: 8000 },
  'letsencrypt-marathon-lb': { storage: '/letsencrypt/.lego', port: 8080 },
};

/** Said once each: a name that was given and the one to use, or what it means here. */
export type Notice =
  | { option: string; given: string; use: string; used: boolean }
  | { option: string; reason: string };

/** What becomes of words or variables of a predecessor, in parts that add up. */
export interface Translation {
  notices: Notice[];
  /** What can not be taken over, a sentence each: nothing may be changed then. */
  refusals: string[];
}

export type Env = Readonly<Record<string, string | undefined>>;

/** An empty variable counts as unset: definitions pass on variables that nobody filled. */
export function isSet(env: Env, name: string): boolean {
  return (env[name] ?? '').trim() !== '';
}
