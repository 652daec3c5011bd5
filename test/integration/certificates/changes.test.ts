import { describe, expect, it } from 'vitest';
import type { ExecuteTools } from '../../../src/certificates/execute.ts';
import { runPass } from '../../../src/certificates/pass.ts';
import type { PassResult } from '../../../src/certificates/pass-result.ts';
import type { Revocation } from '../../../src/certificates/store-schema.ts';
import { bundleKey, keyHash } from '../../../src/delivery/bundle.ts';
import { readVariable, toVariable } from '../../../src/delivery/variable.ts';
import { CertathonError } from '../../../src/lib/errors.ts';
import { makeBundle, NOT_BEFORE, type TestBundle } from '../../support/bundles.ts';
import { daysFrom, NOW, policy } from '../../support/observations.ts';
import { passWorld } from '../../support/pass-world.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const directory = temporaryDirectory();
const [A, B, C] = ['a.example.com', 'b.example.com', 'c.example.com'];
const ID = 'shop.example.com';
const newer = makeBundle();
const older = makeBundle({ notBefore: new Date(NOT_BEFORE.getTime() - 86_400_000) });
const fingerprintOf = ({ bundle }: TestBundle) => bundle.facts.fingerprint;
const revocationOf = (certificate: string, { bundle }: TestBundle): Revocation => ({
  certificate,
  fingerprint: bundle.facts.fingerprint,
  names: bundle.facts.names,
  reason: 'superseded',
  by: 'account',
  directoryUrl: 'https://acme.example/directory',
  keyHash: keyHash(bundleKey(bundle)),
  askedAt: NOW,
  state: 'asked',
});
const dos = ({ done }: PassResult) => done.map((step) => `${step.do} ${step.reason}`);
const codes = ({ problems }: PassResult) => problems.map(({ code }) => code);

/** A CA that gives whatever it is asked for; `domains` are what is wanted. */
async function world(options: Parameters<typeof passWorld>[1] = {}) {
  const made = await passWorld(directory.path, options);
  const { stores } = made.tools;
  const ordered: string[] = [];
  const obtain: ExecuteTools['obtain'] = async ({ id }, names) => {
    ordered.push(names.join(' '));
    await stores.of(id).save(makeBundle({ names: [...names] }).bundle, 'issued', undefined, NOW);
    return [];
  };
  const pass = (
    domains: string[],
    wish: Partial<Parameters<typeof runPass>[1]> = {},
    more: Partial<ExecuteTools> = {},
  ) => runPass({ ...made.tools, obtain, domains, ...more }, { ...policy(), ...wish }, false);
  const held = (slot = 'HAPROXY_SSL_CERT') => {
    const content = readVariable(made.state.env[slot]);
    return content.kind === 'certificate' ? content.facts.fingerprint : content.kind;
  };
  return { ...made, stores, ordered, pass, held };
}

describe('a pass about names that come and go', () => {
  it('orders no set of names twice', async () => {
    const { pass, ordered, held } = await world();

    const passes = [await pass([A, B])];
    const first = held();
    for (const names of [
      [A, C],
      [A, B],
      [A, C],
      [A, B],
    ])
      passes.push(await pass(names));

    const restored = ['restore names-covered', 'deliver not-delivered'];
    expect(ordered).toEqual([`${A} ${B}`, `${A} ${C}`]);
    expect(passes.slice(2).map(dos)).toEqual([restored, restored, restored]);
    expect(passes.flatMap(codes)).toEqual([]);
    expect(held()).toBe(first);
  });

  it('orders when the version does not pass the gate, and asks it never again', async () => {
    const { pass, ordered } = await world();
    await pass([A, B]);
    await pass([A, C]);
    const tried: string[] = [];
    const faultOf: ExecuteTools['faultOf'] = (_certificate, { facts }) => {
      tried.push(facts.fingerprint);
      return { code: 'CERTIFICATE_UNUSABLE', message: 'its chain ends nowhere' };
    };

    const result = await pass([A, B], {}, { faultOf });
    await pass([A, C], {}, { faultOf });
    await pass([A, B], {}, { faultOf });

    expect(dos(result)).toEqual(['restore names-covered', 'order names-missing', 'deliver not-delivered']);
    expect(codes(result)).toEqual([]);
    expect(new Set(tried).size).toBe(tried.length);
    expect(ordered.slice(0, 3)).toEqual([`${A} ${B}`, `${A} ${C}`, `${A} ${B}`]);
  });
});

describe('a pass that puts a version back', () => {
  const restores = new Map([[ID, fingerprintOf(older)]]);

  it('brings back what was taken over before, and does not take its successor over again', async () => {
    const { pass, state, stores, held } = await world({ env: { HAPROXY_SSL_CERT: toVariable(older.pem) } });
    await pass([ID]);
    state.env = { HAPROXY_SSL_CERT: toVariable(newer.pem) };
    expect(dos(await pass([ID]))).toEqual(['adopt newer-in-place']);

    const back = await pass([ID], { restores, askedAt: NOW });
    const next = await pass([ID]);

    expect([dos(back), codes(back)]).toEqual([['restore asked', 'deliver not-delivered'], []]);
    expect([dos(next), codes(next)]).toEqual([[], []]);
    expect(held()).toBe(fingerprintOf(older));
    expect((await stores.of(ID).record())?.aside).toEqual([
      { fingerprint: fingerprintOf(newer), why: 'rolled-back' },
    ]);
  });

  it('can be taken back, and what was issued stays known as ours', async () => {
    const { pass, stores, held, issue } = await world();
    await issue(older);
    await issue(newer);
    await pass([ID], { restores, askedAt: NOW });

    const again = await pass([ID], { restores: new Map([[ID, fingerprintOf(newer)]]), askedAt: NOW });

    expect(dos(again)).toEqual(['restore asked', 'deliver not-delivered']);
    expect(held()).toBe(fingerprintOf(newer));
    expect(await stores.of(ID).issued()).toEqual([older, newer].map(fingerprintOf));
    expect((await stores.of(ID).record())?.aside).toEqual([
      { fingerprint: fingerprintOf(older), why: 'rolled-back' },
    ]);
  });

  it('is not followed by a renewal although the version is due, for half of the time that it has left', async () => {
    const due = makeBundle({ notBefore: daysFrom(-61), notAfter: daysFrom(29) });
    const { pass, clock, ordered, issue } = await world();
    await issue(due);
    await issue(newer);

    const back = await pass([ID], { restores: new Map([[ID, fingerprintOf(due)]]), askedAt: NOW });
    await clock.advance(14 * 86_400_000);
    const kept = await pass([ID]);
    await clock.advance(86_400_000);
    const over = await pass([ID]);

    expect([back, kept, over].map(dos)).toEqual([
      ['restore asked', 'deliver empty'],
      [],
      ['order lifetime-share', 'deliver not-delivered'],
    ]);
    expect(ordered).toEqual([ID]);
  });

  it.each<[string, TestBundle, RegExp]>([
    ['is expired', makeBundle({ notBefore: daysFrom(-90), notAfter: daysFrom(-1) }), /it expired at/],
    ['lacks a name', makeBundle({ names: ['other.example.com'] }), /shop\.example\.com is wanted/],
  ])('changes nothing when the version %s', async (_what, version, why) => {
    const { pass, held, issue } = await world();
    await issue(version);
    await issue(newer);

    const result = await pass([ID], { restores: new Map([[ID, fingerprintOf(version)]]), askedAt: NOW });

    expect(codes(result)).toEqual(['CERTIFICATE_UNUSABLE']);
    expect(result.problems[0]?.message).toMatch(why);
    expect(dos(result)).toEqual(['deliver empty']);
    expect(held()).toBe(fingerprintOf(newer));
  });

  it('never brings back a key that is lost, nor lets it come back from a target', async () => {
    const { pass, stores, state, issue, held } = await world();
    const elsewhere = revocationOf('elsewhere.example.com', older);
    const lost = { fingerprint: '9'.repeat(64), reason: 'keyCompromise', state: 'revoked' } as const;
    await stores.revocations.save({ ...elsewhere, ...lost });
    const other = makeBundle({ key: 'second' });
    await issue(older);
    await issue(other);

    const refused = await pass([ID], { restores, askedAt: NOW });
    await stores.of(ID).remove();
    state.env = { HAPROXY_SSL_CERT: toVariable(newer.pem) };
    const next = await pass([ID]);

    expect(refused.problems[0]?.message).toMatch(/the key of that version was reported as lost/);
    expect(dos(next).slice(0, 2)).toEqual(['adopt valid-in-place', 'order missing']);
    expect(held()).not.toBe(fingerprintOf(newer));
  });
});

describe('a pass that revokes', () => {
  it('keeps what was asked for while the CA is away, and neither asks again nor orders at once', async () => {
    const { pass, stores, issue, clock, ordered } = await world();
    await issue(newer);
    await stores.revocations.save(revocationOf(ID, newer));
    let isAway = true;
    let asked = 0;
    const revoke: ExecuteTools['revoke'] = async () => {
      asked += 1;
      if (isAway) throw new CertathonError('ACME_UNREACHABLE', 'The CA is away');
      return 'revoked';
    };

    const failed = await pass([ID], {}, { revoke });
    const held = await pass([ID], {}, { revoke });
    const counts = [asked, ordered.length];
    isAway = false;
    await clock.advance(10 * 60_000);
    const done = await pass([ID], {}, { revoke });

    expect([failed, held].map(codes)).toEqual([
      ['ACME_UNREACHABLE'],
      ['ACME_UNREACHABLE', 'ACME_UNREACHABLE'],
    ]);
    expect(counts).toEqual([1, 0]);
    expect([dos(done), codes(done)]).toEqual([
      ['revoke superseded', 'order revoked', 'deliver not-delivered'],
      [],
    ]);
    expect((await stores.revocations.list()).map(({ state }) => state)).toEqual(['revoked']);
  });
});

describe('a pass that forgets', () => {
  const rules = (tools: ExecuteTools) => ({ ...tools.rules, pack: 'name' as const });

  it('leaves what is wanted; takes the rest out with the next delivery, then out of the store', async () => {
    const made = await world();
    const apart = { rules: rules(made.tools) };
    await made.pass([A, B], {}, apart);
    const before = (await made.stores.list()).map(({ id }) => id);

    const wanted = await made.pass([A, B], { forgets: [B] }, apart);
    const asked = await made.pass([A], { forgets: [B] }, apart);
    const between = [(await made.stores.list()).map(({ id }) => id), made.held('HAPROXY_SSL_CERT0')];
    const next = await made.pass([A], { forced: [A] }, apart);
    const after = [(await made.stores.list()).map(({ id }) => id), made.held('HAPROXY_SSL_CERT0')];

    expect(before).toEqual([A, B]);
    expect([dos(wanted), dos(asked), codes(asked)]).toEqual([[], ['forget asked'], []]);
    expect(between[0]).toEqual([A, B]);
    expect(between[1]).not.toBe('empty');
    expect(dos(next)).toEqual(['order forced', 'deliver not-delivered', 'remove forgotten']);
    expect(after).toEqual([[A], 'empty']);
  });
});
