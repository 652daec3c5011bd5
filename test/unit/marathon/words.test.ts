import { describe, expect, it } from 'vitest';
import { marathonWords } from '../../../src/marathon/words.ts';

describe('marathonWords()', () => {
  it.each([
    ['a message', '{"message":"App \'/x\' does not exist"}', "App '/x' does not exist"],
    [
      'a message with parser text',
      '{"message":"Invalid JSON","details":"Unexpected end"}',
      'Invalid JSON; Unexpected end',
    ],
    [
      'a message with paths',
      '{"message":"Object is not valid","details":[{"path":"/env/A","errors":["error.expected.jsstring"]}]}',
      'Object is not valid; /env/A: error.expected.jsstring',
    ],
    [
      'the words of DC/OS',
      '{"title":"Login failed","description":"No such user","code":"ERR"}',
      'Login failed; No such user',
    ],
    [
      'the HTML page of the server below',
      '<html><head><style>p { }</style></head><body><h2>HTTP ERROR 503</h2>\n<p>no leader</p></body></html>',
      'HTTP ERROR 503 no leader',
    ],
    ['plain text, without control characters', 'a\u001b[31mb\nc', 'a [31mb c'],
    ['nothing', '', 'no words'],
    ['other JSON', '[1,2]', '[1,2]'],
  ])('reads %s', (_name, text, words) => {
    expect(marathonWords(text)).toBe(words);
  });

  it('keeps to 500 characters', () => {
    expect(marathonWords('x'.repeat(10_000))).toHaveLength(500);
  });
});
