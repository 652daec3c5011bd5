import type { IssuerTrust } from './certificates/issuer-roots.ts';
import { issuerTrust, publicRoots } from './certificates/issuer-trust.ts';
import type { CertificateChoice } from './certificates/model.ts';
import { mostNamesOf } from './certificates/profiles.ts';
import { type CaOptions, caOptionsOf, casInOrder, isTestCa } from './config/ca-options.ts';
import type { Config } from './config/config.ts';

/** One CA as it is ordered from. Holds secrets, as CaOptions does. */
export interface CaRule extends CaOptions {
  /** What its certificates must end at. */
  trust: IssuerTrust;
  isTest: boolean;
}

/** The CAs that options name. */
export interface CaRules {
  /** Those to order from, the first one first. */
  cas: readonly string[];
  of(directoryUrl: string): CaRule;
}

/** @throws CONFIG_INVALID when a file of roots can not be used: now, and not when a certificate was obtained */
export function openCaRules(config: Config): CaRules {
  const roots = publicRoots();
  const known = new Map<string, CaRule>();
  const of = (directoryUrl: string): CaRule => {
    const found = known.get(directoryUrl);
    if (found !== undefined) return found;
    const options = caOptionsOf(config, directoryUrl);
    const trust = issuerTrust(directoryUrl, options.issuerCaPem, roots);
    const rule = { ...options, trust, isTest: isTestCa(config, directoryUrl) };
    known.set(directoryUrl, rule);
    return rule;
  };
  const cas = casInOrder(config);
  for (const directoryUrl of cas) of(directoryUrl);
  return { cas, of };
}

/** The most names of one certificate, by the profile that is really used, at any CA that it may be ordered from.
 * @param offered the profiles of a CA, as far as they are known */
export function mostNamesAt(
  { directoryUrl, profile }: CertificateChoice,
  { cas, of }: CaRules,
  offered: (directoryUrl: string) => readonly string[] | undefined,
): number {
  const all = directoryUrl === undefined ? cas : [directoryUrl];
  return Math.min(...all.map((each) => mostNamesOf(profile ?? of(each).profile, offered(each))));
}

/** What is wrong with a version that is taken into use again, as its CA sees it: an earlier one may be of any of them.
 * @returns the fault by the rules of the first   @param faultAt the fault of what must end at certain roots */
export function faultAtAny<Fault>(
  directoryUrl: string,
  { cas, of }: CaRules,
  faultAt: (trust: IssuerTrust) => Fault | undefined,
): Fault | undefined {
  const own = faultAt(of(directoryUrl).trust);
  return own === undefined || cas.some((ca) => faultAt(of(ca).trust) === undefined) ? undefined : own;
}
