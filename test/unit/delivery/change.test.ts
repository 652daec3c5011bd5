import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Bundle } from '../../../src/delivery/bundle.ts';
import {
  type EnvChange,
  envChange,
  holdsBundle,
  LARGEST_TOTAL,
  LARGEST_VARIABLE,
} from '../../../src/delivery/change.ts';
import { toVariable } from '../../../src/delivery/variable.ts';
import type { EnvValue } from '../../../src/marathon/schema.ts';
import { makeBundle } from '../../support/bundles.ts';

const { bundle, pem, leaf, key } = makeBundle();
const before = makeBundle({ names: ['old.example.com'] });
const placeholder = makeBundle({ selfSigned: true }).pem;
const BASE = 'HAPROXY_SSL_CERT';

const limits = { variableBytes: LARGEST_VARIABLE, totalBytes: LARGEST_TOTAL };
const onePut = (
  env: Record<string, EnvValue>,
  variable: string,
  bundle: Bundle,
  placeholderPem: string | undefined,
): EnvChange => envChange(env, { put: [{ variable, bundle }], clear: [], placeholderPem, limits });

describe('envChange()', () => {
  it('writes the bundle beside everything else', () => {
    const env = { A: '1', [BASE]: toVariable(before.pem), TOKEN: { secret: 'token' } };

    expect(onePut(env, BASE, bundle, undefined)).toEqual({
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
        const change = onePut(env, variable, bundle, placeholder);

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
    expect(onePut({ [BASE]: value }, BASE, bundle, undefined)).toEqual({ kind: 'none' });
  });

  it('puts a placeholder into the variable without which a numbered one is not read', () => {
    const change = onePut({ A: '1', [BASE]: ' ' }, `${BASE}7`, bundle, placeholder);

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
    expect(onePut({ [BASE]: value }, `${BASE}7`, bundle, placeholder)).toMatchObject({
      changed: [`${BASE}7`],
      env: { [BASE]: value },
    });
  });

  it('puts the placeholder back when only that is missing', () => {
    expect(onePut({ [`${BASE}7`]: pem }, `${BASE}7`, bundle, placeholder)).toMatchObject({
      changed: [BASE],
    });
  });

  it('refuses what Linux would not take, with the numbers', () => {
    const huge = { ...bundle, pem: `${'A'.repeat(LARGEST_VARIABLE)}\n` };

    expect(onePut({}, BASE, huge, undefined)).toEqual({
      kind: 'too-large',
      message: `HAPROXY_SSL_CERT would have ${LARGEST_VARIABLE + 17} bytes; 122880 are allowed`,
    });
  });

  it('takes a variable of exactly the size allowed', () => {
    const full = { ...bundle, pem: 'A'.repeat(LARGEST_VARIABLE - 17) };

    expect(onePut({}, BASE, full, undefined).kind).toBe('write');
  });

  it('counts all certificates together, and nothing else', () => {
    const full = Object.fromEntries([0, 1, 2, 3].map((slot) => [`${BASE}${slot}`, 'A'.repeat(100 * 1024)]));
    const size = Buffer.byteLength(`${BASE}=${toVariable(pem)}`) + 4 * (100 * 1024 + 18);

    expect(onePut({ ...full, A: 'A'.repeat(100_000) }, BASE, bundle, undefined)).toEqual({
      kind: 'too-large',
      message: `All certificates together would have ${size} bytes; ${LARGEST_TOTAL} are allowed`,
    });
    expect(onePut({ A: 'A'.repeat(LARGEST_TOTAL) }, BASE, bundle, undefined).kind).toBe('write');
  });
});

describe('envChange() with several variables', () => {
  const other = makeBundle({ names: ['new.example.com'] });
  const [A, B, C] = [toVariable(pem), toVariable(before.pem), toVariable(other.pem)];
  const P = toVariable(placeholder);
  const bundles: Record<string, Bundle> = { [A]: bundle, [B]: before.bundle, [C]: other.bundle };
  const change = (
    env: Record<string, EnvValue>,
    put: Record<string, string>,
    clear: string[],
    placeholderPem: string | undefined = placeholder,
  ): EnvChange =>
    envChange(env, {
      put: Object.entries(put).map(([variable, value]) => ({ variable, bundle: bundles[value] as Bundle })),
      clear,
      placeholderPem,
      limits,
    });

  it.each<[string, EnvChange, EnvChange]>([
    [
      'puts and takes out in one write',
      change({ X: '1', [BASE]: A, [`${BASE}0`]: B }, { [BASE]: C, [`${BASE}1`]: A }, [`${BASE}0`]),
      { kind: 'write', env: { X: '1', [BASE]: C, [`${BASE}1`]: A }, changed: [BASE, `${BASE}1`, `${BASE}0`] },
    ],
    [
      'lets two change places',
      change({ [BASE]: A, [`${BASE}0`]: B }, { [BASE]: B, [`${BASE}0`]: A }, []),
      { kind: 'write', env: { [BASE]: B, [`${BASE}0`]: A }, changed: [BASE, `${BASE}0`] },
    ],
    [
      'takes out what is not there without a write',
      change({ [BASE]: A }, { [BASE]: A }, [`${BASE}0`]),
      { kind: 'none' },
    ],
    ['keeps what is put and taken out', change({ [BASE]: A }, { [BASE]: A }, [BASE]), { kind: 'none' }],
    [
      'takes out the last one without a placeholder',
      change({ X: '1', [BASE]: A }, {}, [BASE]),
      { kind: 'write', env: { X: '1' }, changed: [BASE] },
    ],
    [
      'puts a placeholder where the default one is taken out beside numbered ones',
      change({ [BASE]: A, [`${BASE}9`]: B }, {}, [BASE]),
      { kind: 'write', env: { [BASE]: P, [`${BASE}9`]: B }, changed: [BASE] },
    ],
    [
      'leaves the default one in when there is no placeholder for it',
      envChange(
        { [BASE]: A, [`${BASE}9`]: B },
        { put: [], clear: [BASE], placeholderPem: undefined, limits },
      ),
      { kind: 'none' },
    ],
    [
      'needs no placeholder when all are taken out',
      change({ [BASE]: A, [`${BASE}0`]: B }, {}, [BASE, `${BASE}0`]),
      { kind: 'write', env: {}, changed: [BASE, `${BASE}0`] },
    ],
  ])('%s', (_what, found, expected) => {
    expect(found).toEqual(expected);
  });

  it('takes the limits that it is given', () => {
    const small = { variableBytes: 100, totalBytes: 1_000_000 };

    expect(
      envChange(
        {},
        { put: [{ variable: BASE, bundle }], clear: [], placeholderPem: undefined, limits: small },
      ),
    ).toMatchObject({ kind: 'too-large' });
  });

  it('lets a write through that makes less of what somebody else made too much', () => {
    const tooMuch = 'A'.repeat(LARGEST_TOTAL);

    expect(change({ [`${BASE}0`]: tooMuch, [BASE]: A, [`${BASE}1`]: B }, {}, [`${BASE}1`])).toMatchObject({
      kind: 'write',
      changed: [`${BASE}1`],
    });
  });
});
