// pure
import { z } from 'zod';

/* Just the fields that are used, of Marathon 1.4 to 1.11. Up to 1.4 unset fields are written as null, from
 * 1.5 on they are left out together with empty collections: missing, null and empty mean the same here.
 * Source: docs/docs/rest-api/public/api/v2/types/{app,task,healthCheck,network,deployment,queue}.raml */

export const MOST_ITEMS = 20_000;
export const text = z.string().max(4_096);
export const count = z.number().int().nonnegative();
export const port = z.number().int().min(0).max(65_535);
export const list = <S extends z.ZodType>(item: S) => or(z.array(item).max(MOST_ITEMS), []);

/** Missing and null become `fallback`. */
export function or<S extends z.ZodType>(schema: S, fallback: z.output<S>) {
  return schema.nullish().transform((value) => value ?? fallback);
}
/** Missing and null become undefined. */
export function maybe<S extends z.ZodType>(schema: S) {
  return schema.nullish().transform((value) => value ?? undefined);
}
