// pure
import { parseUrl } from './ca-url.ts';
import { parseHmacKey } from './credentials.ts';
import { jsonObject } from './json-object.ts';
import type { KindRules, Parsed } from './kinds.ts';

/** What differs at one CA that is not the first. Secret as a whole, since it may hold an HMAC key. */
export interface CaSettings {
  directoryUrl: string;
  eabKid?: string;
  /** base64url. */
  eabHmacKey?: string;
  eabHmacKeyFile?: string;
  profile?: string;
  profileMode?: 'wanted' | 'required';
  /** Certificates (PEM) by which its HTTPS is trusted. */
  caFile?: string;
  /** Roots (PEM) to which its certificates must lead. */
  issuerCaFile?: string;
  email?: string;
  /** The directory of its test CA. */
  staging?: string;
  /** What stands in those files; filled when they are read (ca-files.ts). */
  ca?: string;
  issuerCa?: string;
}

const TEXTS = [
  'eabKid',
  'eabHmacKey',
  'eabHmacKeyFile',
  'profile',
  'profileMode',
  'caFile',
  'issuerCaFile',
  'email',
  'staging',
] as const;
type TextKey = (typeof TEXTS)[number];

const EMAIL = /^[^\s@,<>:]+@[^\s@,<>:]+$/;

/** JSON by CA, as --acme-directory takes it. What is wrong is said by key, never with a value. Pure.
 *   {"zerossl": {"eabKid": "kid-1", "eabHmacKeyFile": "/run/secrets/zerossl"}, "google": {"profile": "minimal"}} */
export function parseCaSettings(text: string, rules: KindRules): Parsed<readonly CaSettings[]> {
  const json = jsonObject(text);
  if (json === undefined) return { problem: 'is not JSON with an object by CA' };
  const value: CaSettings[] = [];
  for (const [ca, settings] of Object.entries(json)) {
    const url = parseUrl(ca, rules);
    if ('problem' in url) return { problem: `has the key "${ca}", which ${url.problem}` };
    const read = settingsOf(url.value, settings, rules);
    if (typeof read === 'string') return { problem: `says of ${ca} ${read}` };
    value.push(Object.freeze(read));
  }
  return { value };
}

/** @returns in words what is wrong */
function settingsOf(directoryUrl: string, given: unknown, rules: KindRules): CaSettings | string {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return 'what is no object';
  const found: CaSettings = { directoryUrl };
  for (const [key, text] of Object.entries(given)) {
    if (!isTextKey(key)) return `"${key}", which is none of ${TEXTS.join(', ')}`;
    if (typeof text !== 'string' || text.trim() === '' || /\p{Cc}/u.test(text.trim()))
      return `what ${key} is, but not in one line of text`;
    const wrong = take(found, key, text.trim(), rules);
    if (wrong !== undefined) return `what ${key} is, but that ${wrong}`;
  }
  const isPair = (found.eabHmacKey ?? found.eabHmacKeyFile) !== undefined;
  if (isPair !== (found.eabKid !== undefined)) return 'only one of eabKid and eabHmacKey';
  if (found.eabHmacKey !== undefined && found.eabHmacKeyFile !== undefined)
    return 'both eabHmacKey and eabHmacKeyFile';
  return found;
}

function take(found: CaSettings, key: TextKey, text: string, rules: KindRules): string | undefined {
  if (key === 'profileMode') {
    if (text !== 'wanted' && text !== 'required') return 'is neither wanted nor required';
    found.profileMode = text;
    return undefined;
  }
  if (key === 'eabHmacKey' || key === 'staging') {
    const read = key === 'staging' ? parseUrl(text, rules) : parseHmacKey(text);
    if ('problem' in read) return read.problem;
    found[key] = read.value;
    return undefined;
  }
  if (key === 'email' && !EMAIL.test(text)) return 'is not an e-mail address such as ops@example.com';
  found[key] = text;
  return undefined;
}

function isTextKey(key: string): key is TextKey {
  return (TEXTS as readonly string[]).includes(key);
}
