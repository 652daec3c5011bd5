import type { FoundAccount, FoundCertificate, FoundTree, TreeKind } from './found-tree.ts';
import { STOCK_PATHS } from './found-tree.ts';
import { accountsOfCertbot, certificatesOfCertbot } from './letsencrypt-dcos.ts';
import { accountsOfLego, certificatesOfLego } from './maibornwolff.ts';
import { accountsOfMarathonAcme, certificatesOfMarathonAcme } from './marathon-acme.ts';
import { type OldTree, openTree } from './old-tree.ts';

interface Reader {
  accounts: (tree: OldTree) => Promise<FoundAccount[]>;
  certificates: (tree: OldTree) => Promise<FoundCertificate[]>;
}

const READERS: Readonly<Record<TreeKind, Reader>> = {
  'letsencrypt-dcos': { accounts: accountsOfCertbot, certificates: certificatesOfCertbot },
  'marathon-acme': { accounts: accountsOfMarathonAcme, certificates: certificatesOfMarathonAcme },
  maibornwolff: { accounts: accountsOfLego, certificates: certificatesOfLego },
};

/** Reads what a predecessor left in a directory: its accounts and its certificates, whatever their age. Nothing is
 * written, and what can not be read is told, never thrown.
 * @returns undefined when there is no such directory, or none of a predecessor */
export async function readPredecessor(path: string): Promise<FoundTree | undefined> {
  const tree = await openTree(path, STOCK_PATHS['letsencrypt-dcos']);
  if (tree === undefined) return undefined;
  const kind = await kindOf(tree);
  if (kind === undefined) return unreadable(tree);
  // What was noted while the kind was found out is noted again by its reader, if it matters.
  const reader = READERS[kind];
  // certbot links the accounts of a v1 host into the tree of its successor, where one is found again.
  const [old, today] = partition(await reader.accounts(tree), ({ isOld }) => isOld);
  const accounts = eachOnce([...today, ...old], ({ thumbprint, directoryUrl, host }) =>
    [thumbprint, directoryUrl ?? host].join(),
  );
  const certificates = await reader.certificates(tree);
  return {
    kind,
    path: tree.path,
    accounts,
    certificates: eachOnce(certificates, ({ bundle }) => bundle.facts.fingerprint),
    problems: tree.problems,
  };
}

/** Whose directory is this? */
export async function detectTree(path: string): Promise<TreeKind | undefined> {
  const tree = await openTree(path, STOCK_PATHS['letsencrypt-dcos']);
  return tree === undefined ? undefined : kindOf(tree);
}

/** The directories of predecessors among these. */
export async function detectTrees(
  candidates: readonly string[] = Object.values(STOCK_PATHS),
): Promise<{ path: string; kind: TreeKind }[]> {
  const found = await Promise.all(candidates.map(async (path) => ({ path, kind: await detectTree(path) })));
  return found.flatMap(({ path, kind }) => (kind === undefined ? [] : [{ path, kind }]));
}

/** Told by what no other program has: our own store has accounts/ and certificates/ too, and our shared directory
 * certs/ and default.pem. */
async function kindOf(tree: OldTree): Promise<TreeKind | undefined> {
  const entries = await tree.list('');
  const has = (name: string, isDirectory: boolean): boolean =>
    entries.some((each) => each.name === name && each.isDirectory === isDirectory);
  if (has('live', true) || has('renewal', true) || has('renewal-hooks', true)) return 'letsencrypt-dcos';
  if (has('client.key', false) || has('unmanaged-certs', true)) return 'marathon-acme';
  if (has('current_domains', false)) return 'maibornwolff';
  if (has('certificates', true)) {
    const names = (await tree.list('certificates')).filter(({ isDirectory }) => !isDirectory);
    if (names.some(({ name }) => /\.(crt|key)$/.test(name))) return 'maibornwolff';
  }
  return has('accounts', true) ? kindOfAccounts(tree) : undefined;
}

/** Nothing but an account: its first certificate was never issued. */
async function kindOfAccounts(tree: OldTree): Promise<TreeKind | undefined> {
  for (const host of await directoriesIn(tree, 'accounts')) {
    for (const second of await directoriesIn(tree, host)) {
      const inside = await directoriesIn(tree, second);
      if (inside.some((each) => each.endsWith('/keys'))) return 'maibornwolff';
      for (const each of inside) {
        const isAccount = (await tree.list(each)).some(({ name }) => name === 'private_key.json');
        if (isAccount) return 'letsencrypt-dcos';
      }
    }
  }
  return undefined;
}

async function directoriesIn(tree: OldTree, path: string): Promise<string[]> {
  const entries = await tree.list(path);
  return entries.filter(({ isDirectory }) => isDirectory).map(({ name }) => `${path}/${name}`);
}

function unreadable({ path, problems }: OldTree): FoundTree | undefined {
  const isClosed = problems.some((each) => each.path === path);
  return isClosed ? { kind: 'unreadable', path, accounts: [], certificates: [], problems } : undefined;
}

function partition<T>(items: readonly T[], question: (item: T) => boolean): [T[], T[]] {
  return [items.filter(question), items.filter((item) => !question(item))];
}

function eachOnce<T>(items: readonly T[], identity: (item: T) => string): T[] {
  const seen = new Map<string, T>();
  for (const item of items) if (!seen.has(identity(item))) seen.set(identity(item), item);
  return [...seen.values()];
}
