// pure
import { createPrivateKey, type KeyObject } from 'node:crypto';

/** What CAs certify. P-521 is left out: Let's Encrypt refuses it.   @source Baseline Requirements 6.1.5 */
export const KEY_TYPES = ['ec256', 'ec384', 'rsa2048', 'rsa3072', 'rsa4096'] as const;
export type KeyType = (typeof KEY_TYPES)[number];

/** Small in a bundle, cheap in a handshake, and every client of today reads it. */
export const DEFAULT_KEY_TYPE: KeyType = 'ec256';

/** How a key of the type is made. */
export const KEY_PARAMETERS: Readonly<Record<KeyType, { curve: string } | { bits: number }>> = {
  ec256: { curve: 'prime256v1' },
  ec384: { curve: 'secp384r1' },
  rsa2048: { bits: 2048 },
  rsa3072: { bits: 3072 },
  rsa4096: { bits: 4096 },
};

/** The type of a private key in PEM. Pure.
 * @returns undefined when it is of no type of the table, or no readable key */
export function keyTypeOf(privateKeyPem: string): KeyType | undefined {
  let key: KeyObject;
  try {
    key = createPrivateKey(privateKeyPem);
  } catch {
    return undefined;
  }
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  // RSA-PSS keys have a length too, but CAs refuse them.
  const bits = key.asymmetricKeyType === 'rsa' ? modulusLength : undefined;
  return KEY_TYPES.find((type) => {
    const wanted = KEY_PARAMETERS[type];
    return 'curve' in wanted ? namedCurve === wanted.curve : bits === wanted.bits;
  });
}
