// pure
import { printable } from '../lib/printable.ts';
import type { ColourProgress, RolloutProgress } from '../rollout/progress.ts';
import { colourName, servingWords, sessionWords, stepWords, timeLeft } from './rollout-words.ts';

const MOST_SESSIONS = 8;
const BAR = { least: 10, most: 40 };

/** A rollout at this moment, for a terminal with so many columns: both colours as bars, the step, what is waited for
 * and for how much longer, and which process of which balancer holds connections. No line is wider than the
 * terminal.
 *
 *   10:00:07 shop: from blue to green, 4 in all; both colours serve
 *   blue   [###~................]  3 in rotation, 1 draining; 4 of 4 healthy
 *   green  [#...................]  1 in rotation; 1 of 1 healthy
 *   step   wait (drain): connections to blue.1 are left
 *   left   4m 55s
 *   held   process 41 holds 3 sessions of shop_10000/10_0_0_1_31000 at lb-1 */
export function liveView(progress: RolloutProgress, columns: number): string[] {
  const left = timeLeft(progress);
  const names = progress.colours.map((colour) => colourName(colour));
  const width = Math.max(4, ...names.map((name) => Math.min(name.length, 20)));
  const row = (name: string, text: string) =>
    cutToWidth(`${cutToWidth(name, width).padEnd(width)}  ${text}`, columns - 1);
  const bar = Math.max(BAR.least, Math.min(BAR.most, columns - width - 60));
  const most = Math.max(1, progress.target ?? 1, ...progress.colours.map(({ instances }) => instances));
  return [
    cutToWidth(headline(progress), columns - 1),
    ...progress.colours.map((colour, at) =>
      row(names[at] ?? '', `[${barOf(colour, most, bar)}]  ${numbersOf(colour)}`),
    ),
    row('step', stepWords(progress.step)),
    ...(left === '' ? [] : [row('left', left)]),
    ...heldRows(progress).map((text) => row('held', text)),
  ];
}

function headline({ at, group, direction, colours, target, newInstances, serves }: RolloutProgress): string {
  const names = colours.map((colour) => colourName(colour));
  const [from, to] = direction === 'back' ? names.toReversed() : names;
  const way = to === undefined ? '' : ` ${direction === 'back' ? 'back ' : ''}from ${from} to ${to},`;
  const share = newInstances > 0 ? `${newInstances} new of ` : '';
  const size = target === undefined ? '' : ` ${share}${target} in all;`;
  return `${at.toISOString().slice(11, 19)} ${printable(group, 120)}:${way}${size} ${servingWords(serves)}`;
}

/** In rotation `#`, draining `~`, drained `-`, neither `.`; `?` when no balancer can be read. Pure. */
export function barOf(
  { instances, inRotation, draining, drained }: ColourProgress,
  most: number,
  width: number,
): string {
  const known = { '#': inRotation ?? 0, '~': draining ?? 0, '-': drained ?? 0 };
  const rest = Math.max(0, instances - Object.values(known).reduce((sum, count) => sum + count, 0));
  let [bar, sum] = ['', 0];
  for (const [sign, count] of Object.entries({ ...known, [inRotation === undefined ? '?' : '.']: rest })) {
    sum += count;
    bar = bar.padEnd(Math.min(width, Math.round((sum / most) * width)), sign);
  }
  return bar.padEnd(width);
}

function numbersOf({ instances, healthy, inRotation, draining, drained }: ColourProgress): string {
  const parts = [
    inRotation === undefined ? 'no balancer can be read' : `${inRotation} in rotation`,
    draining ? `${draining} draining` : '',
    drained ? `${drained} drained` : '',
  ];
  return `${parts.filter((part) => part !== '').join(', ')}; ${healthy} of ${instances} healthy`;
}

function heldRows({ sessions }: RolloutProgress): string[] {
  const rows = sessions.slice(0, MOST_SESSIONS).map((session) => sessionWords(session));
  const more = sessions.length - rows.length;
  return more > 0 ? [...rows, `and ${more} more`] : rows;
}

/** How many columns a text takes at most: what is not ASCII may be two wide. */
export function widthOf(text: string): number {
  return [...text].reduce((sum, sign) => sum + (/^[\u0020-\u007e→…]$/.test(sign) ? 1 : 2), 0);
}

/** A text that takes no more columns than that. */
export function cutToWidth(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let [cut, width] = ['', 0];
  for (const sign of text) {
    width += widthOf(sign);
    if (width > columns - 1) break;
    cut += sign;
  }
  return columns < 1 ? '' : `${cut}…`;
}
