import { describe, expect, it } from 'vitest';
import {
  type AcmeProblem,
  classifyProblem,
  describeProblem,
  parseProblem,
} from '../../../src/acme/problem.ts';

const ACME = 'urn:ietf:params:acme:error:';
const problem = (fields: object): AcmeProblem =>
  parseProblem({ type: `${ACME}malformed`, detail: 'd', ...fields }) as AcmeProblem;
const named = (word: string, detail = 'd') => problem({ type: ACME + word, detail });

describe('parseProblem()', () => {
  it('keeps the whole document, unknown fields included', () => {
    const document = {
      type: `${ACME}rejectedIdentifier`,
      detail: 'Some names are refused',
      status: 400,
      instance: 'https://ca.example/terms',
      subproblems: [
        {
          type: `${ACME}caa`,
          detail: 'forbidden',
          identifier: { type: 'dns', value: 'a.example.com' },
          extra: 1,
        },
      ],
      algorithms: ['ES256'],
      hint: 'unknown field',
    };

    expect(parseProblem(document)).toEqual(document);
  });

  it('keeps the words of a sloppy document', () => {
    expect(parseProblem({ detail: 'no type', status: 'x', subproblems: 'none' })).toEqual({
      type: 'about:blank',
      detail: 'no type',
      status: undefined,
      subproblems: [],
    });
  });

  it.each([undefined, null, '', '<html>', 7, [], {}, { error: 'x' }])('takes %j for no problem', (body) => {
    expect(parseProblem(body)).toBeUndefined();
  });
});

describe('describeProblem()', () => {
  it("says the CA's own words with every part and its name", () => {
    const text = describeProblem(
      problem({
        type: `${ACME}compound`,
        detail: 'Errors during validation',
        subproblems: [
          { type: `${ACME}dns`, detail: 'NXDOMAIN', identifier: { type: 'dns', value: 'a.example.com' } },
          { type: `${ACME}caa`, detail: 'CAA forbids' },
        ],
      }),
    );

    expect(text).toBe('compound: Errors during validation (a.example.com: dns: NXDOMAIN; caa: CAA forbids)');
  });

  it('names the address a person has to visit', () => {
    const text = describeProblem(
      problem({ type: `${ACME}userActionRequired`, instance: 'https://ca.example/tos' }),
    );

    expect(text).toBe('userActionRequired: d see https://ca.example/tos');
  });

  it('escapes control characters and stays bounded', () => {
    const text = describeProblem(named('tls', `x\r\n\u001b[2J${'y'.repeat(5000)}`));

    expect(text).toMatch(/^tls: x\\u\{d\}\\u\{a\}\\u\{1b\}\[2Jyyy/);
    expect(text.length).toBeLessThan(1600);
    expect(text.endsWith('…')).toBe(true);
  });

  it('falls back to the title, and to saying that there is nothing', () => {
    expect(describeProblem(parseProblem({ type: 'about:blank', title: 'Not Found' }) as AcmeProblem)).toBe(
      'about:blank: Not Found',
    );
    expect(describeProblem(named('dns', ''))).toBe('dns: no detail given');
  });
});

describe('classifyProblem()', () => {
  it.each([
    ['badNonce', 'resign'],
    ['serverInternal', 'retry'],
    ['rateLimited', 'hold'],
    ['connection', 'config'],
    ['dns', 'config'],
    ['tls', 'config'],
    ['incorrectResponse', 'config'],
    ['caa', 'config'],
    ['rejectedIdentifier', 'permanent'],
    ['unsupportedIdentifier', 'permanent'],
    ['malformed', 'permanent'],
    ['badCSR', 'new-key'],
    ['badPublicKey', 'new-key'],
    ['badSignatureAlgorithm', 'operator'],
    ['accountDoesNotExist', 'register'],
    ['orderNotReady', 'refetch'],
    ['conflict', 'refetch'],
    ['alreadyReplaced', 'unlinked'],
    ['invalidProfile', 'operator'],
    ['userActionRequired', 'operator'],
    ['externalAccountRequired', 'operator'],
    ['invalidContact', 'operator'],
    ['unsupportedContact', 'operator'],
    ['badRevocationReason', 'operator'],
    ['alreadyRevoked', 'done'],
    ['unauthorized', 'operator'],
  ])('%s of a refused request means %s', (word, expected) => {
    expect(classifyProblem(named(word), 'request')).toBe(expected);
  });

  it('takes unauthorized of a challenge for a matter of the route', () => {
    expect(classifyProblem(named('unauthorized'), 'challenge')).toBe('config');
  });

  it('takes a rate limit without a time but with an address for a pause that a person ends', () => {
    const paused = named('rateLimited', 'Paused. Unpause at https://portal.example/unpause?jwt=x');

    expect(classifyProblem(paused, 'request')).toBe('operator');
    expect(classifyProblem(paused, 'request', 429, new Date())).toBe('hold');
  });

  it.each([
    ['the worst of its parts', ['dns', 'rejectedIdentifier', 'serverInternal'], 'permanent'],
    ['the only part', ['serverInternal'], 'retry'],
    ['permanent without parts', [], 'permanent'],
    ['permanent when it only holds itself', ['compound'], 'permanent'],
  ])('compound is %s', (_name, words, expected) => {
    const subproblems = words.map((word) => ({ type: ACME + word, detail: '' }));

    expect(classifyProblem(problem({ type: `${ACME}compound`, subproblems }), 'request')).toBe(expected);
  });

  it.each([
    [429, 'hold'],
    [503, 'retry'],
    [404, 'permanent'],
  ])('judges an unknown type by the status %i', (status, expected) => {
    expect(classifyProblem(problem({ type: 'about:blank' }), 'request', status)).toBe(expected);
  });

  it('is not fooled by types that are named like members of objects', () => {
    expect(classifyProblem(named('constructor'), 'request')).toBe('permanent');
  });
});
