import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PassResult } from '../../src/certificates/pass-result.ts';
import { loadConfig } from '../../src/config/load.ts';
import { readVariable, toVariable } from '../../src/delivery/variable.ts';
import { type Lab, startLab } from '../../src/lab/cluster.ts';
import { canContain } from '../../src/lab/container.ts';
import { type AppDefinition, balancerApp, webApp } from '../../src/lab/definitions.ts';
import { followSidecar, type LogLine, type SidecarLog } from '../../src/lab/sidecar-log.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import { renew } from '../../src/service.ts';
import { makeBundle, type TestBundle } from '../support/bundles.ts';
import { appOf, mark, ordersAtCa, shownByAll, singleBalancer, writesSince } from '../support/lab.ts';
import {
  type OldAccount,
  oldKey,
  snapshotOf,
  writeCertbotTree,
  writeLegoTree,
  writeMarathonAcmeTree,
} from '../support/predecessors.ts';
import { type StockName, stockDefinition } from '../support/stock.ts';

/** The definitions that people have of the three predecessors, posted with only the image replaced. The lab gives them
 * what an agent gives: their volumes with the old files, a container behind a bridge, and names of its cluster. */
const [SHOP, BLOG, NEWS] = ['shop.example.com', 'blog.example.com', 'news.example.com'];
const NAMES = [SHOP, 'www.example.com'];
const DIRECTORY_LB = '/lb-directory';
const PATIENCE_MS = 30_000;
const DAY_MS = 86_400_000;
const EXPIRED = madeOf(NAMES, -100, -10);
let lab: Lab;
let log: SidecarLog | undefined;

/** Days from now. */
function madeOf(names: string[], from: number, to: number): TestBundle {
  const at = (days: number) => new Date(Date.now() + days * DAY_MS);
  return makeBundle({ names, notBefore: at(from), notAfter: at(to) });
}

/** Without our own directories, which the old programs do not look at. */
const oldFiles = (volume: string) =>
  snapshotOf(lab.volume(volume)).filter((line) => !/^(certathon|staging|replaced)[ /]/.test(line));
const fingerprintOf = ({ bundle }: TestBundle) => bundle.facts.fingerprint;
const balancerWrites = (since: string) =>
  writesSince(lab, since).filter(({ path }) => /^\/v2\/apps\/(marathon-lb|lb-)/.test(path));

/** Starts one of them, and looks until it has made a pass without a failure. */
async function switched(name: StockName) {
  const since = mark();
  const following = followSidecar(join(lab.directory, 'tasks'), `${name}.`);
  log = following;
  // The sandbox of an earlier one is still there.
  const isOfThis = ({ time }: LogLine) => time >= since;
  const next = (event: string) =>
    following.next((line) => isOfThis(line) && line.event === event, PATIENCE_MS);
  await lab.run(stockDefinition(name) as AppDefinition);
  await next('pass.finished');
  return { next, lines: () => following.lines().filter(isOfThis) };
}

async function ended(name: StockName): Promise<void> {
  log?.stop();
  await lab.api('DELETE', `/v2/apps/${name}?force=true`);
}

/** The certificate that stands in the variable of marathon-lb, as its files. */
async function installedNow(): Promise<TestBundle> {
  const { env } = await appOf(lab, '/marathon-lb');
  const content = readVariable(env.HAPROXY_SSL_CERT as string);
  if (content.kind !== 'certificate') throw new Error(`HAPROXY_SSL_CERT: ${content.kind}`);
  const [leaf = '', ...rest] = content.pem.match(/-----BEGIN [^-]+-----[^-]+-----END [^-]+-----\n/g) ?? [];
  const key = rest.pop() ?? '';
  const { pem, facts } = content;
  return { leaf, ca: rest.join(''), key, pem, bundle: { pem, facts } };
}

/** What a dry run says over an old directory, with a store that is not there and is not made. */
async function plannedOver(storage: string): Promise<PassResult> {
  const store = join(lab.directory, 'none');
  const env = { ...lab.settings, CERTATHON_STORE: store, CERTATHON_DOMAINS: NAMES.join() };
  const { config } = loadConfig({ command: 'renew', env, flags: { dryRun: 'true' } });
  const { signal } = new AbortController();
  const stock = { predecessor: undefined, storage, labels: undefined };
  const result = await renew({ config, clock: systemClock, log: silentLog, signal, stock });
  expect(existsSync(store)).toBe(false);
  return result;
}

describe.runIf(canContain())('a definition of a predecessor with only the image replaced', () => {
  beforeAll(async () => {
    lab = await startLab({
      ...{ balancers: 1, publicAgents: 2, sharedDirectory: true, isDirectoryLoaded: false },
      volumes: {
        '/etc/letsencrypt': 'letsencrypt',
        '/letsencrypt/.lego': 'lego',
        '/var/lib/marathon-acme': 'certs-shared',
      },
      hosts: { 'marathon.mesos': 3, marathon1: 3, marathon2: 3 },
      marathon: {
        ...{ port: 8080, credentials: 'none' },
        allowedHosts: ['marathon.mesos', 'marathon1', 'marathon2'],
      },
      balancerApp: {
        env: { HAPROXY_SSL_CERT: toVariable(EXPIRED.pem) },
        constraints: [['hostname', 'LIKE', '.*\\.11']],
        upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 },
      },
    });
  });
  afterAll(async () => {
    log?.stop();
    await lab?.stop();
  });

  test('of letsencrypt-dcos over an expired certificate orders one and delivers it by the environment', async () => {
    const account = { keyPem: oldKey('rsa') };
    writeCertbotTree(lab.volume('letsencrypt'), {
      accounts: [account],
      lineages: [{ name: SHOP, bundle: EXPIRED, account, isPosted: true }],
    });
    const [before, since, orders] = [oldFiles('letsencrypt'), mark(), ordersAtCa(lab)];

    await switched('letsencrypt-dcos');

    expect(ordersAtCa(lab)).toBe(orders + 1);
    expect(balancerWrites(since).map(({ method, path }) => [method, path])).toEqual([
      ['PUT', '/v2/apps/marathon-lb'],
    ]);
    expect(await shownByAll(lab, '/marathon-lb', SHOP)).toMatchObject([{ isValid: true }]);
    expect(oldFiles('letsencrypt')).toEqual(before);
    await ended('letsencrypt-dcos');
  });

  test.each<[StockName, string, (root: string, bundle: TestBundle, account: OldAccount) => void]>([
    [
      'letsencrypt-marathon-lb',
      'lego',
      (root, bundle, account) =>
        writeLegoTree(root, { accounts: [account], certificates: { [SHOP]: bundle } }),
    ],
    [
      'letsencrypt-dcos',
      'letsencrypt',
      (root, bundle, account) => {
        rmSync(root, { recursive: true });
        const lineages = [{ name: SHOP, bundle, account, isPosted: true }];
        writeCertbotTree(root, { accounts: [account], lineages });
      },
    ],
  ])('of %s goes on with its certificate: no order, no deployment', async (name, volume, write) => {
    const current = await installedNow();
    const { host } = new URL(lab.authority.directoryUrl);
    write(lab.volume(volume), current, { keyPem: oldKey('P-384'), host });
    const [before, since, orders] = [oldFiles(volume), mark(), ordersAtCa(lab)];

    const planned = await plannedOver(lab.volume(volume));
    const { lines } = await switched(name);

    expect(planned.adoption?.report.certificates).toMatchObject([{ fingerprint: fingerprintOf(current) }]);
    expect(planned.plan?.steps.map((step) => step.do)).toEqual(['assign', 'ask-renewal']);
    const adopted = lines().filter(({ event }) => event.endsWith('.adopted'));
    expect(adopted.map(({ event }) => event)).toEqual(['account.adopted', 'certificate.adopted']);
    expect(adopted[1]).toMatchObject({ fingerprint: fingerprintOf(current), names: NAMES });
    expect([ordersAtCa(lab), balancerWrites(since)]).toEqual([orders, []]);
    expect(await shownByAll(lab, '/marathon-lb', SHOP)).toMatchObject([
      { isValid: true, fingerprint: fingerprintOf(current) },
    ]);
    expect(oldFiles(volume)).toEqual(before);
    await ended(name);
  });

  test('of marathon-acme goes on with its directory, and renews there what has expired', async () => {
    const valid = madeOf([BLOG], -10, 80);
    writeMarathonAcmeTree(lab.sharedDirectory ?? '', {
      clientKeyPem: oldKey('rsa'),
      certs: { [BLOG]: valid, [NEWS]: madeOf([NEWS], -100, -10) },
    });
    const shared = lab.sharedDirectory ?? '';
    const [, host = ''] = lab.publicAgents;
    const { args } = balancerApp(lab.marathon, lab.ports, 1, shared);
    for (const name of ['lb1', 'lb2']) await lab.authority.dns.setA(name, [host]);
    await lab.run(singleBalancer(lab, DIRECTORY_LB, host, { args }));
    const asking = (name: string) => ({
      ...{ MARATHON_ACME_0_DOMAIN: `${name}, second.example.com`, HAPROXY_0_REDIRECT_TO_HTTPS: 'false' },
    });
    await lab.run(webApp('/blog', BLOG, 1, asking(BLOG)));
    const before = oldFiles('certs-shared');
    const [since, orders] = [mark(), ordersAtCa(lab)];

    const { next, lines } = await switched('marathon-acme');

    expect([ordersAtCa(lab), balancerWrites(since)]).toEqual([orders, []]);
    expect(lines().filter(({ event }) => event === 'balancer.reload-requested')).toEqual([]);
    expect(lines().filter(({ event }) => event === 'certificate.adopted')).toMatchObject([
      { fingerprint: fingerprintOf(valid), reason: 'inherited' },
    ]);
    const [shown] = await shownByAll(lab, DIRECTORY_LB, BLOG);
    expect(shown?.fingerprint).toBe(fingerprintOf(valid));
    expect(oldFiles('certs-shared')).toEqual(before);

    await lab.run(webApp('/news', NEWS, 1, asking(NEWS)));
    await next('delivery.verified');

    expect(ordersAtCa(lab)).toBe(orders + 1);
    expect(await shownByAll(lab, DIRECTORY_LB, NEWS)).toMatchObject([{ isValid: true }]);
    expect(readFileSync(join(shared, 'certs', `${NEWS}.pem`), 'utf8')).not.toContain('RSA PRIVATE KEY');
    // The other files are as they were, and nothing was asked of Marathon.
    const others = (files: string[]) => files.filter((line) => !/^certs[ /]?(news|$| )/.test(line));
    expect(others(oldFiles('certs-shared'))).toEqual(others(before));
    expect(balancerWrites(since)).toEqual([]);
    await ended('marathon-acme');
  });
});
