import { describe, expect, it } from 'vitest';
import { runPass } from '../../../src/certificates/pass.ts';
import type { PassResult } from '../../../src/certificates/pass-result.ts';
import { readVariable } from '../../../src/delivery/variable.ts';
import { CertathonError } from '../../../src/lib/errors.ts';
import { policy } from '../../support/observations.ts';
import { severalWorld } from '../../support/several-world.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const directory = temporaryDirectory();
const NAMES = ['a.example.com', 'b.example.com', 'c.example.com'];
const MINUTE_MS = 60_000;

/** One certificate for three names, of which the CA does not validate some. */
async function world(fails: Set<string>) {
  const asked: { names: readonly string[]; stagingFirst: boolean }[] = [];
  const all = await severalWorld(directory.path, NAMES, {
    order: async (names, stagingFirst) => {
      asked.push({ names, stagingFirst });
      const bad = names.filter((name) => fails.has(name));
      if (bad.length > 0)
        throw new CertathonError('ACME_CHALLENGE_FAILED', `No ${bad.join()}`, { facts: { names: bad } });
    },
    pack: 'all',
  });
  const served = () => {
    const content = readVariable(all.state.env.HAPROXY_SSL_CERT);
    return content.kind === 'certificate' ? content.facts.names : content.kind;
  };
  const pass = async (afterMs = 0, changes = {}): Promise<PassResult> => {
    await all.clock.advance(afterMs);
    return runPass(all.tools, policy(changes), false);
  };
  return { ...all, asked, served, pass };
}

describe('a name that fails its validation', () => {
  it('is set aside, and the others are issued and delivered in the same pass', async () => {
    const { asked, served, pass } = await world(new Set(['b.example.com']));

    const { done, problems, checkAgainAt, exitStatus, startedAt } = await pass();

    expect(asked).toEqual([
      { names: NAMES, stagingFirst: false },
      { names: ['a.example.com', 'c.example.com'], stagingFirst: false },
    ]);
    expect(done.map((step) => step.do)).toEqual(['order', 'deliver']);
    expect(served()).toEqual(['a.example.com', 'c.example.com']);
    expect([problems, exitStatus]).toEqual([
      [{ code: 'ACME_CHALLENGE_FAILED', message: expect.stringContaining('b.example.com is left out') }],
      23,
    ]);
    const waitMs = (checkAgainAt?.getTime() ?? 0) - startedAt.getTime();
    expect(waitMs).toBeGreaterThanOrEqual(MINUTE_MS);
    expect(waitMs).toBeLessThanOrEqual(1.2 * MINUTE_MS);
  });

  it('is tried on its own ladder, at the test CA first, and rejoins', async () => {
    const fails = new Set(['b.example.com']);
    const { asked, served, pass, stores } = await world(fails);
    await pass();
    const early = await pass(MINUTE_MS / 2);
    const again = await pass(MINUTE_MS);
    const holds = await stores.names.list();
    fails.clear();

    const late = await pass(12 * MINUTE_MS);

    expect([early, again].map(({ done }) => done)).toEqual([[], []]);
    expect(holds.get('b.example.com')?.failures).toBe(2);
    expect(asked.slice(2)).toEqual([
      { names: NAMES, stagingFirst: true },
      { names: NAMES, stagingFirst: true },
    ]);
    expect([late.problems, late.exitStatus, served()]).toEqual([[], 0, NAMES]);
    expect((await stores.names.list()).size).toBe(0);
  });

  it('is tried at once when a person asks', async () => {
    const fails = new Set(['b.example.com']);
    const { served, pass, clock } = await world(fails);
    await pass();
    fails.clear();
    await clock.advance(1_000);

    const asked = await pass(0, { askedAt: new Date(clock.nowMs()) });

    expect([asked.problems, served()]).toEqual([[], NAMES]);
  });

  it('holds the whole certificate when it is the only one, or all fail', async () => {
    const { asked, pass, stores } = await world(new Set(NAMES));

    const { problems } = await pass();

    expect(asked).toHaveLength(1);
    expect(problems.map(({ code }) => code)).toEqual(['ACME_CHALLENGE_FAILED']);
    expect([(await stores.names.list()).size, (await stores.list())[0]?.hold?.failures]).toEqual([0, 1]);
  });
});
