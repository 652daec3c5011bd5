// pure
import { CertathonError } from '../lib/errors.ts';

const LABEL = '[a-z0-9](?:[a-z0-9-]*[a-z0-9])?';
const APP_ID = new RegExp(`^(?:/${LABEL}(?:\\.${LABEL})*)+$`);

/** An app id with its leading slash. Only ids that Marathon itself allows come back, so that the id can be
 * put into a path as it is. Source: S/state/PathId.scala
 * @throws APP_MISSING, since no app can have another id */
export function absoluteAppId(id: string): string {
  const absolute = id.startsWith('/') ? id : `/${id}`;
  if (isAppId(absolute)) return absolute;
  throw new CertathonError('APP_MISSING', `No app can have the id ${JSON.stringify(id.slice(0, 200))}`);
}

/** Whether an app may have this id, which begins with a slash. Pure. */
export function isAppId(absolute: string): boolean {
  return absolute.length <= 1_024 && APP_ID.test(absolute);
}
