import { X509Certificate } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import forge from 'node-forge';
import { describe, expect, it, vi } from 'vitest';
import { exportPkcs12 } from '../../../src/certificates/export.ts';
import { openStores } from '../../../src/certificates/store-set.ts';
import { runExport } from '../../../src/cli/certificates-export.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { type Bundle, parseBundle } from '../../../src/delivery/bundle.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { makeBundle } from '../../support/bundles.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const directory = temporaryDirectory();
const ID = 'shop.example.com';
const made = makeBundle();

/** The command in this process. @returns what it printed, or with what it failed */
async function exported(flags: Record<string, unknown>): Promise<string> {
  const stores = await openStores(join(directory.path, 'store'), 3, silentLog);
  await stores.of(ID).save(made.bundle, 'issued', undefined, new Date());
  const { config } = loadConfig({
    command: 'certificates export',
    env: {},
    flags: { store: stores.directory, certificate: ID, ...flags },
  });
  const printed: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text, done?: unknown) => {
    printed.push(String(text));
    if (typeof done === 'function') done();
    return true;
  });
  try {
    await runExport({ config, clock: systemClock, log: silentLog, signal: new AbortController().signal });
    return printed.join('');
  } catch (error) {
    return (error as Error).message;
  } finally {
    write.mockRestore();
  }
}
const at = (...parts: string[]) => join(directory.path, ...parts);
const modeOf = (path: string) => statSync(path).mode & 0o777;

describe('certathon certificates export', () => {
  it('writes chain and key for their owner alone', async () => {
    const said = await exported({ out: `${at('parts')}/` });

    const files = ['fullchain.pem', 'privkey.pem'].map((name) => at('parts', name));
    const [chain = '', key = ''] = files.map((path) => readFileSync(path, 'utf8'));
    expect(said.trim().split('\n')).toEqual(files);
    expect(files.map(modeOf)).toEqual([0o600, 0o600]);
    expect(modeOf(at('parts'))).toBe(0o700);
    expect(chain).not.toContain('PRIVATE KEY');
    expect(parseBundle(chain + key)).toEqual({ ok: true, bundle: made.bundle });
  });

  it('writes all in one file, or to a pipe', async () => {
    await exported({ out: at('all.pem') });

    expect(readFileSync(at('all.pem'), 'utf8')).toBe(made.bundle.pem);
    expect(modeOf(at('all.pem'))).toBe(0o600);
    expect(await exported({ out: '-' })).toBe(made.bundle.pem);
  });

  it('writes over nothing, unless it is told to, and never through a link', async () => {
    writeFileSync(at('there.pem'), 'mine', { mode: 0o644 });
    mkdirSync(at('elsewhere'));
    symlinkSync(at('elsewhere'), at('folder'));
    symlinkSync(at('there.pem'), at('link.pem'));

    const said = [
      await exported({ out: at('there.pem') }),
      await exported({ out: at('link.pem'), overwrite: true }),
      await exported({ out: `${at('folder')}/`, overwrite: true }),
      await exported({ out: at('no', 'such', 'file') }),
    ];

    expect(said.map((each) => each.replaceAll(directory.path, ''))).toEqual([
      '/there.pem is there already: add --overwrite, or choose another place',
      '/link.pem is a link, so nothing is written there',
      '/folder is a link, so nothing is written there',
      expect.stringContaining('/no/such/file can not be written: ENOENT'),
    ]);
    expect(readFileSync(at('there.pem'), 'utf8')).toBe('mine');
    expect(readdirSync(at('elsewhere'))).toEqual([]);
    await exported({ out: at('there.pem'), overwrite: true });
    expect([readFileSync(at('there.pem'), 'utf8'), modeOf(at('there.pem'))]).toEqual([
      made.bundle.pem,
      0o600,
    ]);
    expect(readdirSync(directory.path).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('writes PKCS#12 that the password opens', async () => {
    const wrong = await exported({ out: at('shop.p12'), format: 'pkcs12' });
    await exported({ out: at('shop.p12'), format: 'pkcs12', exportPassword: 'a long password' });

    const der = readFileSync(at('shop.p12'), 'binary');
    const read = forge.pkcs12.pkcs12FromAsn1(forge.asn1.fromDer(der), 'a long password');
    const { certBag = '' } = forge.pki.oids;
    const certificates = read.getBags({ bagType: certBag })[certBag] ?? [];
    expect(wrong).toMatch(/^exportPassword is not set/);
    expect(certificates).toHaveLength(2);
    expect(modeOf(at('shop.p12'))).toBe(0o600);
  });

  it('says that PKCS#12 is for RSA keys only', async () => {
    // Of the public roots some have EC keys; where the key is found out, no more of a bundle is looked at.
    const root = rootCertificates.find(
      (pem) => new X509Certificate(pem).publicKey.asymmetricKeyType === 'ec',
    );
    const ec: Bundle = { pem: root ?? '', facts: made.bundle.facts };

    await expect(exportPkcs12(ec, ID, 'a long password')).rejects.toThrow(
      /only written where all keys are RSA/,
    );
  });
});
