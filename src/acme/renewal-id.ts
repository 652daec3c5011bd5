// pure
import { X509Certificate } from 'node:crypto';

/** By what a CA is asked about one of its certificates: the identifiers of its issuer's key and of itself, both as they
 * stand in the certificate, in base64url without `=`. Pure.
 *   key identifier 69:88:5B:6B:…, serial 00:87:65:43:21 → `aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE`
 * Node's X509Certificate shows neither the key identifier nor a leading zero of the serial, so they are read here: a
 * certificate that Node has parsed is well-formed, and forge would cost every pass its loading time.
 * @param pem the leaf comes first
 * @returns undefined for a certificate without the authority key identifier
 * @source RFC 9773 4.1 */
export function renewalId(pem: string): string | undefined {
  try {
    return renewalIdOf(new X509Certificate(pem).raw);
  } catch {
    return undefined;
  }
}

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const OCTETS = 0x04;
/** [0] in a certificate: its version. [3]: its extensions. [0] in the extension: keyIdentifier. RFC 5280 4.1, 4.2.1.1 */
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
const KEY_IDENTIFIER = 0x80;
/** authorityKeyIdentifier, 2.5.29.35, as an element. */
const AUTHORITY_KEY = '0603551d23';

interface Element {
  tag: number;
  content: Buffer;
  /** With tag and length. */
  whole: Buffer;
}

function renewalIdOf(der: Buffer): string | undefined {
  const [signed] = childrenOf(within(elementAt(der, 0), SEQUENCE));
  const fields = childrenOf(within(signed, SEQUENCE));
  const serial = within(fields[fields[0]?.tag === VERSION ? 1 : 0], INTEGER);
  const list = fields.find(({ tag }) => tag === EXTENSIONS);
  if (list === undefined) return undefined;
  for (const extension of childrenOf(within(elementAt(list.content, 0), SEQUENCE))) {
    const parts = childrenOf(extension.content);
    if (parts[0]?.whole.toString('hex') !== AUTHORITY_KEY) continue;
    const value = within(parts.at(-1), OCTETS);
    const key = childrenOf(within(elementAt(value, 0), SEQUENCE)).find(({ tag }) => tag === KEY_IDENTIFIER);
    if (key === undefined || key.content.length === 0) return undefined;
    return `${key.content.toString('base64url')}.${serial.toString('base64url')}`;
  }
  return undefined;
}

function within(element: Element | undefined, tag: number): Buffer {
  if (element?.tag !== tag) throw new RangeError(`There is no element of the type ${tag}`);
  return element.content;
}

function childrenOf(content: Buffer): Element[] {
  const found: Element[] = [];
  for (let at = 0; at < content.length; ) {
    const element = elementAt(content, at);
    found.push(element);
    at += element.whole.length;
  }
  return found;
}

/** Tag, length, content. Lengths from 128 on say first of how many bytes they are. @source X.690 8.1 */
function elementAt(der: Buffer, at: number): Element {
  const short = der.readUInt8(at + 1);
  const more = short < 0x80 ? 0 : short - 0x80;
  const length = more === 0 ? short : der.readUIntBE(at + 2, more);
  const start = at + 2 + more;
  if (start + length > der.length) throw new RangeError('An element is longer than what holds it');
  return {
    tag: der.readUInt8(at),
    content: der.subarray(start, start + length),
    whole: der.subarray(at, start + length),
  };
}
