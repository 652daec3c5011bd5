// pure
import { createHash } from 'node:crypto';

/** Ids are names of files and directories, which bear 255 bytes with what is put behind them. */
const LONGEST = 180;

/** The id of a new certificate: its first name, cut and told apart by a hash when that is long, and with a number
 * when it is taken. Pure but for `taken`, to which it is added.
 *   shop.example.com → shop.example.com, then shop.example.com-2, shop.example.com-3 … */
export function certificateId(name: string, taken: Set<string>): string {
  const digest = () => createHash('sha256').update(name).digest('hex').slice(0, 16);
  const base = name.length > LONGEST ? `${name.slice(0, LONGEST - 17)}-${digest()}` : name;
  let id = base;
  for (let number = 2; taken.has(id); number += 1) id = `${base}-${number}`;
  taken.add(id);
  return id;
}
