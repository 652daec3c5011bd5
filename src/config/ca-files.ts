import { describeError } from '../lib/errors.ts';
import { registerSecret } from '../lib/mask.ts';
import type { CaSettings } from './ca-settings.ts';
import { parseHmacKey } from './credentials.ts';
import { isCertificates } from './pem.ts';

/** Reads the files that the settings of CAs name, and registers the keys among them for masking.
 * @param problems gets one line for each that can not be used; no contents are in it */
export function readCaFiles(
  settings: readonly CaSettings[],
  readFile: (path: string) => string,
  problems: string[],
): readonly CaSettings[] {
  return settings.map((each) => {
    const read = { ...each };
    const take = (
      key: 'caFile' | 'issuerCaFile' | 'eabHmacKeyFile',
      use: (text: string) => string | undefined,
    ) => {
      const path = each[key];
      if (path === undefined) return;
      try {
        const wrong = use(readFile(path).trim());
        if (wrong !== undefined) problems.push(`caSettings: ${key} of ${each.directoryUrl} ${wrong}`);
      } catch (error) {
        problems.push(`caSettings: ${key} of ${each.directoryUrl} cannot be read: ${describeError(error)}`);
      }
    };
    take('caFile', (text) => {
      read.ca = text;
      return isCertificates(text) ? undefined : 'holds no certificate in PEM';
    });
    take('issuerCaFile', (text) => {
      read.issuerCa = text;
      return isCertificates(text) ? undefined : 'holds no certificate in PEM';
    });
    take('eabHmacKeyFile', (text) => {
      registerSecret(text);
      const key = parseHmacKey(text);
      if ('problem' in key) return key.problem;
      read.eabHmacKey = key.value;
      return undefined;
    });
    if (read.eabHmacKey !== undefined) registerSecret(read.eabHmacKey);
    return Object.freeze(read);
  });
}
