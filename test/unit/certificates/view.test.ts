import { describe, expect, it } from 'vitest';
import { servedBy } from '../../../src/certificates/served.ts';
import { coveringOf, viewOf } from '../../../src/certificates/view.ts';
import type { Observation, ObservedCertificate } from '../../../src/certificates/world.ts';
import { observation, observedCertificate, servedFacts, stored, whole } from '../../support/observations.ts';

const [A, B] = ['a.test', 'b.test'];
const one = (changes: Partial<ObservedCertificate> & { covers?: string[]; by?: string }) => {
  const { covers = [A], by = '1'.repeat(64), ...rest } = changes;
  return observedCertificate({
    id: 'one',
    names: [A],
    stored: stored({ names: covers, fingerprint: by }),
    ...rest,
  });
};
const other = one({ id: 'other', covers: [A, B], by: '2'.repeat(64) });

/** A target that serves all names, whose one balancer shows these. */
function world(certificates: ObservedCertificate[], shown: Record<string, string>): Observation {
  const seen = whole(observation({ names: [A, B] }));
  const [target] = seen.targets;
  const [place] = target?.places.values() ?? [];
  if (target === undefined || place === undefined) throw new Error('No target');
  target.places = new Map(certificates.map(({ id }) => [id, place]));
  const facts = Object.entries(shown).map(([name, by]) => [name, servedFacts(by.repeat(64))] as const);
  target.balancers = [
    { id: 'lb.1', host: '10.0.0.11', port: 443, shown: new Map(facts), unreachable: undefined },
  ];
  return { ...seen, certificates };
}

function balancerOf(certificate: ObservedCertificate, seen: Observation) {
  const [balancer] = viewOf(certificate, seen, coveringOf(seen)).targets[0]?.balancers ?? [];
  const { served } = balancer ?? {};
  const digit = served !== undefined && 'fingerprint' in served ? served.fingerprint[0] : served;
  return { served: digit, others: balancer?.others.map(({ name }) => name) };
}

describe('viewOf()', () => {
  it.each([
    ['its own', [one({})], { [A]: '1' }, { served: '1', others: [] }],
    ["somebody else's", [one({})], { [A]: '9' }, { served: '9', others: [] }],
    ['one of ours that covers the name as well', [one({}), other], { [A]: '2' }, { served: '1', others: [] }],
    [
      'one of ours that does not',
      [one({}), one({ id: 'other', covers: [B], by: '2'.repeat(64) })],
      { [A]: '2' },
      { served: '2', others: [] },
    ],
    ['two', [one({ names: [A, B], covers: [A, B] })], { [A]: '1', [B]: '9' }, { served: '1', others: [B] }],
    ['nothing that was asked for', [one({})], {}, { served: '1', others: [] }],
    [
      'another for a name that it does not cover yet',
      [one({ names: [A, B] })],
      { [A]: '1', [B]: '9' },
      { served: '1', others: [] },
    ],
    [
      'another for a name that it covers beside',
      [one({ covers: [A, B] })],
      { [A]: '1', [B]: '9' },
      { served: '1', others: [] },
    ],
    [
      'one that covers the name, beside a wildcard',
      [one({ covers: ['*.test'] }), other],
      { [A]: '2' },
      { served: '1', others: [] },
    ],
    [
      'a wildcard that covers it as well',
      [one({}), one({ id: 'wide', covers: ['*.test'], by: '3'.repeat(64) })],
      { [A]: '3' },
      { served: '1', others: [] },
    ],
  ])('sees what balancers show: %s', (_what, certificates, shown, expected) => {
    const [first = one({})] = certificates;

    expect(balancerOf(first, world(certificates, shown as Record<string, string>))).toEqual(expected);
  });

  it('says that nothing was asked before there is a bundle', () => {
    const none = one({ stored: undefined });

    expect(balancerOf(none, world([none], {})).served).toEqual({ unreachable: 'not asked' });
  });

  it('tells a balancer that shows nothing at all', () => {
    const seen = world([one({})], {});
    for (const balancer of seen.targets[0]?.balancers ?? []) balancer.unreachable = 'it is away';

    expect(balancerOf(one({}), seen).served).toEqual({ unreachable: 'it is away' });
  });

  it.each([
    [{ choice: {}, recorded: { key: 'own', choice: {} } }, false],
    [{ choice: { keyType: 'rsa2048' }, recorded: { key: 'own', choice: {} } }, true],
    [{ choice: { keyType: 'rsa2048' }, recorded: undefined }, false],
  ])('compares the choice with what is recorded: %j', (changes, isOtherwise) => {
    const certificate = one(changes);

    expect(viewOf(certificate, world([certificate], {}), () => undefined).isOtherwise).toBe(isOtherwise);
  });

  it('leaves out targets where it has no place', () => {
    expect(viewOf(one({}), world([other], {}), () => undefined).targets).toEqual([]);
  });
});

describe('servedBy()', () => {
  it.each([
    [{ [A]: '1', [B]: '1' }, [], true],
    [{ [A]: '1', [B]: '9' }, [B], false],
    [{ [A]: '9', [B]: '9' }, [A], false],
  ])('tells for which names a balancer shows something else: %j', (shown, otherwise, isCurrent) => {
    const both = one({ names: [A, B], covers: [A, B] });

    expect(servedBy(world([both], shown as Record<string, string>))).toMatchObject([
      { target: '/marathon-lb', otherwise, isCurrent },
    ]);
  });
});
