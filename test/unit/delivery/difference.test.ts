import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { differenceOf } from '../../../src/delivery/difference.ts';
import { toVariable } from '../../../src/delivery/variable.ts';
import { appSchema } from '../../../src/marathon/app-schema.ts';
import { makeBundle } from '../../support/bundles.ts';

const old = makeBundle({ names: ['old.example.com'] });
const fresh = makeBundle({ names: ['shop.example.com', 'www.example.com'], key: 'second' });
const app = (changes: object = {}) => appSchema.parse({ id: '/marathon-lb', ...changes });
const short = (bundle: typeof old) => bundle.bundle.facts.fingerprint.slice(0, 16);

describe('differenceOf()', () => {
  it('tells a new certificate from the old one by fingerprint and names', () => {
    const before = app({ env: { HAPROXY_SSL_CERT: old.pem, KEPT: 'yes' } });

    expect(differenceOf(before, { env: { HAPROXY_SSL_CERT: toVariable(fresh.pem), KEPT: 'yes' } })).toEqual([
      {
        field: 'env.HAPROXY_SSL_CERT',
        from: `certificate ${short(old)} for old.example.com`,
        to: `certificate ${short(fresh)} for shop.example.com, www.example.com`,
      },
    ]);
  });

  it.each([
    ['added', {}, { A: 'long password' }, 'unset', /^text of 13 bytes \([0-9a-f]{6}\)$/],
    ['removed', { A: 'x' }, {}, /^text of 1 bytes/, 'unset'],
    ['emptied', { A: 'x' }, { A: '' }, /^text of 1 bytes/, 'empty'],
    ['made a secret', { A: 'x' }, { A: { secret: 'tls' } }, /^text/, 'secret "tls"'],
  ])('tells a value that was %s without showing it', (_what, env, next, from, to) => {
    expect(differenceOf(app({ env }), { env: next })).toEqual([
      {
        field: 'env.A',
        from: typeof from === 'string' ? from : expect.stringMatching(from),
        to: typeof to === 'string' ? to : expect.stringMatching(to),
      },
    ]);
  });

  it('shows numbers of the upgradeStrategy as they are, and only those that change', () => {
    const before = app({ upgradeStrategy: { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 } });

    expect(
      differenceOf(before, { upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 } }),
    ).toEqual([{ field: 'upgradeStrategy.minimumHealthCapacity', from: '0.5', to: '0' }]);
  });

  it('says that arguments change without showing them, since passwords stand there', () => {
    const [difference] = differenceOf(app({ args: ['sse', '--auth-credentials', 'u:hunter22'] }), {
      args: ['poll'],
    });

    expect(difference).toMatchObject({ field: 'args', to: expect.stringMatching(/^text of 4 bytes/) });
    expect(JSON.stringify(difference)).not.toContain('hunter22');
  });

  it('never shows a value of the environment, and sees every change of one', () => {
    const value = fc.string({ minLength: 8 }).filter((text) => text.trim().length >= 8);
    fc.assert(
      fc.property(value, value, (from, to) => {
        const differences = differenceOf(app({ env: { A: from } }), { env: { A: to } });

        expect(differences.length).toBe(from === to ? 0 : 1);
        for (const text of [from, to]) expect(JSON.stringify(differences)).not.toContain(text);
      }),
    );
  });

  it('shows no line of a key that was cut off', () => {
    const cut = fresh.pem.slice(0, -200);
    const shown = JSON.stringify(differenceOf(app({ env: { A: fresh.pem } }), { env: { A: cut } }));

    const lines = fresh.key.split('\n').filter((line) => line.length > 40);
    expect(lines.filter((line) => shown.includes(line))).toEqual([]);
  });

  it('is nothing when nothing changes', () => {
    const before = app({ env: { A: '1' }, args: ['sse'] });

    expect(
      differenceOf(before, { env: before.env, args: before.args, upgradeStrategy: before.upgradeStrategy }),
    ).toEqual([]);
    expect(differenceOf(before, {})).toEqual([]);
  });
});
