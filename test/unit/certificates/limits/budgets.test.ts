import { describe, expect, it } from 'vitest';
import { openLimits } from '../../../../src/certificates/limits/budgets.ts';
import { type Published, publishedBy } from '../../../../src/certificates/limits/published.ts';
import { type LimitsState, setKey } from '../../../../src/certificates/limits/state.ts';
import { registeredDomainOf } from '../../../../src/certificates/registered-domain.ts';
import { KNOWN_CAS } from '../../../../src/config/known-cas.ts';
import { CertathonError } from '../../../../src/lib/errors.ts';
import { silentLog } from '../../../../src/lib/log.ts';
import { manualClock } from '../../../support/clock.ts';
import { NOW, observedCertificate } from '../../../support/observations.ts';

const CA = KNOWN_CAS.letsencrypt;
const NOW_MS = NOW.getTime();
const NAMES = ['a.example.com', 'b.example.com', 'c.example.com', 'd.example.com'];
const refusal = new CertathonError('ACME_RATE_LIMITED', 'CA refused the order', {
  retryAt: new Date(NOW_MS + 3_600_000),
  facts: { problem: { detail: 'too many new orders (300) from this account in the last 3h0m0s' } },
});

/** A store in memory, which can be made to fail or to wait. */
function opened({
  kept,
  published = publishedBy(CA),
  write = async () => undefined,
}: {
  kept?: LimitsState;
  published?: Published;
  write?: () => Promise<void>;
} = {}) {
  const disk = { state: kept, writes: 0, domains: 0 };
  const clock = manualClock(NOW_MS);
  const warned: unknown[] = [];
  const limits = openLimits({
    storeOf: () => ({
      read: async () => disk.state,
      async write(state) {
        disk.writes += 1;
        await write();
        disk.state = state;
      },
    }),
    domainOf: async () => {
      disk.domains += 1;
      return registeredDomainOf;
    },
    publishedBy: () => published,
    clock,
    log: { ...silentLog, warn: (_event, fields) => void warned.push(fields) },
  });
  const orderOf = (name: string) =>
    limits.of(observedCertificate({ id: name, names: [name], directoryUrl: CA }), [name]);
  return { limits, disk, clock, warned, orderOf };
}
const codeOf = (error: unknown) => (error instanceof CertathonError ? error.code : String(error));

describe('the budget of orders side by side', () => {
  it('sends one order first, and no other of the same limit once that is refused', async () => {
    const { orderOf, disk } = opened();
    let sent = 0;
    const refuse = () => {
      sent += 1;
      return Promise.reject(refusal);
    };

    const ends = await Promise.allSettled(NAMES.map((name) => orderOf(name).ask(refuse)));

    expect(sent).toBe(1);
    expect(ends.map((end) => (end.status === 'rejected' ? codeOf(end.reason) : end.status))).toEqual([
      'ACME_RATE_LIMITED',
      'ACME_BUDGET_SPENT',
      'ACME_BUDGET_SPENT',
      'ACME_BUDGET_SPENT',
    ]);
    expect(disk.state).toMatchObject({
      spent: { orders: NOW_MS + 10_800_000 },
      held: { orders: { untilMs: NOW_MS + 3_600_000 } },
    });
  });

  it('sends the others together once the first is answered, or does not answer for long', async () => {
    const { orderOf, clock } = opened();
    const sent: string[] = [];
    const silent = orderOf(NAMES[0] ?? '').ask(() => new Promise<string>(() => undefined));
    const others = NAMES.slice(1).map((name) =>
      orderOf(name).ask(async () => {
        sent.push(name);
        return name;
      }),
    );
    await clock.untilSleeping(3);
    const before = [...sent];

    await clock.advance(5_000);

    expect(await Promise.all(others)).toEqual(NAMES.slice(1));
    expect([before, sent.toSorted(), clock.sleeping()]).toEqual([[], NAMES.slice(1), 0]);
    expect(silent).toBeInstanceOf(Promise);
  });

  it('counts orders, certificates and failures, which the next start finds', async () => {
    const { orderOf, disk } = opened();
    const [first = '', second = ''] = NAMES;
    const failed = new CertathonError('ACME_CHALLENGE_FAILED', 'no', { facts: { name: second } });

    await orderOf(first).ask(async () => 'made');
    await orderOf(first).issued();
    await orderOf(second).ask(async () => 'made');
    const thrown = await orderOf(second).failed(failed).catch(codeOf);
    const again = opened(disk.state === undefined ? {} : { kept: disk.state });

    expect(thrown).toBe('ACME_CHALLENGE_FAILED');
    expect((await again.limits.look([CA])).get(CA)?.state.spent).toEqual({
      orders: NOW_MS + 2 * 36_000,
      'domain:example.com': NOW_MS + 12_096_000,
      [setKey([first])]: NOW_MS + 120_960_000,
      [`failures:${second}`]: NOW_MS + 720_000,
      [`row:${second}`]: NOW_MS + 86_400_000,
    });
    expect(await again.limits.used([CA])).toMatchObject([
      { limits: [{ used: 2 }, { used: 1 }, { used: 1 }, { used: 1 }, { used: 1 }] },
    ]);
  });

  it('gives back what the CA did not take, but not where its answer was lost', async () => {
    const { orderOf, disk } = opened();
    const [first = '', second = ''] = NAMES;
    const fails = (facts: Record<string, unknown>) => () =>
      Promise.reject(new CertathonError('ACME_UNREACHABLE', 'away', { facts }));

    const codes = [
      await orderOf(first).ask(fails({})).catch(codeOf),
      await orderOf(second)
        .ask(fails({ outcome: 'unknown' }))
        .catch(codeOf),
    ];

    expect(codes).toEqual(['ACME_UNREACHABLE', 'ACME_UNREACHABLE']);
    expect(disk.state?.spent).toEqual({ orders: NOW_MS + 36_000 });
  });

  it('writes changes that come together once, one write after the other', async () => {
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { limits, orderOf, disk } = opened({ write: () => gate });
    await limits.look([CA]);

    const all = NAMES.map((name) => orderOf(name).issued());
    await new Promise(setImmediate);
    const during = disk.writes;
    const late = orderOf('e.example.com').issued();
    release();
    await Promise.all([...all, late]);

    expect([during, disk.writes]).toEqual([1, 2]);
    expect(disk.state?.spent['domain:example.com']).toBe(NOW_MS + 5 * 12_096_000);
  });

  it('goes on with a warning where nothing can be written, and writes nothing for a CA without limits', async () => {
    const full = opened({ write: () => Promise.reject(new Error('the disk is full')) });
    const other = opened({ published: { limits: {}, isIssuer: () => false } });

    const made = await full.orderOf('a.example.com').ask(async () => 'made');
    await other.orderOf('a.example.com').ask(async () => 'made');
    await other.orderOf('a.example.com').issued();

    expect([made, full.warned.length]).toEqual(['made', 1]);
    expect(other.disk).toMatchObject({ writes: 0, domains: 0 });
  });

  it('reads nothing more than numbers to be shown, and those once', async () => {
    const { limits, disk } = opened({ kept: { spent: { orders: NOW_MS + 36_000 }, held: {} } });

    const used = await limits.used([CA]);
    disk.state = undefined;
    const again = await limits.used([CA]);

    expect(used[0]?.limits[0]).toEqual({ limit: 'orders', used: 1, of: 300, keys: 1 });
    expect(again).toEqual(used);
    expect(disk.domains).toBe(0);
  });
});
