import { registerSecret } from '../lib/mask.ts';
import { splitList } from './kinds.ts';
import type { Given } from './sources.ts';

/** `http://user:password@marathon:8080` is how older definitions carry the password: it moves to the two
 * options made for it, so that no address that is logged holds it. */
export function movePassword(given: Map<string, Given>, problems: string[]): void {
  const url = given.get('marathonUrl');
  if (url === undefined || !url.text.includes('@')) return;
  const items = splitList(url.text);
  if (!items.every((item) => URL.canParse(item))) return; // the kind says so, without the password
  const found = new Set<string>();
  const bare = items.map((item) => {
    const address = new URL(item);
    const { username, password } = address;
    if (`${username}${password}` !== '') found.add(JSON.stringify([decode(username), decode(password)]));
    address.username = '';
    address.password = '';
    return address.href;
  });
  for (const pair of found) for (const part of JSON.parse(pair).slice(1)) registerSecret(part);
  given.set('marathonUrl', { text: bare.join(' '), source: url.source });
  if (found.size > 1) problems.push(`marathonUrl (${url.source}) holds different users or passwords`);
  const [first] = found;
  if (first === undefined) return;
  const [user, password] = JSON.parse(first) as [string, string];
  move('marathonUser', user);
  move('marathonPassword', password);

  function move(option: string, text: string): void {
    if (text === '') return;
    const rival = given.get(option);
    if (rival === undefined) given.set(option, { text, source: `${url?.source}, before the @` });
    else if (rival.text !== text)
      problems.push(
        `${option} (${rival.source}) and marathonUrl (${url?.source}) disagree; give one of them`,
      );
  }
}

/** Registers the passwords in addresses that keep them, as they stand there and as they are meant. */
export function registerPasswords(urls: readonly string[]): void {
  for (const url of urls) {
    const { password } = new URL(url);
    registerSecret(password);
    registerSecret(decode(password));
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a lone % is meant as one
  }
}
