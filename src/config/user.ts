// pure

/** Whom a process becomes. */
export interface User {
  uid: number;
  gid: number;
}

/** The largest id of Linux that is not -1, which means "as it is". */
const LARGEST_ID = 4_294_967_294;

/** `1000:1000`, or `1000` with the group of the same number. Names would be those of another machine or image. */
export function parseUser(text: string): { value: User } | { problem: string } {
  const [, uid = '', gid = uid] = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(text) ?? [];
  const isGood = uid !== '' && [uid, gid].every((id) => Number(id) <= LARGEST_ID);
  return isGood
    ? { value: { uid: Number(uid), gid: Number(gid) } }
    : { problem: 'is not a user, or user and group, in numbers such as 1000:1000' };
}
