import { describe, expect, it } from 'vitest';
import { registeredDomainOf } from '../../../src/certificates/registered-domain.ts';

describe('registeredDomainOf()', () => {
  it.each([
    ['example.com', 'example.com'],
    ['deep.in.shop.example.com', 'example.com'],
    ['shop.example.co.uk', 'example.co.uk'],
    ['co.uk', 'co.uk'],
    // The private part of the list
    ['a.b.github.io', 'b.github.io'],
    ['github.io', 'github.io'],
    // Wildcard and exception of the list
    ['a.b.c.kawasaki.jp', 'b.c.kawasaki.jp'],
    ['a.city.kawasaki.jp', 'city.kawasaki.jp'],
    // In the form of DNS
    ['a.xn--85x722f.xn--55qx5d.cn', 'xn--85x722f.xn--55qx5d.cn'],
    ['a.b.not-a-suffix-that-anybody-has', 'b.not-a-suffix-that-anybody-has'],
  ])('says of %s that it is %s', (name, domain) => {
    expect(registeredDomainOf(name)).toBe(domain);
  });
});
