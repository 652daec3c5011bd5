import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestBundle } from './bundles.ts';

/** Trees as the predecessors write them, file for file; and what has to be the same after they were read. */

export interface OldAccount {
  /** Host of the CA as the tree names it. */
  host?: string;
  /** Private key, any form. */
  keyPem: string;
  email?: string;
  /** As the CA named it. */
  url?: string;
  createdAt?: Date;
}

export interface CertbotOptions {
  accounts?: OldAccount[];
  lineages?: { name: string; bundle: TestBundle; account?: OldAccount; isPosted?: boolean }[];
}

/** certbot 0.28 to 2.x, with what run.sh of letsencrypt-dcos puts beside: live/<first>.pem. */
export function writeCertbotTree(root: string, { accounts = [], lineages = [] }: CertbotOptions): void {
  for (const name of ['archive', 'csr', 'keys', 'live', 'renewal', 'renewal-hooks/deploy'])
    mkdirSync(join(root, name), { recursive: true, mode: 0o700 });
  for (const account of accounts) {
    const { url = 'https://acme-v02.api.letsencrypt.org/acme/acct/1', email } = account;
    const home = `accounts/${account.host ?? 'acme-v02.api.letsencrypt.org'}/directory/${certbotId(account)}`;
    const jwk = createPrivateKey(account.keyPem).export({ format: 'jwk' });
    const body = email === undefined ? {} : { contact: [`mailto:${email}`] };
    const createdAt = (account.createdAt ?? new Date('2019-01-01T00:00:00Z')).toISOString();
    put(root, `${home}/private_key.json`, JSON.stringify(jwk), 0o400);
    put(root, `${home}/regr.json`, JSON.stringify({ body, uri: url }));
    const meta = { creation_dt: createdAt.replace('.000', ''), creation_host: '0b1c2d3e4f' };
    put(root, `${home}/meta.json`, JSON.stringify(meta));
  }
  const readme = 'This directory contains your keys and certificates.\n';
  put(root, 'live/README', readme);
  for (const { name, bundle, account, isPosted = false } of lineages) {
    put(root, `live/${name}/README`, readme);
    const files = {
      cert: bundle.leaf,
      chain: bundle.ca,
      fullchain: bundle.leaf + bundle.ca,
      privkey: bundle.key,
    };
    for (const [file, text] of Object.entries(files)) {
      put(root, `archive/${name}/${file}1.pem`, text, file === 'privkey' ? 0o600 : 0o644);
      symlinkSync(`../../archive/${name}/${file}1.pem`, join(root, `live/${name}/${file}.pem`));
    }
    put(root, `renewal/${name}.conf`, renewalConf(name, account));
    if (isPosted) put(root, `live/${name}.pem`, files.fullchain + files.privkey);
  }
}

/** certbot names an account by the MD5 of its public key. */
export function certbotId({ keyPem }: OldAccount): string {
  return createHash('md5')
    .update(createPublicKey(keyPem).export({ type: 'spki', format: 'pem' }))
    .digest('hex');
}

function renewalConf(name: string, account: OldAccount | undefined): string {
  const live = ['cert', 'privkey', 'chain', 'fullchain'].map(
    (file) => `${file} = /etc/letsencrypt/live/${name}/${file}.pem`,
  );
  const used = account === undefined ? [] : [`account = ${certbotId(account)}`];
  const parameters = ['[renewalparams]', ...used, 'authenticator = standalone', 'rsa_key_size = 4096'];
  return [
    'version = 0.28.0',
    `archive_dir = /etc/letsencrypt/archive/${name}`,
    ...live,
    '',
    ...parameters,
    '',
  ].join('\n');
}

/** marathon-acme 0.6: keys as PKCS#1, and first in each file. */
export function writeMarathonAcmeTree(
  root: string,
  options: {
    clientKeyPem?: string;
    certs?: Record<string, TestBundle>;
    unmanaged?: Record<string, TestBundle>;
    placeholder?: TestBundle;
  },
): void {
  for (const name of ['certs', 'unmanaged-certs']) mkdirSync(join(root, name), { recursive: true });
  if (options.clientKeyPem !== undefined) put(root, 'client.key', pkcs1(options.clientKeyPem), 0o644);
  if (options.placeholder !== undefined) put(root, 'default.pem', options.placeholder.pem, 0o644);
  for (const [name, { leaf, ca, key }] of Object.entries(options.certs ?? {}))
    put(root, `certs/${name}.pem`, `${pkcs1(key)}${leaf}${ca}`, 0o644);
  for (const [name, { pem }] of Object.entries(options.unmanaged ?? {}))
    put(root, `unmanaged-certs/${name}.pem`, pem);
}

/** lego 1.0.1 with `--pem`, as MaibornWolff's cert.py calls it. */
export function writeLegoTree(
  root: string,
  options: { accounts?: OldAccount[]; certificates?: Record<string, TestBundle> },
): void {
  mkdirSync(join(root, 'certificates'), { recursive: true, mode: 0o700 });
  for (const {
    host = 'acme-v02.api.letsencrypt.org',
    email = 'ops@example.com',
    keyPem,
    url,
  } of options.accounts ?? []) {
    const home = `accounts/${host.replace(':', '_')}/${email}`;
    const registration =
      url === undefined ? null : { body: { status: 'valid', contact: [`mailto:${email}`] }, uri: url };
    put(root, `${home}/keys/${email}.key`, sec1(keyPem), 0o644);
    put(root, `${home}/account.json`, JSON.stringify({ email, registration }, null, '\t'));
  }
  const names = Object.keys(options.certificates ?? {});
  for (const [domain, { leaf, ca, key }] of Object.entries(options.certificates ?? {})) {
    const stem = `certificates/${domain.replaceAll('*', '_')}`;
    put(root, `${stem}.crt`, leaf + ca);
    put(root, `${stem}.issuer.crt`, ca);
    put(root, `${stem}.key`, bare(key));
    put(root, `${stem}.pem`, leaf + ca + bare(key));
    put(
      root,
      `${stem}.json`,
      JSON.stringify({ domain, certUrl: 'https://ca.example/cert/1', certStableUrl: '' }, null, '\t'),
    );
  }
  if (names.length > 0) put(root, 'current_domains', names.join(','), 0o644);
}

/** Made once for each process: RSA keys cost more than everything else here. */
const made = new Map<string, string>();

/** A private key, PKCS#8; the same text for the same name. */
export function oldKey(kind: 'rsa' | 'P-256' | 'P-384', name = 'first'): string {
  const known = made.get(`${kind} ${name}`);
  if (known !== undefined) return known;
  const { privateKey } =
    kind === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: kind });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  made.set(`${kind} ${name}`, pem);
  return pem;
}

export function pkcs1(keyPem: string): string {
  return createPrivateKey(keyPem).export({ type: 'pkcs1', format: 'pem' }) as string;
}

/** As older programs write keys, each kind in its own form. */
function bare(keyPem: string): string {
  return createPrivateKey(keyPem).asymmetricKeyType === 'rsa' ? pkcs1(keyPem) : sec1(keyPem);
}

export function sec1(keyPem: string): string {
  return createPrivateKey(keyPem).export({ type: 'sec1', format: 'pem' }) as string;
}

/** Names, kinds, modes, times and contents of everything in a directory. */
export function snapshotOf(root: string): string[] {
  return (readdirSync(root, { recursive: true }) as string[]).sort().map((name) => {
    const path = join(root, name);
    const stats = lstatSync(path);
    const content = stats.isSymbolicLink()
      ? readlinkSync(path)
      : stats.isFile()
        ? createHash('sha256').update(readFileSync(path)).digest('hex')
        : '';
    return [name, stats.mode.toString(8), stats.mtimeMs, stats.ctimeMs, content].join(' ');
  });
}

export function put(root: string, relative: string, text: string, mode = 0o600): void {
  const path = join(root, relative);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, text, { mode });
}
