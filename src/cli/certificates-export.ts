import { exportParts, exportPkcs12 } from '../certificates/export.ts';
import { CertathonError } from '../lib/errors.ts';
import { isDirectoryPath, writeSecretFile } from '../lib/secret-file.ts';
import { namedCertificate, namedVersion, readOnlyStores } from './certificates-named.ts';
import type { RunCommand } from './run-command.ts';

/** `certathon certificates export`: the only command that hands out a private key. */
export const runExport: RunCommand = async (running) => {
  const { config } = running;
  const { out, format, overwrite, exportPassword } = config;
  if (out === undefined)
    throw new CertathonError(
      'CONFIG_INVALID',
      'out is not set: give a directory, a file, or - for standard output',
    );
  const stores = await readOnlyStores(running);
  const entry = await namedCertificate(running, stores);
  const { id } = entry;
  const bundle = await namedVersion(running, stores, entry, 'export');
  const whole = format === 'pkcs12' ? await exportPkcs12(bundle, id, exportPassword) : bundle.pem;
  if (out === '-') {
    if (process.stdout.isTTY && !config.yes)
      throw new CertathonError(
        'CONFIG_INVALID',
        'A private key is not printed on a terminal: give a file, or add --yes',
      );
    // Not masked, since the key is what was asked for.
    await new Promise<void>((done) => process.stdout.write(whole, () => done()));
    return 0;
  }
  const files = (await isDirectoryPath(out))
    ? format === 'pkcs12'
      ? { [`${id}.p12`]: whole }
      : exportParts(bundle)
    : { '': whole };
  for (const [name, data] of Object.entries(files)) {
    const path = name === '' ? out : `${out.replace(/\/+$/, '')}/${name}`;
    await writeSecretFile(path, data, { overwrite });
    process.stdout.write(`${path}\n`);
  }
  return 0;
};
