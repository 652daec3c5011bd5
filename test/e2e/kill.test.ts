import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LogLine } from '../../src/lab/sidecar-log.ts';
import { events, removeDirectories, run, start } from '../support/certathon.ts';
import { certificatesAtCa, mark, shownByAll, writesSince } from '../support/lab.ts';
import { type PlacedLab, startPlacedLab } from '../support/place.ts';
import { isWhole } from '../support/whole.ts';

/** Where the program is killed: right after it has said this. */
const EACH: { when: string; is: (line: LogLine) => boolean }[] = [
  ...[
    'account.registered',
    'order.created',
    'challenge.presented',
    'challenge.validated',
    'order.ready',
    'order.finalized',
    'certificate.issued',
    'delivery.planned',
    'delivery.started',
  ].map((event) => ({ when: event, is: (line: LogLine) => line.event === event })),
  {
    when: 'a balancer runs with the new certificate, before that is proven',
    is: (line) => line.event === 'delivery.waiting' && Number(line.newRunning) > 0,
  },
];

/** Ordered and not issued, issued and not delivered, delivered and not proven. */
const SHORT = ['challenge.validated', 'certificate.issued', 'delivery.started'];
const MOMENTS = EACH.filter(({ when }) => isWhole || SHORT.includes(when));

let placed: PlacedLab;
let issuedBefore = 0;
beforeAll(async () => {
  placed = await startPlacedLab(MOMENTS.length);
  issuedBefore = certificatesAtCa(placed.lab);
});
afterAll(async () => {
  await placed?.lab.stop();
  removeDirectories();
});

describe.concurrent('kill -9 at any moment loses nothing and orders nothing twice:', () => {
  it.each(MOMENTS)('$when', async ({ is }) => {
    const { lab } = placed;
    const place = await placed.place();
    const since = mark();
    const killed = await start(['renew'], place.env, (line, child) => {
      if (is(line)) child.kill('SIGKILL');
    }).ended;

    const next = await run(['renew'], place.env);

    expect(killed.signal, killed.stderr).toBe('SIGKILL');
    expect(next.exit, next.stderr).toBe(0);
    const both = { lines: [...killed.lines, ...next.lines] };
    // A challenge that the CA looked at while nobody answered makes its order invalid for good (RFC 8555 7.1.6):
    // only then, and then said so, a second order takes its place.
    const givenUp = events(next, 'order.invalid');
    expect(events(both, 'order.created')).toHaveLength(1 + givenUp.length);
    for (const { status } of givenUp) expect(status).toBe('invalid');
    const issued = new Set(events(both, 'certificate.issued').map(({ fingerprint }) => fingerprint));
    expect(issued.size).toBe(1);
    const writes = writesSince(lab, since).filter(({ path }) => path === `/v2/apps${place.app}`);
    expect(writes.map(({ method, query, status }) => [method, query, status])).toEqual([['PUT', '', 200]]);
    expect(await shownByAll(lab, place.app, place.name)).toEqual([
      expect.objectContaining({ fingerprint: [...issued][0], isValid: true }),
    ]);
    // And what was left behind is gone: one more run finds nothing to do.
    const last = await run(['renew'], place.env);
    expect([last.exit, events(last, 'pass.step')]).toEqual([0, []]);
  });
});

it('has cost the CA one certificate for each, by its own log', () => {
  expect(certificatesAtCa(placed.lab) - issuedBefore).toBe(MOMENTS.length);
});
