// pure
import type { Config } from './config.ts';
import { caName, isTestDirectory, KNOWN_CAS, stagingOf } from './known-cas.ts';

/** How one CA is used. Holds secrets: never log or print it. */
export interface CaOptions {
  directoryUrl: string;
  /** As options name it. */
  name: string;
  profile: string | undefined;
  /** Whether a CA that does not offer the profile is not ordered from. */
  isProfileRequired: boolean;
  externalAccount: { kid: string; hmacKey: string } | undefined;
  /** PEM by which its HTTPS is trusted; undefined: what Node trusts. */
  caPem: string | undefined;
  /** PEM of the roots to which its certificates must lead. */
  issuerCaPem: string | undefined;
  email: string | undefined;
  /** An account key that was given and not made. */
  accountKeyPem: string | undefined;
}

export type CaConfig = Pick<
  Config,
  | 'acmeDirectory'
  | 'acmeEmail'
  | 'acmeCa'
  | 'issuerCa'
  | 'acmeAccountKey'
  | 'acmeEabKid'
  | 'acmeEabHmacKey'
  | 'acmeProfile'
  | 'acmeProfileMode'
  | 'acmeStaging'
  | 'furtherCas'
  | 'caSettings'
>;

/** How a CA is used: the first by its options, others by the settings for them. Pure. A private CA without files of its
 * own is trusted by those of the first: they are one company's. */
export function caOptionsOf(config: CaConfig, directoryUrl: string): CaOptions {
  const { acmeEabKid: kid, acmeEabHmacKey: hmacKey, acmeEmail } = config;
  const name = caName(directoryUrl);
  if (directoryUrl === config.acmeDirectory)
    return {
      ...{ directoryUrl, name, caPem: config.acmeCa, issuerCaPem: config.issuerCa, email: acmeEmail },
      profile: config.acmeProfile,
      isProfileRequired: config.acmeProfileMode === 'required',
      externalAccount: kid === undefined || hmacKey === undefined ? undefined : { kid, hmacKey },
      accountKeyPem: config.acmeAccountKey,
    };
  const own = config.caSettings?.find((each) => each.directoryUrl === directoryUrl);
  const isPublic = Object.values<string>(KNOWN_CAS).includes(directoryUrl);
  // A test CA shows what the CA itself would do only when it is asked the same way.
  const isTestOfFirst = stagingOf(config.acmeDirectory, givenStagings(config)) === directoryUrl;
  const ofFirst = isTestOfFirst ? config : undefined;
  return {
    ...{ directoryUrl, name, email: own?.email ?? acmeEmail, accountKeyPem: undefined },
    profile: own?.profile ?? ofFirst?.acmeProfile,
    isProfileRequired: (own?.profileMode ?? ofFirst?.acmeProfileMode) === 'required',
    externalAccount:
      own?.eabKid === undefined || own.eabHmacKey === undefined
        ? undefined
        : { kid: own.eabKid, hmacKey: own.eabHmacKey },
    caPem: own?.ca ?? (isPublic ? undefined : config.acmeCa),
    issuerCaPem: own?.issuerCa ?? (isPublic ? undefined : config.issuerCa),
  };
}

/** The CAs to order from, the first one first. Pure. */
export function casInOrder({ acmeDirectory, furtherCas }: CaConfig): readonly string[] {
  return [...new Set([acmeDirectory, ...furtherCas.map(({ directoryUrl }) => directoryUrl)])];
}

/** The test CAs that options name, by the CA they belong to; for stagingOf(). Pure. */
export function givenStagings({
  acmeDirectory,
  acmeStaging,
  caSettings = [],
}: CaConfig): Readonly<Record<string, string>> {
  return Object.fromEntries([
    ...caSettings.flatMap(({ directoryUrl, staging }) =>
      staging === undefined ? [] : [[directoryUrl, staging] as const],
    ),
    ...(acmeStaging === undefined || acmeStaging === acmeDirectory
      ? []
      : [[acmeDirectory, acmeStaging] as const]),
  ]);
}

/** Is it a test CA: by the table, or since an option says so? The first CA is one while it is what --acme-staging names,
 * so that one option alone switches between the two. Pure. */
export function isTestCa(config: CaConfig, directoryUrl: string): boolean {
  return directoryUrl === config.acmeStaging || isTestDirectory(directoryUrl, givenStagings(config));
}
