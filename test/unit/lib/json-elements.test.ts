import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonElements } from '../../../src/lib/json-elements.ts';

/** Cuts a text that arrives in pieces of this size. */
function cut(text: string, size = text.length || 1) {
  const found: unknown[] = [];
  const list = jsonElements('apps', (json) => found.push(JSON.parse(json)));
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) list.take(bytes.subarray(at, at + size));
  return { found, isWhole: list.isWhole() };
}

describe('jsonElements()', () => {
  it('cuts any object into the elements of its list, in pieces of any size', () => {
    const value = fc.jsonValue({ maxDepth: 3 });
    const element = fc.oneof(fc.dictionary(fc.string(), value), fc.array(value));
    fc.assert(
      fc.property(
        fc.array(element, { maxLength: 5 }),
        fc.dictionary(fc.string(), value, { maxKeys: 3 }),
        fc.constantFrom(undefined, 1),
        fc.integer({ min: 1, max: 40 }),
        (apps, others, indent, size) => {
          const document = { ...others, apps };
          const { found, isWhole } = cut(JSON.stringify(document, null, indent), size);

          expect(found).toEqual(JSON.parse(JSON.stringify(apps)));
          expect(isWhole).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each<[string, string, unknown[], boolean]>([
    ['an empty list', '{"apps":[]}', [], true],
    ['elements that are no objects', '{"apps":[1,"a",null,{"id":"/a"}]}', [{ id: '/a' }], true],
    [
      'a list of that name further down',
      '{"more":{"apps":[{"id":"/b"}]},"apps":[{"id":"/a"}]}',
      [{ id: '/a' }],
      true,
    ],
    ['a text of that name', '{"x":"apps","y":[{"id":"/b"}],"apps":[]}', [], true],
    ['brackets and quotes in texts', '{"apps":[{"id":"]}\\"{["}]}', [{ id: ']}"{[' }], true],
    ['no list of that name', '{"groups":[{"id":"/a"}]}', [], false],
    ['a list instead of an object', '[{"apps":[]}]', [], false],
    ['an end that is missing', '{"apps":[{"id":"/a"}]', [{ id: '/a' }], false],
    ['a page of HTML', '<html>{"apps":[]}</html>', [], false],
    ['two objects', '{"apps":[]}{"apps":[]}', [], false],
    ['nothing', '', [], false],
  ])('tells %s', (_what, text, elements, isWhole) => {
    expect(cut(text)).toEqual({ found: elements, isWhole });
    expect(cut(text, 3)).toEqual({ found: elements, isWhole });
  });
});
