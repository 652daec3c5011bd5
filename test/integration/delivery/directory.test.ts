import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { deliverByDirectory } from '../../../src/delivery/directory.ts';
import { type Lab, startLab } from '../../../src/lab/cluster.ts';
import { describeError } from '../../../src/lib/errors.ts';
import {
  balancersIn,
  deliver,
  deliveryOf,
  directoryTools,
  failureAfter,
  freshBundle,
  preparedDirectory,
  reloadsOf,
  setSwitches,
  shown,
  stateOf,
} from '../../support/directory.ts';
import { jumpingClock } from '../../support/directory-tools.ts';
import { until } from '../../support/until.ts';

let lab: Lab;
let path: string;
let hosts: string[];
beforeAll(async () => {
  lab = await startLab({ balancers: 3, sharedDirectory: true });
  path = await preparedDirectory(lab);
  hosts = lab.publicAgents;
});
afterEach(async () => {
  for (const host of hosts)
    await setSwitches(lab, host, { dropUsr1: 0, delayUsr1Ms: 0, signalStatus: 200, isFrozen: false });
  await reloadsOf(lab, hosts);
});
afterAll(() => lab?.stop());

let count = 0;
/** A name and file that no other test uses. */
function place(): { name: string; file: string } {
  count += 1;
  const name = `shop${count}.example.com`;
  return { name, file: `${name}.pem` };
}

const difference = (after: number[], before: number[]) =>
  after.map((each, index) => each - (before[index] ?? 0));

describe('deliverByDirectory()', () => {
  it('brings a first certificate and then its renewal to three balancers, with one reload of each', async () => {
    const { name, file } = place();
    const [first, second] = [freshBundle(name), freshBundle(name)];
    const before = await reloadsOf(lab, hosts);

    const lines = await deliver(lab, deliveryOf(path, [{ file, bundle: first }]));
    const between = await reloadsOf(lab, hosts);
    const shownFirst = await shown(lab, hosts, name);
    await deliver(lab, deliveryOf(path, [{ file, bundle: second }]));

    expect(shownFirst).toEqual(hosts.map(() => first.facts.fingerprint));
    expect(await shown(lab, hosts, name)).toEqual(hosts.map(() => second.facts.fingerprint));
    expect(difference(between, before)).toEqual([1, 1, 1]);
    expect(difference(await reloadsOf(lab, hosts), between)).toEqual([1, 1, 1]);
    expect(lines.map(({ event }) => event).sort()).toEqual([
      ...hosts.map(() => 'balancer.reload-requested'),
      ...hosts.map(() => 'balancer.reloaded'),
      'delivery.verified',
    ]);
    expect(readdirSync(join(path, 'staging'))).toEqual([]);
    expect(readdirSync(join(path, 'replaced')).filter((kept) => kept.startsWith(file))).toHaveLength(1);
  });

  it('makes one reload of all changes of a pass, and none when everything is served already', async () => {
    const [one, two] = [place(), place()];
    const delivery = deliveryOf(path, [
      { file: one.file, bundle: freshBundle(one.name) },
      { file: two.file, bundle: freshBundle(two.name, `www.${two.name}`) },
    ]);
    const before = await reloadsOf(lab, hosts);

    await deliver(lab, delivery);
    const between = await reloadsOf(lab, hosts);
    const lines = await deliver(lab, delivery);

    expect(difference(between, before)).toEqual([1, 1, 1]);
    expect(difference(await reloadsOf(lab, hosts), between)).toEqual([0, 0, 0]);
    expect(lines.map(({ event }) => event)).toEqual(['delivery.verified']);
  });

  it('sends the signal again to the balancer that lost it twice, and to no other', async () => {
    const { name, file } = place();
    const bundle = freshBundle(name);
    const [host = ''] = hosts;
    await setSwitches(lab, host, { dropUsr1: 2 });
    const sent = async () =>
      Promise.all(hosts.map(async (each) => (await stateOf(lab, each)).counters.usr1 ?? 0));
    const before = await sent();

    const { clock, jump } = jumpingClock();
    const limits = { reloadWaitMs: 60_000, verifyMs: 600_000 };
    const { tools, lines } = directoryTools(lab, { clock, limits });
    const count = (event: string) => lines.filter((line) => line.event === event).length;

    const delivery = deliverByDirectory(deliveryOf(path, [{ file, bundle }]), tools);
    for (const lost of [1, 2]) {
      await until(
        'only this one is left',
        () => count('balancer.reloaded') === 2 && count('balancer.reload-requested') === 2 + lost,
      );
      jump(limits.reloadWaitMs);
    }
    await delivery;

    expect(await shown(lab, hosts, name)).toEqual(hosts.map(() => bundle.facts.fingerprint));
    expect(difference(await sent(), before)).toEqual([3, 1, 1]);
  });

  it('names the one of three that never reloads, leaves the others, and repairs it alone in the next pass', async () => {
    const { name, file } = place();
    const [old, bundle] = [freshBundle(name), freshBundle(name)];
    await deliver(lab, deliveryOf(path, [{ file, bundle: old }]));
    const [, host = ''] = hosts;
    const frozen = balancersIn(lab).find((each) => each.host === host)?.id;
    await setSwitches(lab, host, { isFrozen: true });

    const { error } = await failureAfter(
      lab,
      deliveryOf(path, [{ file, bundle }]),
      'it was asked twice and the others have reloaded',
      (lines) =>
        lines.filter(({ event }) => event === 'balancer.reloaded').length === 2 &&
        lines.some((line) => line.event === 'balancer.reload-requested' && line.attempt === 2),
      { reloadWaitMs: 1_500 },
    );
    const shownThen = await shown(lab, hosts, name);
    const before = await reloadsOf(
      lab,
      hosts.filter((each) => each !== host),
    );
    await setSwitches(lab, host, { isFrozen: false });
    await deliver(lab, deliveryOf(path, [{ file, bundle }]));

    expect(error.code).toBe('DELIVERY_NOT_SERVED');
    expect(error.message).toMatch(/took the signal \d times and its processes did not change/);
    expect(error.message).toContain(
      `${host}:${lab.ports.https} (${frozen}) serves certificate ${old.facts.fingerprint.slice(0, 16)} for ${name}`,
    );
    expect(error.facts).toMatchObject({ balancers: [frozen], isPutBack: false });
    expect(shownThen).toEqual([bundle, old, bundle].map(({ facts }) => facts.fingerprint));
    expect(await shown(lab, hosts, name)).toEqual(hosts.map(() => bundle.facts.fingerprint));
    expect(
      await reloadsOf(
        lab,
        hosts.filter((each) => each !== host),
      ),
    ).toEqual(before);
  });

  it('says in its own words that a balancer in poll mode refuses the signal', async () => {
    const { name, file } = place();
    const bundle = freshBundle(name);
    const [, , host = ''] = hosts;
    await setSwitches(lab, host, { signalStatus: 500 });

    const { error } = await failureAfter(
      lab,
      deliveryOf(path, [{ file, bundle }]),
      'the others have reloaded',
      (lines) => lines.filter(({ event }) => event === 'balancer.reloaded').length === 2,
    );

    expect(describeError(error)).toContain('refused the signal with status 500');
    expect(error.message).toContain("Is marathon-lb running in 'poll' mode?");
    expect(error.message).toContain(host);
    expect(error.facts.isPutBack).toBe(false);
    expect((await shown(lab, hosts, name)).slice(0, 2)).toEqual(
      [bundle, bundle].map(({ facts }) => facts.fingerprint),
    );
  });

  it('takes along the balancer that replaces one that died during the delivery', async () => {
    const { name, file } = place();
    const [old, bundle] = [freshBundle(name), freshBundle(name)];
    await deliver(lab, deliveryOf(path, [{ file, bundle: old }]));
    const [dying] = balancersIn(lab);
    // It dies with the signal on its way, so it would show the old certificate for ever.
    await setSwitches(lab, dying?.host ?? '', { delayUsr1Ms: 600_000 });
    const isReplaced = () => {
      const ids = balancersIn(lab).map(({ id }) => id);
      return ids.length === hosts.length && !ids.includes(dying?.id ?? '');
    };
    const { tools, lines } = directoryTools(lab, { limits: { verifyMs: 60_000, reloadWaitMs: 60_000 } });
    const { handshake } = tools;
    // Without the dead one everything would be proven, so another one has to be waited for.
    tools.handshake = async (balancer, ...rest) =>
      balancer.host === hosts[1] && !isReplaced()
        ? { unreachable: 'held back' }
        : handshake(balancer, ...rest);

    const delivery = deliverByDirectory(deliveryOf(path, [{ file, bundle }]), tools);
    await until('it was asked', () =>
      lines.some(({ event, balancer }) => event === 'balancer.reload-requested' && balancer === dying?.id),
    );
    await lab.api('DELETE', `/v2/apps/marathon-lb/tasks/${dying?.id}`);
    await delivery;

    const verified = lines.find(({ event }) => event === 'delivery.verified');
    const now = balancersIn(lab).map(({ id }) => id);
    expect(now).not.toContain(dying?.id);
    expect(new Set(verified?.balancers as string[])).toEqual(new Set(now));
    expect(await shown(lab, hosts, name)).toEqual(hosts.map(() => bundle.facts.fingerprint));
  });

  it('has a removed certificate shown by nobody any more', async () => {
    const { name, file } = place();
    const bundle = freshBundle(name);
    await deliver(lab, deliveryOf(path, [{ file, bundle }]));

    await deliver(lab, deliveryOf(path, [], { remove: [file] }));

    for (const fingerprint of await shown(lab, hosts, name))
      expect(fingerprint).not.toBe(bundle.facts.fingerprint);
    expect(readdirSync(join(path, 'certs'))).not.toContain(file);
    expect(readdirSync(join(path, 'replaced')).some((kept) => kept.startsWith(`${file}.`))).toBe(true);
  });
});
