import { expect, it } from 'vitest';
import { MOST_UNDELIVERED, planAll } from '../../../src/certificates/plan-all.ts';
import type { CertificatePlace, Observation, ObservedCertificate } from '../../../src/certificates/world.ts';
import { NOW, observedCertificate, policy, stored, wanted } from '../../support/observations.ts';

/** A shared directory in which none of these is yet: so many are in the store, and the others have to be ordered. */
function undelivered(inStore: number, toOrder: number): Observation {
  const certificates = Array.from({ length: inStore + toOrder }, (_, at): ObservedCertificate => {
    const [id, fingerprint] = [
      `n${String(at).padStart(4, '0')}.example.com`,
      at.toString(16).padStart(64, '0'),
    ];
    const held = at < inStore ? stored({ names: [id], fingerprint }) : undefined;
    return observedCertificate({ id, key: id, names: [id], stored: held, recorded: { key: id, choice: {} } });
  });
  const names = certificates.map(({ id }) => id);
  const places = certificates.map(({ id }): [string, CertificatePlace] => [
    id,
    {
      at: `${id}.pem`,
      place: `/shared/certs/${id}.pem`,
      state: { kind: 'empty' },
      superfluous: [],
      rivals: [],
    },
  ]);
  return {
    now: NOW,
    wanted: wanted(names),
    certificates,
    targets: [
      {
        ...{ id: '/shared', strategy: 'directory', names: new Set(names), places: new Map(places) },
        ...{ holds: new Set(), refused: new Map(), clears: ['old.pem'], marks: new Map() },
        balancers: [{ id: 'lb', host: '10.0.0.11', port: 443, shown: new Map(), unreachable: undefined }],
        ...{ unknownBalancers: [], deployments: [], missing: [] },
        ...{ restart: undefined, deliveredAt: undefined, hold: undefined },
      },
    ],
    ...{ unseen: [], notices: [] },
  };
}

/** How many certificates each step is for. */
function stepsOf(seen: Observation): string[] {
  return planAll(seen, policy()).steps.map((step) => {
    if (step.do !== 'deliver') return step.do;
    const ordered = step.puts.filter(({ fingerprint }) => fingerprint === 'the new one').length;
    return `deliver ${step.puts.length - ordered} and ${ordered} new, clear ${step.clears?.length ?? 0}`;
  });
}

it.each<[number, number, string[]]>([
  [MOST_UNDELIVERED - 1, 1, ['order', `deliver ${MOST_UNDELIVERED - 1} and 1 new, clear 1`]],
  [
    MOST_UNDELIVERED,
    2,
    [`deliver ${MOST_UNDELIVERED} and 0 new, clear 1`, 'order', 'order', 'deliver 0 and 2 new, clear 0'],
  ],
  [MOST_UNDELIVERED, 0, [`deliver ${MOST_UNDELIVERED} and 0 new, clear 1`]],
])(
  'with %i in the store and %i to order, only what is in the store goes out before orders',
  (inStore, toOrder, steps) => {
    expect(stepsOf(undelivered(inStore, toOrder))).toEqual(steps);
  },
);
