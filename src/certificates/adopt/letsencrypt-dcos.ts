import { z } from 'zod';
import { accountKeyOfJwk } from './account-keys.ts';
import type { FoundAccount, FoundCertificate } from './found-tree.ts';
import { accountUrlToday, oldDirectory } from './old-directories.ts';
import { EMAIL, readCombined, readJson, readPair } from './old-files.ts';
import type { OldTree } from './old-tree.ts';

/** certbot's tree, as the images named letsencrypt-dcos keep it:
 *   live/<first>/{fullchain,privkey,cert,chain}.pem   links into archive/
 *   live/<first>.pem                                  what was put into Marathon: fullchain, then key
 *   renewal/<first>.conf                              names the account and the directory of the CA
 *   accounts/<host>/<path of the directory>/<id>/{private_key,regr,meta}.json
 * certbot 0.22 and newer make `accounts/acme-v02…/directory` an absolute link to that of v1 when there is one. */

/** `accounts/` + host + the parts of a path + id. */
const DEEPEST = 8;

const REGISTRATION = z.object({
  uri: z.string().max(2000).optional().catch(undefined),
  /** Empty since certbot 0.31. */
  body: z
    .object({ contact: z.array(EMAIL).max(20).optional() })
    .optional()
    .catch(undefined),
});
const META = z.object({ creation_dt: z.iso.datetime({ offset: true }).optional().catch(undefined) });

export async function accountsOfCertbot(tree: OldTree): Promise<FoundAccount[]> {
  const inUse = await accountsInUse(tree);
  const found: FoundAccount[] = [];
  const look = async (path: readonly string[]): Promise<void> => {
    const at = ['accounts', ...path].join('/');
    const entries = await tree.list(at);
    if (entries.some(({ name }) => name === 'private_key.json')) {
      const account = await accountIn(tree, at, path, inUse);
      if (account !== undefined) found.push(account);
    } else if (entries.some(({ name }) => name === 'regr.json')) tree.note(at, 'private_key.json is missing');
    else if (path.length < DEEPEST)
      for (const { name, isDirectory } of entries) if (isDirectory) await look([...path, name]);
  };
  await look([]);
  return found;
}

async function accountIn(
  tree: OldTree,
  at: string,
  path: readonly string[],
  inUse: ReadonlySet<string>,
): Promise<FoundAccount | undefined> {
  const keyPath = `${at}/private_key.json`;
  const directory = oldDirectory(path.slice(0, -1).join('/'));
  if (directory === undefined || path.length < 2) {
    tree.note(at, 'its path names no directory of a CA');
    return undefined;
  }
  const file = await tree.read(keyPath, true);
  if (file === undefined) return undefined;
  const key = accountKeyOfJwk(file.text);
  if (!key.ok) {
    tree.note(keyPath, key.problem);
    return undefined;
  }
  const registration = await readJson(tree, `${at}/regr.json`, REGISTRATION);
  const meta = await readJson(tree, `${at}/meta.json`, META);
  return {
    ...directory,
    path: `${tree.path}/${keyPath}`,
    keyPem: key.keyPem,
    thumbprint: key.thumbprint,
    email: registration?.body?.contact?.[0],
    accountUrl: accountUrlToday(registration?.uri, directory.host),
    createdAt: meta?.creation_dt === undefined ? file.modifiedAt : new Date(meta.creation_dt),
    isInUse: inUse.has(path.at(-1) ?? ''),
  };
}

/** Which accounts renew certificates, by id. @source certbot, renewal configuration: [renewalparams] account */
async function accountsInUse(tree: OldTree): Promise<Set<string>> {
  const ids = new Set<string>();
  for (const { name, isDirectory } of await tree.list('renewal')) {
    if (isDirectory || !name.endsWith('.conf')) continue;
    const text = (await tree.read(`renewal/${name}`))?.text ?? '';
    for (const [, id] of text.matchAll(/^[ \t]*account[ \t]*=[ \t]*(\w+)[ \t]*$/gm)) ids.add(id as string);
  }
  return ids;
}

/** The lineages first: live/<first>.pem is a copy that may be older. */
export async function certificatesOfCertbot(tree: OldTree): Promise<FoundCertificate[]> {
  const entries = await tree.list('live');
  const found: FoundCertificate[] = [];
  for (const { name } of entries.filter(({ isDirectory }) => isDirectory)) {
    const at = `live/${name}`;
    const pair = { chain: `${at}/fullchain.pem`, key: `${at}/privkey.pem` };
    const certificate = await readPair(tree, at, pair);
    if (certificate !== undefined) found.push(certificate);
  }
  for (const { name } of entries.filter((each) => !each.isDirectory && each.name.endsWith('.pem'))) {
    const certificate = await readCombined(tree, `live/${name}`);
    if (certificate !== undefined) found.push(certificate);
  }
  return found;
}
