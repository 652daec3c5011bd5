import { describe, expect, test } from 'vitest';
import { NO_OFFERS, viewOffers, withRefusals } from '../../../src/lab/marathon/offers.ts';
import { refusalOf } from '../../../src/lab/marathon/placement.ts';

describe('refusalOf()', () => {
  const agent = { host: '127.0.0.11', cpus: 1, mem: 100 };
  const app = { cpus: 0.5, mem: 50, constraints: [] };

  test.each([
    ['an empty agent', app, { cpus: 0, mem: 0 }, undefined],
    ['what just fits', app, { cpus: 0.5, mem: 50 }, undefined],
    ['tenths that do not add up in doubles', { ...app, cpus: 0.1 }, { cpus: 0.7 + 0.2, mem: 0 }, undefined],
    ['too few processors', app, { cpus: 0.6, mem: 0 }, 'InsufficientCpus'],
    ['too little memory', app, { cpus: 0, mem: 51 }, 'InsufficientMemory'],
    ['too little of both', app, { cpus: 1, mem: 100 }, 'InsufficientCpus'],
    [
      'a constraint, which comes first',
      { ...app, constraints: [['hostname', 'UNLIKE', '127.*']] },
      { cpus: 1, mem: 100 },
      'UnfulfilledConstraint',
    ],
  ])('of %s', (_name, wish, used, expected) => {
    expect(refusalOf(wish, agent, used, [], [agent])).toBe(expected);
  });

  test('an agent without figures takes everything', () => {
    const boundless = { host: '127.0.0.11' };

    expect(
      refusalOf({ ...app, cpus: 1e6 }, boundless, { cpus: 1e6, mem: 1e9 }, [], [boundless]),
    ).toBeUndefined();
  });
});

describe('viewOffers()', () => {
  test('each step sees what the one before it let through', () => {
    const counts = withRefusals(NO_OFFERS, [
      'InsufficientMemory',
      'UnfulfilledConstraint',
      'InsufficientMemory',
    ]);

    const { rejectSummaryLastOffers } = viewOffers(counts);

    expect(rejectSummaryLastOffers).toEqual([
      { reason: 'UnfulfilledRole', declined: 0, processed: 3 },
      { reason: 'UnfulfilledConstraint', declined: 1, processed: 3 },
      { reason: 'NoCorrespondingReservationFound', declined: 0, processed: 2 },
      { reason: 'AgentMaintenance', declined: 0, processed: 2 },
      { reason: 'InsufficientCpus', declined: 0, processed: 2 },
      { reason: 'InsufficientMemory', declined: 2, processed: 2 },
      { reason: 'InsufficientDisk', declined: 0, processed: 0 },
      { reason: 'InsufficientGpus', declined: 0, processed: 0 },
      { reason: 'InsufficientPorts', declined: 0, processed: 0 },
      { reason: 'DeclinedScarceResources', declined: 0, processed: 0 },
    ]);
  });

  test('the last round stands beside all rounds together', () => {
    const once = withRefusals(NO_OFFERS, ['InsufficientCpus']);
    const view = viewOffers(withRefusals(once, ['InsufficientPorts']));

    const declined = (steps: unknown) =>
      (steps as { reason: string; declined: number }[]).flatMap((step) =>
        step.declined > 0 ? `${step.reason} ${step.declined}` : [],
      );
    expect(view).toMatchObject({ processedOffersCount: 2, unusedOffersCount: 2 });
    expect(declined(view.rejectSummaryLastOffers)).toEqual(['InsufficientPorts 1']);
    expect(declined(view.rejectSummaryLaunchAttempt)).toEqual(['InsufficientCpus 1', 'InsufficientPorts 1']);
  });
});
