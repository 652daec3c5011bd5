// pure

const [QUOTE, BACKSLASH, COLON] = [0x22, 0x5c, 0x3a];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_LIST, CLOSE_LIST] = [0x7b, 0x7d, 0x5b, 0x5d];

/** Takes a JSON object in pieces as they arrive. */
export interface JsonElements {
  /** @throws what the taker of elements throws */
  take(chunk: Buffer): void;
  /** Was it a whole JSON object with the list in it? What is beside the list is not looked at. */
  isWhole(): boolean;
}

/** Cuts a JSON object into the elements of one of its lists, so that a document of many megabytes is never in memory
 * as a whole. Pure, but for what it is given to call.
 *   `list: 'apps'` of `{"apps": [{"id": "/a"}, {"id": "/b"}], "more": 1}` → `{"id": "/a"}`, then `{"id": "/b"}`
 * @param onElement called with the text of each element that is an object or a list; others are passed over */
export function jsonElements(list: string, onElement: (json: string) => void): JsonElements {
  const key = Buffer.from(list);
  // Between two pieces; while one is read they are variables of their own, which is several times as quick.
  let state: State = START;
  let [inList, wasSeen, isOver, isBroken] = [false, false, false, false];
  let begun: Buffer[] = [];

  function take(chunk: Buffer): void {
    let { depth, inString, isEscaped, matched, isNamed } = state;
    // The element that is read begins here, unless it began in an earlier piece.
    let start = begun.length > 0 ? 0 : -1;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] as number;
      if (inString) {
        if (isEscaped) isEscaped = false;
        else if (byte === BACKSLASH) isEscaped = true;
        else if (byte === QUOTE) inString = false;
        if (depth === 1 && inString) matched = matched >= 0 && byte === key[matched] ? matched + 1 : -1;
      } else if (byte === QUOTE) {
        inString = true;
        if (depth === 1) matched = 0;
      } else if (byte === COLON) {
        if (depth === 1) isNamed = matched === key.length;
      } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
        if (depth === 0 && (byte === OPEN_LIST || isOver)) isBroken = true;
        if (depth === 1 && byte === OPEN_LIST && isNamed) [inList, wasSeen] = [true, true];
        if (depth === 2 && inList) start = at;
        if (depth === 1) isNamed = false;
        depth += 1;
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
        depth -= 1;
        if (depth === 2 && inList) {
          const end = chunk.subarray(start, at + 1);
          onElement((begun.length === 0 ? end : Buffer.concat([...begun, end])).toString());
          [begun, start] = [[], -1];
        } else if (depth === 1) inList = false;
        else if (depth === 0) isOver = true;
        else if (depth < 0) isBroken = true;
      } else if (depth === 0 && byte > 0x20) isBroken = true;
    }
    if (start >= 0) begun.push(chunk.subarray(start));
    state = { depth, inString, isEscaped, matched, isNamed };
  }

  return { take, isWhole: () => wasSeen && isOver && !isBroken && state.depth === 0 };
}

interface State {
  depth: number;
  inString: boolean;
  isEscaped: boolean;
  /** Where in the name of a member of the object we are, as far as it is the wanted one; -1 once it is another. */
  matched: number;
  isNamed: boolean;
}

const START: State = { depth: 0, inString: false, isEscaped: false, matched: -1, isNamed: false };
