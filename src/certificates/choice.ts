// pure
import type { CertificateChoice } from './model.ts';

/** The identity of a choice: certificates are shared only by names whose choices have the same. Pure.
 *   {} → '', the operator's defaults */
export function choiceKey({ keyType, profile, directoryUrl, own }: CertificateChoice): string {
  if (keyType === undefined && profile === undefined && directoryUrl === undefined && own === undefined)
    return '';
  return [keyType ?? '', profile ?? '', directoryUrl ?? '', own === true ? 'own' : ''].join('\n');
}
