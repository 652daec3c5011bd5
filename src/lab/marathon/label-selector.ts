// pure
import { ApiError } from './api-error.ts';

type Labels = Readonly<Record<string, string>>;

const SPACE = /\s*/y;
const TERM = /(?:[-A-Za-z0-9_.]|\\.)+/y;
const OPERATOR = /==|!=|(?:notin|in)(?=\s*\()/y;

/** A `label=` query as a test: `HAPROXY_GROUP==external,tier in (a,b),x notin (c),y!=z,exists`.
 * A comma means "and". `!=` and `notin` still want the label to exist, as Marathon does.
 * @throws ApiError 422 when the text is no selector
 * @source S/api/v2/LabelSelector.scala */
export function parseLabelSelector(text: string): (labels: Labels) => boolean {
  let at = 0;
  const fail = () => new ApiError(422, { message: `Can not parse label selector ${text}` });
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  const token = (pattern: RegExp): string | undefined => {
    take(SPACE);
    return take(pattern);
  };
  const term = (): string => {
    const found = token(TERM);
    if (found === undefined) throw fail();
    return found.replaceAll(/\\(.)/g, '$1');
  };
  const terms = (): string[] => {
    if (!token(/\(/y)) throw fail();
    const found = [term()];
    while (token(/,/y)) found.push(term());
    if (!token(/\)/y)) throw fail();
    return found;
  };
  const one = (): ((labels: Labels) => boolean) => {
    const key = term();
    const operator = token(OPERATOR);
    if (operator === undefined) return (labels) => key in labels;
    const isWanted = operator === '==' || operator === 'in';
    const values = new Set(operator === '==' || operator === '!=' ? [term()] : terms());
    return (labels) => {
      const value = labels[key];
      return value !== undefined && values.has(value) === isWanted;
    };
  };

  const all = [one()];
  while (token(/,/y)) all.push(one());
  take(SPACE);
  if (at !== text.length) throw fail();
  return (labels) => all.every((matches) => matches(labels));
}
