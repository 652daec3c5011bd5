import { type Bundle, bundleChain, bundleKey } from '../delivery/bundle.ts';
import { CertathonError } from '../lib/errors.ts';

/** Certificate and chain, and the key, in the files and names that other programs expect. */
export function exportParts(bundle: Bundle): Record<'fullchain.pem' | 'privkey.pem', string> {
  const chain = bundleChain(bundle).map((each) => each.toString().trimEnd());
  return { 'fullchain.pem': `${chain.join('\n')}\n`, 'privkey.pem': bundleKey(bundle) };
}

/** A PKCS#12 file of certificate, chain and key, encrypted by AES-256.
 * @throws CONFIG_INVALID without a password, and for what node-forge can not read: keys other than RSA */
export async function exportPkcs12(
  bundle: Bundle,
  friendlyName: string,
  password: string | undefined,
): Promise<Uint8Array> {
  if (password === undefined)
    throw new CertathonError(
      'CONFIG_INVALID',
      'exportPassword is not set: a PKCS#12 file is encrypted by it',
    );
  const chain = bundleChain(bundle);
  if (chain.some(({ publicKey }) => publicKey.asymmetricKeyType !== 'rsa'))
    throw new CertathonError(
      'CONFIG_INVALID',
      'PKCS#12 is only written where all keys are RSA, and those of this certificate or its chain are not: take --format pem',
    );
  const { default: forge } = await import('node-forge');
  const asn1 = forge.pkcs12.toPkcs12Asn1(
    forge.pki.privateKeyFromPem(bundleKey(bundle)),
    chain.map((each) => forge.pki.certificateFromPem(each.toString())),
    password,
    { algorithm: 'aes256', friendlyName },
  );
  return Buffer.from(forge.asn1.toDer(asn1).getBytes(), 'binary');
}
