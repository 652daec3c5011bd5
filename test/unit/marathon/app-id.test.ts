import { describe, expect, it } from 'vitest';
import { absoluteAppId } from '../../../src/marathon/app-id.ts';

describe('absoluteAppId()', () => {
  it.each([
    ['/marathon-lb', '/marathon-lb'],
    ['marathon-lb', '/marathon-lb'],
    ['/prod/web.example.v2', '/prod/web.example.v2'],
  ])('takes %s', (id, absolute) => {
    expect(absoluteAppId(id)).toBe(absolute);
  });

  it.each([
    '',
    '/',
    '/A',
    '/a_b',
    '/a/',
    '//a',
    '/a/../b',
    '/..',
    '/a/*',
    '/a?force=true',
    '/a b',
    '/-a',
    '/a%2fb',
    '/a..b',
  ])('refuses %j, which no app can have and no path may carry', (id) => {
    expect(() => absoluteAppId(id)).toThrow('No app can have the id');
  });
});
