// pure
import type { Dialect } from './dialect.ts';
import { fromOldBody } from './old-app-body.ts';
import { withoutOldFields } from './old-fields.ts';
import { isObject } from './old-networks.ts';
import { type AppUpdate, parseApp } from './schema.ts';

/** What a body asks for, in the fields of 1.5 and later whatever the version.
 * @param isWhole a new app or a full replacement, not a partial update
 * @throws ApiError 400 or 422 when the body is not one of this version */
export function readApp(body: unknown, dialect: Dialect, isWhole: boolean): AppUpdate {
  const known = withoutFields(body, dialect.ignoresFields);
  return parseApp(dialect.hasOldAppJson ? fromOldBody(known, isWhole) : withoutOldFields(known), dialect);
}

function withoutFields(body: unknown, fields: readonly string[]): unknown {
  if (!isObject(body)) return body;
  return Object.fromEntries(Object.entries(body).filter(([field]) => !fields.includes(field)));
}
