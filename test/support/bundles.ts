import { generateKeyPairSync } from 'node:crypto';
import forge from 'node-forge';
import { type Bundle, parseBundle } from '../../src/delivery/bundle.ts';

export interface BundleOptions {
  names?: string[];
  notBefore?: Date;
  notAfter?: Date;
  /** Common name of the CA. */
  issuer?: string;
  /** Signed by its own key instead of a CA's. */
  selfSigned?: boolean;
  isCa?: boolean;
  /** Extended key usages; none at all by []. */
  uses?: ('serverAuth' | 'clientAuth')[];
  /** Which of the cached keys; bundles with different ones differ in key. */
  key?: 'first' | 'second';
  /** Of the key of its issuer, as the extension names it; none by default. */
  keyIdentifier?: string;
  /** Common name of the leaf, beside its alternative names. */
  commonName?: string;
}

/** The parts of a bundle as PEM, to be put together rightly or wrongly. */
export interface TestBundle {
  leaf: string;
  /** The CA, which is the root too. */
  ca: string;
  key: string;
  /** leaf, CA, key. */
  pem: string;
  /** As the program reads it. */
  bundle: Bundle;
}

const DAY_MS = 86_400_000;
export const NOT_BEFORE = new Date('2026-01-01T00:00:00Z');
export const NOT_AFTER = new Date(NOT_BEFORE.getTime() + 90 * DAY_MS - 1000);

/** Made once for each process: a key costs more than everything else here. */
const keys = new Map<string, { privatePem: string; publicPem: string }>();
let serial = 0;

/** A certificate with its CA and key; by default for shop.example.com, valid for the first 90 days of 2026. */
export function makeBundle(options: BundleOptions = {}): TestBundle {
  const { issuer = 'Test CA', selfSigned = false, key = 'first' } = options;
  const { notBefore = NOT_BEFORE, notAfter = NOT_AFTER } = options;
  // It lives at least as long as what it has signed.
  const life = {
    notBefore: notBefore < NOT_BEFORE ? notBefore : NOT_BEFORE,
    notAfter: notAfter > NOT_AFTER ? notAfter : NOT_AFTER,
  };
  const authority = { commonName: issuer, key: 'ca' };
  const ca = certificate({ ...authority, ...life, isCa: true }, authority);
  const subject = { commonName: 'leaf', ...options, key };
  const leaf = certificate(subject, selfSigned ? subject : { commonName: issuer, key: 'ca' });
  const parts = { leaf, ca, key: keyOf(key).privatePem };
  const pem = selfSigned ? `${leaf}${parts.key}` : `${leaf}${ca}${parts.key}`;
  return {
    ...parts,
    pem,
    get bundle() {
      const parsed = parseBundle(pem);
      if (!parsed.ok) throw new Error(parsed.problem);
      return parsed.bundle;
    },
  };
}

export interface Subject extends Omit<BundleOptions, 'key'> {
  commonName: string;
  /** Any word; the same word is the same key. */
  key: string;
  /** Whether its key may sign certificates; a CA's may. */
  maySign?: boolean;
}

/** A CA's certificate, signed by another one or by itself. */
export function makeIssuer(
  subject: Pick<Subject, 'commonName' | 'key' | 'notBefore' | 'notAfter' | 'isCa'>,
  issuer: { commonName: string; key: string },
): string {
  return certificate({ isCa: true, maySign: true, ...subject, names: [] }, issuer);
}

/** A leaf below an issuer of makeIssuer(), with its key. */
export function makeLeaf(issuer: { commonName: string; key: string }): { leaf: string; key: string } {
  return {
    leaf: certificate({ commonName: 'leaf', key: 'first' }, issuer),
    key: keyOf('first').privatePem,
  };
}

function certificate(subject: Subject, issuer: { commonName: string; key: string }): string {
  const { names = ['shop.example.com'], uses = ['serverAuth'], isCa = false, maySign = isCa } = subject;
  const made = forge.pki.createCertificate();
  made.publicKey = forge.pki.publicKeyFromPem(keyOf(subject.key).publicPem);
  serial += 1;
  made.serialNumber = `01${serial.toString(16).padStart(6, '0')}`;
  made.validity.notBefore = subject.notBefore ?? NOT_BEFORE;
  made.validity.notAfter = subject.notAfter ?? NOT_AFTER;
  made.setSubject([{ name: 'commonName', value: subject.commonName }]);
  made.setIssuer([{ name: 'commonName', value: issuer.commonName }]);
  const altNames = names.map((value) => ({ type: 2, value }));
  const usage = Object.fromEntries(uses.map((use) => [use, true]));
  made.setExtensions([
    { name: 'basicConstraints', cA: isCa },
    maySign
      ? { name: 'keyUsage', keyCertSign: true }
      : { name: 'keyUsage', digitalSignature: true, keyEncipherment: true },
    ...(isCa || uses.length === 0 ? [] : [{ name: 'extKeyUsage', ...usage }]),
    ...(subject.keyIdentifier === undefined
      ? []
      : [{ name: 'authorityKeyIdentifier', keyIdentifier: subject.keyIdentifier }]),
    ...(subject.key === 'ca' || names.length === 0 ? [] : [{ name: 'subjectAltName', altNames }]),
  ]);
  made.sign(forge.pki.privateKeyFromPem(keyOf(issuer.key).privatePem), forge.md.sha256.create());
  return forge.pki.certificateToPem(made).replaceAll('\r', '');
}

function keyOf(name: string): { privatePem: string; publicPem: string } {
  const known = keys.get(name);
  if (known !== undefined) return known;
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const made = { privatePem: privateKey, publicPem: publicKey };
  keys.set(name, made);
  return made;
}
