import { accountKeyOfPem } from './account-keys.ts';
import type { FoundAccount, FoundCertificate } from './found-tree.ts';
import { readCombined } from './old-files.ts';
import type { OldTree } from './old-tree.ts';

/** marathon-acme's directory, which marathon-lb reads too:
 *   client.key            the account, RSA as PKCS#1; nothing says at which CA
 *   certs/<domain>.pem    key, leaf, chain
 *   default.pem           self-signed for `*`; nothing to take over
 *   unmanaged-certs/      other people's; not even read */

export async function accountsOfMarathonAcme(tree: OldTree): Promise<FoundAccount[]> {
  const file = await tree.read('client.key');
  if (file === undefined) return [];
  const key = accountKeyOfPem(file.text);
  if (!key.ok) {
    tree.note('client.key', key.problem);
    return [];
  }
  return [
    {
      path: `${tree.path}/client.key`,
      host: undefined,
      directoryUrl: undefined,
      // Its last release knew ACME v1 only.
      isOld: true,
      keyPem: key.keyPem,
      thumbprint: key.thumbprint,
      email: undefined,
      accountUrl: undefined,
      createdAt: file.modifiedAt,
      isInUse: true,
    },
  ];
}

export async function certificatesOfMarathonAcme(tree: OldTree): Promise<FoundCertificate[]> {
  const found: FoundCertificate[] = [];
  for (const { name, isDirectory } of await tree.list('certs')) {
    if (isDirectory || !name.endsWith('.pem')) continue;
    const certificate = await readCombined(tree, `certs/${name}`);
    if (certificate !== undefined) found.push(certificate);
  }
  return found;
}
