// pure
import { type AcmeAnswer, invalidAnswer } from './refusal.ts';

/** Let's Encrypt offers two besides the usual one. */
const MOST_ALTERNATES = 8;
const LONGEST_URL = 2048;

const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]{1,40})-----[A-Za-z0-9+/=\s]+-----END \1-----/g;

/** Reads a chain: every block of a certificate, nothing around them. Pure.
 * @throws ACME_ANSWER_INVALID when there is none, or anything else than certificates
 * @source RFC 8555 9.1: application/pem-certificate-chain, the leaf first */
export function readChain(answer: AcmeAnswer, certificateUrl: string): string {
  const blocks = typeof answer.data === 'string' ? [...answer.data.matchAll(PEM_BLOCK)] : [];
  if (blocks.length === 0 || blocks.some(([, label]) => label !== 'CERTIFICATE')) {
    throw invalidAnswer('the certificate', certificateUrl, answer, 'it is no chain of certificates in PEM');
  }
  return blocks.map(([block]) => `${block}\n`).join('');
}

const LINK = /<([^<>]*)>((?:\s*;\s*[\w!#$&+.^`|~*-]+(?:="[^"]*"|=[^\s";,]*)?)*)/g;
const RELATION = /;\s*rel=(?:"([^"]*)"|([^\s";,]*))/i;

/** The addresses of the other chains for the same certificate, in the order of the CA, a bounded number of them.
 * Links of other kinds (`index`, `up`) stand in the same header. Pure.
 * @source RFC 8555 7.4.2: "one or more link relation header fields … with relation 'alternate'"; RFC 8288 3 */
export function readAlternates({ headers }: AcmeAnswer, certificateUrl: string): string[] {
  const links = [...(headers.link ?? '').matchAll(LINK)];
  const urls = links
    .filter(([, , parameters = '']) => isAlternate(parameters))
    .flatMap(([, target = '']) => absolute(target, certificateUrl) ?? [])
    .filter((url) => url !== certificateUrl);
  return [...new Set(urls)].slice(0, MOST_ALTERNATES);
}

/** "The relation type of a link … a space-separated list", in any case of letters. */
function isAlternate(parameters: string): boolean {
  const [, quoted, bare = ''] = RELATION.exec(parameters) ?? [];
  return (quoted ?? bare).toLowerCase().split(/\s+/).includes('alternate');
}

function absolute(target: string, base: string): string | undefined {
  if (target.length > LONGEST_URL || !URL.canParse(target, base)) return undefined;
  const url = new URL(target, base);
  return ['http:', 'https:'].includes(url.protocol) ? url.href : undefined;
}
