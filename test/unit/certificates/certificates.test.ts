import { describe, expect, it } from 'vitest';
import {
  type CertificateRules,
  certificatesOf,
  ownersOf,
  packingWords,
} from '../../../src/certificates/certificates.ts';
import type { Want } from '../../../src/certificates/model.ts';
import { mostNamesOf } from '../../../src/certificates/profiles.ts';
import type { StoredEntry } from '../../../src/certificates/store-catalogue.ts';
import { daysFrom, hold as heldBack, NOW, stored } from '../../support/observations.ts';

const DIRECTORY = 'https://acme.example/directory';
const rules: CertificateRules = {
  pack: 'app',
  mostNames: () => 100,
  domainOf: async () => (name) => name.split('.').slice(-2).join('.'),
  directoryUrl: DIRECTORY,
  graceMs: 7 * 86_400_000,
};
const RSA = { keyType: 'rsa2048' };
const [PRINT, OLDER] = ['1'.repeat(64), '2'.repeat(64)];

const want = (name: string, key = 'own', choice: Want['choice'] = {}): Want => ({
  name,
  keys: [key],
  choice,
});
const entry = (id: string, key: string | undefined, changes: Partial<StoredEntry> = {}): StoredEntry => ({
  id,
  record: key === undefined ? undefined : { key, choice: {} },
  stored: stored({ names: [id], fingerprint: PRINT }),
  issued: [PRINT],
  order: undefined,
  hold: undefined,
  ...changes,
});
const of = (
  wants: Want[],
  entries: StoredEntry[],
  isComplete = true,
  changes: Partial<CertificateRules> = {},
) =>
  certificatesOf(
    { names: wants.map(({ name }) => name), wants, refused: [] },
    entries,
    { isComplete, now: NOW },
    { ...rules, ...changes },
  );

describe('certificatesOf()', () => {
  it('puts what our own app asks for first, and last what nobody does', async () => {
    const found = await of([want('z.test'), want('a.test', '/shop')], [entry('b.test', '/gone')]);

    expect(found.map(({ id, life }) => [id, life])).toEqual([
      ['z.test', 'wanted'],
      ['a.test', 'wanted'],
      ['b.test', 'grace'],
    ]);
  });

  it.each([
    ['goes with its app', true, '/gone', undefined, 'app', 'grace'],
    ['stays while not all apps are seen', false, '/gone', undefined, 'app', 'wanted'],
    ['goes while not all apps are seen, when it is of our own list', false, 'own', undefined, 'app', 'grace'],
    ['may be of anybody where names are packed otherwise', false, 'b.test', undefined, 'name', 'wanted'],
    ['is not taken back by not seeing all apps', false, '/gone', daysFrom(-8), 'app', 'ended'],
  ] as const)('a certificate %s', async (_what, isComplete, key, goneSince, pack, life) => {
    const gone = entry('b.test', key, { record: { key, choice: {}, ...(goneSince ? { goneSince } : {}) } });

    expect(await of([], [gone], isComplete, { pack })).toMatchObject([{ life, names: ['b.test'] }]);
  });

  it('takes one without a record for our own', async () => {
    expect(await of([want('b.test')], [entry('b.test', undefined)])).toMatchObject([
      { id: 'b.test', recorded: undefined },
    ]);
  });

  it('keeps an order at the CA that is chosen, and no other', async () => {
    const order = { names: ['b.test'], url: 'https://acme.example/order/1', directoryUrl: DIRECTORY };
    const begun = [entry('b.test', 'own', { order })];

    expect(await of([want('b.test')], begun)).toMatchObject([{ order: { url: order.url } }]);
    expect(await of([want('b.test')], begun, true, { directoryUrl: 'https://other.example' })).toMatchObject([
      { order: undefined },
    ]);
    expect(await of([want('b.test', 'own', { directoryUrl: 'https://other.example' })], begun)).toMatchObject(
      [{ directoryUrl: 'https://other.example', order: undefined }],
    );
  });

  it.each([
    ['was not issued yet', [PRINT], {}],
    ['was issued, and a crash came before that was written down', [PRINT, OLDER], RSA],
  ])('knows by which choice it was made, when one by another %s', async (_what, issued, choice) => {
    const record = { key: 'own', choice: {}, ordered: { choice: RSA, after: PRINT } };
    const [found] = await of([want('b.test', 'own', RSA)], [entry('b.test', 'own', { record, issued })]);

    expect(found?.recorded?.choice).toEqual(choice);
  });
});

describe('ownersOf()', () => {
  it('knows older versions, and tells what was issued from what was adopted', () => {
    const adopted = stored({ fingerprint: '3'.repeat(64), origin: 'adopted' });
    const owners = ownersOf([
      entry('one', 'own', { issued: [OLDER, PRINT] }),
      entry('two', 'own', { issued: [], stored: adopted }),
    ]);

    const table = [PRINT, OLDER, adopted.fingerprint, '9'.repeat(64)].map((print) => [
      owners.ownerOf(print),
      owners.currentOf(print),
      owners.isIssued(print),
    ]);
    expect(table).toEqual([
      ['one', 'one', true],
      ['one', undefined, true],
      ['two', 'two', false],
      [undefined, undefined, false],
    ]);
  });
});

describe('packingWords()', () => {
  const wants = ['a.one.test', 'b.one.test', 'c.two.test'].map((name) => want(name, `/${name[0]}`));

  it.each([
    ['app', '--pack app makes 3 certificates of the 3 names, 2 by --pack registered-domain, 1 by --pack all'],
    ['all', 'no other packing makes fewer than 1 of the 3 names'],
  ] as const)('names the packings that make fewer than %s', async (pack, words) => {
    expect(await packingWords({ names: [], wants, refused: [] }, { ...rules, pack })).toBe(words);
  });
});

describe('mostNamesOf()', () => {
  it.each([
    [undefined, 100],
    ['classic', 100],
    ['tlsserver', 25],
    ['shortlived', 25],
    ['of another CA', 100],
  ])('%j → %d', (profile, most) => {
    expect(mostNamesOf(profile)).toBe(most);
  });
});

describe('certificatesOf() with several CAs', () => {
  const [first, second] = [DIRECTORY, 'https://second.example/directory'];
  const hold = (directoryUrl: string | undefined, troubles: number) => ({
    ...{ since: NOW, until: new Date(NOW.getTime() + 60_000), code: 'ACME_UNREACHABLE', reason: 'away' },
    ...{ failures: 0, byCa: false, directoryUrl, troubles },
  });
  const order = { names: ['a.test'], url: 'https://second.example/1', directoryUrl: second };
  const empty = {
    stored: undefined,
    issued: [],
    record: { key: 'own', choice: {}, names: ['a.test'] },
    order,
  };
  const cas = { cas: [first, second] };

  it('chooses for each certificate by what failed, and shows what holds it back there alone', async () => {
    const held = { ...empty, hold: hold(first, 3), otherHolds: [hold(second, 1)] };
    const [seen] = await of([want('a.test')], [entry('a.test', 'own', held)], true, cas);

    expect(seen).toMatchObject({
      ...{
        directoryUrl: second,
        orderHold: hold(second, 1),
        insteadOf: { directoryUrl: first, reason: 'away' },
      },
      ...{ order: { names: ['a.test'], url: order.url }, holds: [hold(first, 3), hold(second, 1)] },
    });
  });

  it('takes a hold that names no CA for the first one’s', async () => {
    const [seen] = await of(
      [want('a.test')],
      [entry('a.test', 'own', { ...empty, hold: hold(undefined, 1) })],
      true,
      cas,
    );

    expect(seen).toMatchObject({ directoryUrl: first, orderHold: hold(undefined, 1), order: undefined });
  });

  it('has no other one for names whose label chose one', async () => {
    const chosen = { directoryUrl: 'https://label.example/directory' };
    const record = { key: 'own', choice: chosen, names: ['a.test'] };
    const held = { ...empty, record, hold: hold(chosen.directoryUrl, 9), otherHolds: [hold(first, 9)] };
    const [seen] = await of([want('a.test', 'own', chosen)], [entry('a.test', 'own', held)], true, cas);

    expect(seen).toMatchObject({
      directoryUrl: chosen.directoryUrl,
      orderHold: hold(chosen.directoryUrl, 9),
    });
    expect(seen?.insteadOf).toBeUndefined();
  });
});

describe('certificatesOf() with names that failed', () => {
  const names = ['a.test', 'b.test'];
  const later = heldBack({ until: daysFrom(1) });
  const over = heldBack({ since: daysFrom(-1), until: daysFrom(-0.5), failures: 2 });
  const seen = async (held: string[], orderHold?: typeof later) => {
    const record = { key: 'own', choice: {}, names };
    const one = entry('a.test', 'own', { record, stored: undefined, issued: [], hold: orderHold });
    const wants = names.map((name) => want(name));
    const nameHolds = new Map(held.map((name) => [name, later]));
    const circumstances = { isComplete: true, now: NOW, nameHolds };
    const [certificate] = await certificatesOf({ names, wants, refused: [] }, [one], circumstances, rules);
    return certificate;
  };

  it('leaves those out, and goes on with the others', async () => {
    const certificate = await seen(['b.test']);

    expect(certificate).toMatchObject({
      names: ['a.test'],
      held: [{ name: 'b.test' }],
      orderHold: undefined,
    });
    expect(certificate?.hasFailed).toBeUndefined();
  });

  it.each([
    ['which has no hold of its own', undefined],
    ['whose own hold is over', over],
  ])('keeps a certificate %s waiting when all of them are held', async (_what, own) => {
    expect(await seen(names, own)).toMatchObject({ names, held: [], orderHold: later, hasFailed: true });
  });

  it('keeps the hold of the certificate while it counts', async () => {
    const own = heldBack({ until: daysFrom(2) });

    expect(await seen(names, own)).toMatchObject({ names, orderHold: own });
  });
});
