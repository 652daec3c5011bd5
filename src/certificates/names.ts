// pure
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const MOST_CHARACTERS = 253;
/** No CA issues for these: private use, never in the public DNS (RFC 6761, RFC 6762, ICANN `.internal`). */
const NEVER_PUBLIC = ['internal', 'invalid', 'local', 'localhost'];

export type CheckedName = { ok: true; name: string } | { ok: false; reason: string };

/** Nearly all are written so, and need not be taken apart. */
const PLAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Whether the rules below would leave it as it is; A-labels need a closer look. */
function isPlain(text: string): boolean {
  if (text.length > MOST_CHARACTERS || text.includes('--') || !PLAIN.test(text)) return false;
  return !NEVER_PUBLIC.includes(text.slice(text.lastIndexOf('.') + 1));
}

/** A name as somebody wrote it, in the form that a CA takes, or why it can not be one.
 * `Shop.Example.COM.` → `shop.example.com`; `bücher.example` → `xn--bcher-kva.example`.
 * @source RFC 1035 2.3.4 (lengths), RFC 5891 (A-labels), RFC 8555 7.1.4 and 8.3 (no wildcard by HTTP-01) */
export function checkName(written: string): CheckedName {
  if (isPlain(written)) return { ok: true, name: written };
  const text = written.trim().replace(/\.$/, '');
  if (text === '') return refuse('it is empty');
  if (text.length > 1000) return refuse('it is longer than any DNS name');
  if (text.includes('*')) return refuse('a wildcard can not be proven by HTTP-01, only by DNS-01');
  if (isIP(text.replace(/^\[|\]$/g, '')) !== 0) return refuse('it is an IP address, not a DNS name');
  if (/[\s/:@?#\\%,]/.test(text))
    return refuse('it is no DNS name: only the host is expected, without scheme, port or path');
  const name = domainToASCII(text).toLowerCase();
  if (name === '') return refuse('it is no DNS name');
  if (isIP(name) !== 0) return refuse('it is an IP address, not a DNS name');
  if (name.length > MOST_CHARACTERS)
    return refuse(`it has ${name.length} characters in DNS form, ${MOST_CHARACTERS} are allowed`);
  const labels = name.split('.');
  const wrong = labels.find((label) => !LABEL.test(label));
  if (wrong !== undefined)
    return refuse(
      `it is no DNS name: the part "${wrong}" is not made of letters, digits and inner dashes, 1 to 63 long`,
    );
  if (labels.length < 2) return refuse('it has only one part; no public CA issues for it');
  const last = labels.at(-1) as string;
  if (/^\d+$/.test(last)) return refuse('its last part is a number');
  if (NEVER_PUBLIC.includes(last)) return refuse(`names under .${last} are private; no CA issues for them`);
  return { ok: true, name };
}

/** The entries of a list as labels and variables carry it: commas and/or white space between them. */
export function splitNames(list: string): string[] {
  return list.split(/[\s,]+/).filter((entry) => entry !== '');
}

function refuse(reason: string): CheckedName {
  return { ok: false, reason };
}
