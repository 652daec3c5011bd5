import { z } from 'zod';
import { accountKeyOfPem } from './account-keys.ts';
import type { FoundAccount, FoundCertificate } from './found-tree.ts';
import { accountUrlToday, oldDirectory } from './old-directories.ts';
import { EMAIL, readCombined, readJson, readPair } from './old-files.ts';
import type { OldTree } from './old-tree.ts';

/** The tree of lego 1.0.1 in MaibornWolff's image:
 *   certificates/<domain>.{crt,key,issuer.crt,json,pem}   `*` written as `_`; .crt is the chain, .pem chain and key
 *   current_domains                                       the list that was ordered last
 *   accounts/<host>_<port>/<email>/{account.json,keys/<email>.key}   EC P-384 as SEC1; the host without its path */

const ACCOUNT = z.object({
  email: EMAIL.optional().catch(undefined),
  /** Null after a registration that failed. */
  registration: z
    .object({ uri: z.string().max(2000).optional() })
    .nullish()
    .catch(undefined),
});

export async function accountsOfLego(tree: OldTree): Promise<FoundAccount[]> {
  const found: FoundAccount[] = [];
  for (const host of await tree.list('accounts')) {
    if (!host.isDirectory) continue;
    for (const { name, isDirectory } of await tree.list(`accounts/${host.name}`)) {
      const account = isDirectory ? await accountIn(tree, host.name, name) : undefined;
      if (account !== undefined) found.push(account);
    }
  }
  return found;
}

async function accountIn(tree: OldTree, host: string, email: string): Promise<FoundAccount | undefined> {
  const at = `accounts/${host}/${email}`;
  const directory = oldDirectory(host.replace(/_(\d+)$/, ':$1'));
  if (directory === undefined) {
    tree.note(at, 'its path names no host of a CA');
    return undefined;
  }
  const stored = await readJson(tree, `${at}/account.json`, ACCOUNT);
  const keyPath = `${at}/keys/${email}.key`;
  const file = await tree.read(keyPath, true);
  if (file === undefined) return undefined;
  const key = accountKeyOfPem(file.text);
  if (!key.ok) {
    tree.note(keyPath, key.problem);
    return undefined;
  }
  return {
    ...directory,
    path: `${tree.path}/${keyPath}`,
    keyPem: key.keyPem,
    thumbprint: key.thumbprint,
    email: stored?.email ?? EMAIL.safeParse(email).data,
    accountUrl: accountUrlToday(stored?.registration?.uri, directory.host),
    createdAt: file.modifiedAt,
    isInUse: stored?.registration?.uri !== undefined,
  };
}

export async function certificatesOfLego(tree: OldTree): Promise<FoundCertificate[]> {
  const stems = (await tree.list('certificates'))
    .filter(
      ({ name, isDirectory }) => !isDirectory && /\.(crt|pem)$/.test(name) && !name.endsWith('.issuer.crt'),
    )
    .map(({ name }) => `certificates/${name.slice(0, -4)}`);
  const found: FoundCertificate[] = [];
  for (const stem of new Set(stems)) {
    // lego writes .pem last and in place: a crash leaves half of one beside whole parts.
    const certificate =
      (await readCombined(tree, `${stem}.pem`)) ??
      (await readPair(tree, `${stem}.crt`, { chain: `${stem}.crt`, key: `${stem}.key` }));
    if (certificate !== undefined) found.push(certificate);
  }
  return found;
}
