import { expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { passOn } from '../../../src/one-pass.ts';
import type { Wiring } from '../../../src/wiring.ts';
import { makeBundle } from '../../support/bundles.ts';
import { daysFrom } from '../../support/observations.ts';
import { passWorld } from '../../support/pass-world.ts';
import { told } from '../../support/renewals.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const HOUR_MS = 3_600_000;
const directory = temporaryDirectory();

/** A certificate that its CA wants renewed 18 hours from now, and a cron. */
async function world() {
  const made = await passWorld(directory.path, {
    order: async () => {
      await made.issue(makeBundle({ key: 'second' }));
      return [];
    },
    changes: {
      openRenewalInfo: () => ({
        directory: async () => ({ newNonce: '', newAccount: '', newOrder: '', meta: {} }),
        renewalInfo: async () => undefined,
        close: async () => undefined,
      }),
    },
  });
  const bundle = makeBundle();
  await made.issue(bundle);
  await made.store.saveRenewal(
    told({
      ...{ fingerprint: bundle.bundle.facts.fingerprint, askAt: daysFrom(0.95) },
      window: { start: daysFrom(0.75), end: new Date(daysFrom(0.75).getTime() + 1) },
    }),
  );
  const { config } = loadConfig({
    command: 'renew',
    env: { CERTATHON_STORE: directory.path, CERTATHON_COALESCE: '0s', CERTATHON_DELIVERY_INTERVAL: '0s' },
  });
  const wiring = {
    ...{ tools: made.tools, challenges: { sweep: async () => undefined } },
    adoption: { due: async () => undefined },
  } as unknown as Wiring;
  const run = async (wish: { isRun?: boolean; dryRun?: boolean } = {}) => {
    const { plan } = await passOn(wiring, config, { forced: false, isRun: true, dryRun: false, ...wish }, []);
    return plan?.steps.flatMap((step) => (step.do === 'order' ? [step.reason] : []));
  };
  return { run, clock: made.clock, looks: made.tools.stores.looks };
}

it('a run renews what its CA wants renewed before the next run, as far away as the run before it', async () => {
  const { run, clock, looks } = await world();

  const first = await run();
  await clock.advance(12 * HOUR_MS);
  const asService = await run({ isRun: false });
  const dry = await run({ dryRun: true });
  const second = await run();

  expect([first, asService, dry, second]).toEqual([[], [], ['renewal-info'], ['renewal-info']]);
  expect(await looks.ranAt()).toEqual(daysFrom(0.5));
});

it('a run shortly after another, or before it by the clock, renews nothing early', async () => {
  const { run, looks } = await world();
  await looks.saveRun(daysFrom(-0.7));
  const soon = await run({ dryRun: true });
  await looks.saveRun(daysFrom(0.5));
  const back = await run({ dryRun: true });
  await looks.saveRun(daysFrom(-40));
  const late = await run({ dryRun: true });

  expect([soon, back, late]).toEqual([[], [], ['renewal-info']]);
});
