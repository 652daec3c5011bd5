// pure
import { createPrivateKey } from 'node:crypto';
import { printable } from '../../lib/printable.ts';
import type { FoundCertificate, FoundTree, TreeKind } from './found-tree.ts';
import { type AdoptionPlan, LEFT_REASONS, type LeftReason, type PlannedAccount } from './plan-adoption.ts';

/** A plan as it may be shown: facts only, no key. */
export interface AdoptionReport {
  kind: FoundTree['kind'];
  path: string;
  accounts: {
    directoryUrl: string;
    /** `RSA 4096`, `P-384`. */
    key: string;
    thumbprint: string;
    /** Has to be told to the CA once more. */
    isOld: boolean;
    email: string | undefined;
    path: string;
  }[];
  certificates: {
    names: string[];
    fingerprint: string;
    issuer: string;
    /** ISO times. */
    notBefore: string;
    notAfter: string;
    path: string;
  }[];
  left: { path: string; reason: LeftReason }[];
  problems: { path: string; message: string }[];
}

export const TREE_WORDS: Readonly<Record<TreeKind | 'unreadable', string>> = {
  'letsencrypt-dcos': 'the certbot tree of letsencrypt-dcos',
  'marathon-acme': 'the directory of marathon-acme',
  maibornwolff: "the lego tree of MaibornWolff's image",
  unreadable: 'a directory that this user may not list',
};

const LONGEST = 300;
const MOST_NAMES = 5;

/** A plan as plain JSON. Pure. Everything in it is other people's text, bounded and printable. */
export function adoptionReport(tree: FoundTree, plan: AdoptionPlan): AdoptionReport {
  return {
    kind: tree.kind,
    path: plain(tree.path),
    accounts: plan.accounts.map(accountFacts),
    certificates: plan.certificates.map(certificateFacts),
    left: plan.left.map(({ what, reason }) => ({ path: plain(what), reason })),
    problems: tree.problems.map(({ path, message }) => ({ path: plain(path), message: plain(message) })),
  };
}

/** A plan as lines for a terminal. Pure. */
export function describeAdoption(tree: FoundTree, plan: AdoptionPlan): string[] {
  const { kind, path, accounts, certificates, left, problems } = adoptionReport(tree, plan);
  const isNothing = accounts.length === 0 && certificates.length === 0;
  return [
    `${path}: ${TREE_WORDS[kind]}; it is only read`,
    ...accounts.map(
      (each) =>
        `  take over the account at ${each.directoryUrl}: ${each.key}, thumbprint ${each.thumbprint}` +
        `${each.isOld ? ', registered by ACME v1' : ''} (${each.path})`,
    ),
    ...certificates.map(
      (each) =>
        `  take over the certificate of ${inShort(each.names)}, valid until ${each.notAfter}` +
        `${each.names.some((name) => name.startsWith('*.')) ? ', which HTTP-01 can not renew' : ''} (${each.path})`,
    ),
    ...left.map((each) => `  leave ${each.path}: ${LEFT_REASONS[each.reason]}`),
    ...problems.map((each) => `  can not use ${each.path}: ${each.message}`),
    ...(isNothing ? ['  nothing to take over'] : []),
  ];
}

function accountFacts({ directoryUrl, account }: PlannedAccount): AdoptionReport['accounts'][number] {
  const { thumbprint, isOld, email, path } = account;
  return {
    directoryUrl: plain(directoryUrl),
    key: keyWords(account.keyPem),
    thumbprint,
    isOld,
    email: email === undefined ? undefined : plain(email),
    path: plain(path),
  };
}

function certificateFacts({ bundle, path }: FoundCertificate): AdoptionReport['certificates'][number] {
  const { names, fingerprint, issuer, notBefore, notAfter } = bundle.facts;
  return {
    names: names.map(plain),
    fingerprint,
    issuer: plain(issuer),
    notBefore: notBefore.toISOString(),
    notAfter: notAfter.toISOString(),
    path: plain(path),
  };
}

function keyWords(keyPem: string): string {
  const key = createPrivateKey(keyPem);
  const bits = key.asymmetricKeyDetails?.modulusLength;
  return bits === undefined ? (key.export({ format: 'jwk' }).crv ?? 'EC') : `RSA ${bits}`;
}

function inShort(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  const shown = names.slice(0, MOST_NAMES).join(', ');
  return more > 0 ? `${shown} and ${more} more` : shown;
}

function plain(text: string): string {
  return printable(text, LONGEST);
}
