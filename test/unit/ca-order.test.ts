import { describe, expect, it } from 'vitest';
import { orderWhereAllowed } from '../../src/ca-order.ts';
import type { Hold } from '../../src/certificates/model.ts';
import type { ObservedCertificate } from '../../src/certificates/world.ts';
import { CertathonError } from '../../src/lib/errors.ts';
import { type EventName, silentLog } from '../../src/lib/log.ts';
import { observedCertificate } from '../support/observations.ts';

const [A, B] = ['https://a.example/dir', 'https://b.example/dir'];
const NOW = new Date('2026-08-01T12:00:00Z');
const forbids = new CertathonError('CAA_FORBIDS', 'CAA forbids it', {
  facts: { names: ['shop.example.com'] },
});
const away = new CertathonError('ACME_UNREACHABLE', 'the CA is away', {
  retryAt: NOW,
  facts: { status: 503 },
});
const held: Hold = {
  ...{ since: NOW, until: new Date(NOW.getTime() + 60_000), code: 'ACME_UNREACHABLE', reason: 'away' },
  ...{ failures: 0, byCa: false, directoryUrl: B },
};

/** @param answers what each CA does, by its directory; with `warn` any CA that CAA forbids takes the order */
async function ordered(
  answers: Record<string, CertathonError | undefined>,
  { caaMode = 'warn' as 'off' | 'warn' | 'require', certificate = {} as Partial<ObservedCertificate> } = {},
) {
  const asked: string[] = [];
  const holds: Hold[] = [];
  const told: EventName[] = [];
  const log = { ...silentLog, warn: (event: EventName) => void told.push(event) };
  const store = { saveHold: async (hold: Hold) => void holds.push(hold) };
  const failure = await orderWhereAllowed(
    { ...observedCertificate(), directoryUrl: A, ...certificate },
    async ({ directoryUrl }, mode) => {
      asked.push(`${directoryUrl} ${mode}`);
      const error = answers[directoryUrl];
      if (error !== undefined && !(error === forbids && mode !== 'require')) throw error;
      return [];
    },
    { cas: [A, B], caaMode, store, clock: { nowMs: () => NOW.getTime() }, log },
  ).then(
    () => undefined,
    (error: unknown) => error as CertathonError,
  );
  return { asked, holds, told, failure };
}

describe('orderWhereAllowed()', () => {
  it('asks the CA that was chosen, and no other when it fails for another reason', async () => {
    const fine = await ordered({});
    const failed = await ordered({ [A]: away });

    expect(fine).toEqual({ asked: [`${A} require`], holds: [], told: [], failure: undefined });
    expect([failed.asked, failed.failure]).toEqual([[`${A} require`], away]);
  });

  it('passes over a CA that CAA forbids, says so, and holds it', async () => {
    const { asked, holds, told, failure } = await ordered({ [A]: forbids });

    expect([asked, told, failure]).toEqual([[`${A} require`, `${B} require`], ['ca.passed-over'], undefined]);
    expect(holds).toEqual([
      {
        ...{
          since: NOW,
          until: new Date('2026-08-01T18:00:00Z'),
          code: 'CAA_FORBIDS',
          reason: 'CAA forbids it',
        },
        ...{ failures: 0, byCa: false, directoryUrl: A },
      },
    ]);
  });

  it('tells of a failure at which CA it was', async () => {
    const { failure } = await ordered({ [A]: forbids, [B]: away });

    expect([failure?.code, failure?.retryAt, failure?.facts]).toEqual([
      'ACME_UNREACHABLE',
      NOW,
      { status: 503, directoryUrl: B },
    ]);
  });

  it.each([
    ['warn', [`${A} require`, `${B} require`, `${A} warn`], undefined],
    ['require', [`${A} require`, `${B} require`], forbids],
    ['off', [`${A} off`], undefined],
  ] as const)('goes by the mode %s where CAA forbids all', async (caaMode, asked, failure) => {
    expect(await ordered({ [A]: forbids, [B]: forbids }, { caaMode })).toMatchObject({ asked, failure });
  });

  it('does not blame the names while the CA that may be allowed is held', async () => {
    const { asked, failure } = await ordered({ [A]: forbids }, { certificate: { holds: [held] } });

    expect([asked, failure?.code, failure?.facts.names]).toEqual([
      [`${A} require`],
      'CAA_FORBIDS',
      undefined,
    ]);
  });

  it('has no other CA for names whose label chose one', async () => {
    const certificate = { choice: { directoryUrl: A } };

    expect((await ordered({ [A]: forbids }, { certificate })).asked).toEqual([`${A} warn`]);
  });

  it('says why it is not the first CA that was chosen', async () => {
    const certificate = { directoryUrl: B, insteadOf: { directoryUrl: A, reason: 'away' } };

    expect(await ordered({}, { certificate })).toMatchObject({
      asked: [`${B} require`],
      told: ['ca.passed-over'],
    });
  });
});
