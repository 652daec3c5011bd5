// pure
import { X509Certificate } from 'node:crypto';

/** Does a text hold at least one certificate in PEM, and none that can not be read? */
export function isCertificates(text: string): boolean {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.map((block) => new X509Certificate(block)).length > 0;
  } catch {
    return false;
  }
}
