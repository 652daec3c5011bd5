import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkName, splitNames } from '../../../src/certificates/names.ts';

const label63 = 'a'.repeat(63);
const longest = [label63, label63, label63, 'a'.repeat(61)].join('.');

describe('checkName()', () => {
  it.each([
    ['shop.example.com', 'shop.example.com'],
    ['Shop.EXAMPLE.Com', 'shop.example.com'],
    ['shop.example.com.', 'shop.example.com'],
    ['  shop.example.com\t', 'shop.example.com'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['BÜCHER.example', 'xn--bcher-kva.example'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['münchen。example', 'xn--mnchen-3ya.example'],
    ['1.example', '1.example'],
    ['a-b--c.example', 'a-b--c.example'],
    [`${label63}.example`, `${label63}.example`],
    [longest, longest],
  ])('takes %j as %s', (written, name) => {
    expect(checkName(written)).toEqual({ ok: true, name });
  });

  it.each([
    ['*.example.com', 'a wildcard can not be proven by HTTP-01, only by DNS-01'],
    ['shop.*.com', 'a wildcard can not be proven by HTTP-01, only by DNS-01'],
    ['192.0.2.1', 'it is an IP address, not a DNS name'],
    ['2001:db8::1', 'it is an IP address, not a DNS name'],
    ['[2001:db8::1]', 'it is an IP address, not a DNS name'],
    ['0xc0.0.2.1', 'it is an IP address, not a DNS name'],
    ['shop.example.com:443', 'it is no DNS name: only the host is expected, without scheme, port or path'],
    [
      'https://shop.example.com/',
      'it is no DNS name: only the host is expected, without scheme, port or path',
    ],
    ['shop.example.com/path', 'it is no DNS name: only the host is expected, without scheme, port or path'],
    ['me@example.com', 'it is no DNS name: only the host is expected, without scheme, port or path'],
    ['shop example.com', 'it is no DNS name: only the host is expected, without scheme, port or path'],
    ['my_shop.example.com', 'it is no DNS name: the part "my_shop" is not made of letters'],
    ['-shop.example.com', 'it is no DNS name: the part "-shop" is not made of letters'],
    ['shop-.example.com', 'it is no DNS name: the part "shop-" is not made of letters'],
    ['shop..example.com', 'it is no DNS name: the part "" is not made of letters'],
    [`${label63}a.example`, 'is not made of letters, digits and inner dashes, 1 to 63 long'],
    [`a${longest}`, 'it has 254 characters in DNS form, 253 are allowed'],
    ['a'.repeat(1001), 'it is longer than any DNS name'],
    ['shop\u0000.example.com', 'it is no DNS name'],
    ['shop', 'it has only one part; no public CA issues for it'],
    ['localhost', 'it has only one part; no public CA issues for it'],
    ['shop.123', ''],
    ['acme.internal', 'names under .internal are private; no CA issues for them'],
    ['printer.LOCAL', 'names under .local are private; no CA issues for them'],
    ['shop.invalid', 'names under .invalid are private; no CA issues for them'],
    ['shop.localhost.', 'names under .localhost are private; no CA issues for them'],
    ['', 'it is empty'],
    ['.', 'it is empty'],
  ])('refuses %j and says why', (written, reason) => {
    expect(checkName(written)).toEqual({ ok: false, reason: expect.stringContaining(reason) });
  });

  it('gives a name that it takes again unchanged', () => {
    fc.assert(
      fc.property(fc.oneof(fc.domain(), fc.string({ unit: 'binary' })), (text) => {
        const checked = checkName(text);
        if (checked.ok) expect(checkName(checked.name)).toEqual(checked);
      }),
    );
  });
});

describe('a name as a CA takes it', () => {
  const part = fc.string({ unit: fc.constantFrom(...'ab1-x.n'), maxLength: 12 });
  const ends = ['com', 'local', 'internal', '1', 'a1', 'x-', 'xn--p1ai', label63, `${label63}a`];
  const written = fc
    .tuple(fc.array(part, { maxLength: 30 }), fc.constantFrom(...ends))
    .map(([parts, end]) => [...parts, end].join('.'));

  it('is read as the same name with a dot at its end', () => {
    fc.assert(
      fc.property(written, (name) => {
        expect(checkName(name)).toEqual(checkName(`${name}.`));
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('splitNames()', () => {
  it.each([
    ['a.example,b.example', ['a.example', 'b.example']],
    [' a.example ,\n b.example\t\tc.example,,', ['a.example', 'b.example', 'c.example']],
    ['', []],
    [' , ', []],
  ])('reads %j', (list, names) => {
    expect(splitNames(list)).toEqual(names);
  });
});
