const MASK = '[masked]';

/** Values registered once (passwords, tokens) that must never leave the process in text. */
const secrets = new Set<string>();

/** Registers a value to be erased from every log line, error and page. Short values are left out, since
 * erasing "a" from all text would destroy it; the configuration refuses secrets shorter than this. */
export function registerSecret(value: string): void {
  if (value.length < SHORTEST_SECRET) return;
  for (const form of formsOf(value)) secrets.add(form);
}
export const SHORTEST_SECRET = 6;

/** Takes back what is worth nothing any more, a token past its time: else the list would grow for ever. */
export function forgetSecret(value: string): void {
  for (const form of formsOf(value)) secrets.delete(form);
}

function formsOf(value: string): string[] {
  return [value, JSON.stringify(value).slice(1, -1), Buffer.from(value).toString('base64')];
}

/** Matches a PEM private key with real line ends, with literal backslash-n, and cut off at either end. */
const PRIVATE_KEY =
  /-----BEGIN ((?:[A-Z0-9]+ )*)PRIVATE KEY-----[\s\S]*?(?:-----END (?:[A-Z0-9]+ )*PRIVATE KEY-----|$)/g;
const CREDENTIAL_IN_URL = /(https?:\/\/)[^/\s:@"]+:[^/\s@"]+@/g;
const AUTHORIZATION = /(authorization"?\s*[:=]\s*"?(?:basic|bearer|token=)\s*)[A-Za-z0-9+/=._~-]+/gi;

/** Erases private keys, registered secrets and credentials in addresses from a text. */
export function maskSecrets(text: string): string {
  let masked = text
    .replace(PRIVATE_KEY, `-----BEGIN $1PRIVATE KEY-----${MASK}`)
    .replace(CREDENTIAL_IN_URL, `$1${MASK}@`)
    .replace(AUTHORIZATION, `$1${MASK}`);
  for (const secret of secrets) masked = masked.replaceAll(secret, MASK);
  return masked;
}
