import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { envChange, holdsBundle, LARGEST_TOTAL, LARGEST_VARIABLE } from '../../../src/delivery/change.ts';
import { toVariable } from '../../../src/delivery/variable.ts';
import { makeBundle } from '../../support/bundles.ts';

const { bundle, pem, leaf, key } = makeBundle();
const before = makeBundle({ names: ['old.example.com'] });
const placeholder = makeBundle({ selfSigned: true }).pem;
const BASE = 'HAPROXY_SSL_CERT';

describe('envChange()', () => {
  it('writes the bundle beside everything else', () => {
    const env = { A: '1', [BASE]: toVariable(before.pem), TOKEN: { secret: 'token' } };

    expect(envChange(env, BASE, bundle, undefined)).toEqual({
      kind: 'write',
      env: { ...env, [BASE]: toVariable(pem) },
      changed: [BASE],
    });
  });

  it('loses and changes nothing else, whatever is there, and not what was read', () => {
    const value = fc.oneof(fc.string(), fc.record({ secret: fc.string() }));
    const envs = fc.dictionary(fc.oneof(fc.string(), fc.constantFrom(BASE, `${BASE}3`, '__proto__')), value);
    fc.assert(
      fc.property(envs, fc.constantFrom(BASE, `${BASE}3`), (env, variable) => {
        const copy = structuredClone(env);
        const change = envChange(env, variable, bundle, placeholder);

        expect(env).toEqual(copy);
        if (change.kind !== 'write') throw new Error(change.kind);
        const untouched = Object.entries(env).filter(([name]) => !change.changed.includes(name));
        expect(Object.keys(change.env).sort()).toEqual(
          [...new Set([...Object.keys(env), ...change.changed])].sort(),
        );
        for (const [name, value] of untouched)
          expect(Object.getOwnPropertyDescriptor(change.env, name)?.value).toEqual(value);
        expect(holdsBundle(change.env[variable], bundle)).toBe(true);
      }),
    );
  });

  it.each([
    ['as it would be written', toVariable(pem)],
    ['with real line ends', pem],
    ['with CRLF', pem.replaceAll('\n', '\r\n')],
    ['with comments', `subject=CN = leaf\n${pem}`],
    ['without its chain', `${leaf}${key}`],
  ])('changes nothing when the certificate is there %s', (_how, value) => {
    expect(envChange({ [BASE]: value }, BASE, bundle, undefined)).toEqual({ kind: 'none' });
  });

  it('puts a placeholder into the variable without which a numbered one is not read', () => {
    const change = envChange({ A: '1', [BASE]: ' ' }, `${BASE}7`, bundle, placeholder);

    expect(change).toEqual({
      kind: 'write',
      env: { A: '1', [BASE]: toVariable(placeholder), [`${BASE}7`]: toVariable(pem) },
      changed: [`${BASE}7`, BASE],
    });
  });

  it.each([
    ['a certificate', before.pem],
    ['something unreadable', 'odd'],
    ['a secret', { secret: 'tls' }],
  ])('leaves %s there alone', (_what, value) => {
    expect(envChange({ [BASE]: value }, `${BASE}7`, bundle, placeholder)).toMatchObject({
      changed: [`${BASE}7`],
      env: { [BASE]: value },
    });
  });

  it('puts the placeholder back when only that is missing', () => {
    expect(envChange({ [`${BASE}7`]: pem }, `${BASE}7`, bundle, placeholder)).toMatchObject({
      changed: [BASE],
    });
  });

  it('refuses what Linux would not take, with the numbers', () => {
    const huge = { ...bundle, pem: `${'A'.repeat(LARGEST_VARIABLE)}\n` };

    expect(envChange({}, BASE, huge, undefined)).toEqual({
      kind: 'too-large',
      message: `HAPROXY_SSL_CERT would have ${LARGEST_VARIABLE + 17} bytes; 122880 are allowed`,
    });
  });

  it('takes a variable of exactly the size allowed', () => {
    const full = { ...bundle, pem: 'A'.repeat(LARGEST_VARIABLE - 17) };

    expect(envChange({}, BASE, full, undefined).kind).toBe('write');
  });

  it('counts all certificates together, and nothing else', () => {
    const full = Object.fromEntries([0, 1, 2, 3].map((slot) => [`${BASE}${slot}`, 'A'.repeat(100 * 1024)]));
    const size = Buffer.byteLength(`${BASE}=${toVariable(pem)}`) + 4 * (100 * 1024 + 18);

    expect(envChange({ ...full, A: 'A'.repeat(100_000) }, BASE, bundle, undefined)).toEqual({
      kind: 'too-large',
      message: `All certificates together would have ${size} bytes; ${LARGEST_TOTAL} are allowed`,
    });
    expect(envChange({ A: 'A'.repeat(LARGEST_TOTAL) }, BASE, bundle, undefined).kind).toBe('write');
  });
});
