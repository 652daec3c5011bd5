import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Lab, startLab } from '../../src/lab/cluster.ts';
import { webApp } from '../../src/lab/definitions.ts';
import { startLoad } from '../../src/lab/load.ts';
import { followSidecar, type SidecarLog } from '../../src/lab/sidecar-log.ts';
import { keyLines, listing, removeDirectories, run } from '../support/certathon.ts';
import { appOf, mark, shownByAll, writesSince } from '../support/lab.ts';
import { until } from '../support/until.ts';

const NAMES = ['shop.example.com', 'www.example.com'];
const token = randomBytes(16).toString('hex');
const heard: string[] = [];
let lab: Lab;
let log: SidecarLog;
let since: string;

beforeAll(async () => {
  lab = await startLab({ slowFront: true, balancerApp: { env: { OTHERS: 'kept' } } });
  lab.marathon.onEvent((event) => heard.push(JSON.stringify(event)));
  log = followSidecar(`${lab.directory}/tasks`, 'certathon.');
  await lab.run(webApp('/shop', NAMES.join(','), 2));
  since = mark();
  await lab.run(
    lab.sidecar({
      env: {
        CERTATHON_DOMAINS: 'shop.example.com',
        CERTATHON_ADMIN_TOKEN: token,
        CERTATHON_LOG_LEVEL: 'debug',
      },
    }),
  );
});
afterAll(async () => {
  log?.stop();
  await lab?.stop();
  removeDirectories();
});

const admin = () => {
  const task = lab.marathon.tasks('/certathon')[0];
  return { host: task?.host ?? '', challenge: task?.ports[0] ?? 0, port: task?.ports[1] ?? 0 };
};

describe('the shipped definition, as a task of Marathon', () => {
  it('obtains a certificate through the balancers, delivers it by one write, and proves that every balancer serves it', async () => {
    const verified = await log.next((line) => line.event === 'delivery.verified', 90_000);

    const shown = await shownByAll(lab, '/marathon-lb', 'shop.example.com');
    expect(shown).toEqual(
      [0, 1].map(() => expect.objectContaining({ fingerprint: verified.fingerprint, isValid: true })),
    );
    const writes = writesSince(lab, since).filter(({ path }) => path === '/v2/apps/marathon-lb');
    expect(writes.map(({ method }) => method)).toEqual(['PUT']);
    expect(JSON.parse(writes[0]?.body ?? '{}')).toEqual({ env: expect.objectContaining({ OTHERS: 'kept' }) });
    expect(lab.marathon.requests().filter(({ query }) => query.includes('force'))).toEqual([]);
    expect((await appOf(lab, '/marathon-lb')).env.OTHERS).toBe('kept');
  });

  it('keeps account, bundle and metadata in the store, readable by its user alone', () => {
    const entries = readdirSync(lab.storeDirectory, { recursive: true, withFileTypes: true });
    const modes = new Set(
      entries
        .filter(({ name }) => name !== '.lock')
        .map((entry) => {
          const mode = (statSync(join(entry.parentPath, entry.name)).mode & 0o777).toString(8);
          return `${entry.isDirectory() ? 'directory' : 'file'} ${mode}`;
        }),
    );

    expect([...modes].sort()).toEqual(['directory 700', 'file 600']);
    const names = entries.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['account.key', 'account.json', 'current.json']));
  });

  it('finds nothing to do afterwards, from a cron on the same store too, and dry runs change nothing', async () => {
    const env = {
      ...lab.settings,
      CERTATHON_APP_ID: '/certathon',
      CERTATHON_DOMAINS: 'shop.example.com',
      CERTATHON_STORE: lab.storeDirectory,
    };
    await until('the sidecar rests', () => log.lines().at(-1)?.event !== 'pass.step');
    const before = { files: listing(lab.storeDirectory), since: mark() };

    const renewed = await run(['renew'], env);
    const planned = await run(['plan', '--json'], { ...env, CERTATHON_STORE: `${lab.directory}/nowhere` });
    const dry = await run(['renew', '--dry-run', '--now'], env);

    expect([renewed.exit, renewed.stdout]).toEqual([0, expect.stringContaining('nothing to do')]);
    expect(JSON.parse(planned.stdout)).toMatchObject({
      planned: [{ do: 'adopt', reason: 'valid-in-marathon-lb' }],
      done: [],
    });
    expect(dry.stdout).toContain('would order (forced)');
    expect(writesSince(lab, before.since)).toEqual([]);
    expect(listing(lab.storeDirectory)).toEqual(before.files);
    expect(readdirSync(lab.directory)).not.toContain('nowhere');
  });

  it('answers through a balancer at the challenge path alone: status, health and control stay inside', async () => {
    const { host, port } = admin();
    const ask = async (at: string, on: number, path: string, headers: Record<string, string>) => {
      const answer = await request(`http://${at}:${on}${path}`, { headers });
      return { status: answer.statusCode, body: await answer.body.text() };
    };
    expect(await ask(host, port, '/health', {})).toMatchObject({ status: 200 });

    for (const balancer of lab.publicAgents) {
      const ping = await ask(balancer, lab.ports.http, '/.well-known/acme-challenge/ping', {
        host: 'any.example.com',
      });
      expect(JSON.parse(ping.body)).toEqual({
        service: 'certathon',
        instance: lab.marathon.tasks('/certathon')[0]?.id,
      });
      for (const path of ['/status.json', '/health', '/renew', '/'])
        for (const headers of [{ host: 'acme.internal' }, { host: 'unknown.example.com' }])
          expect(await ask(balancer, lab.ports.http, path, headers)).toMatchObject({ status: 503 });
      // By app id it is the first port, where the challenges are; everything else is not found there.
      for (const path of ['/status.json', '/health', '/renew'])
        expect(
          await ask(balancer, lab.ports.appId, path, { 'x-marathon-app-id': '/certathon' }),
        ).toMatchObject({ status: 404 });
      const config = await (
        await request(`http://${balancer}:${lab.ports.admin}/_haproxy_getconfig`)
      ).body.text();
      expect(config).toContain(`${host}:${admin().challenge} `);
      expect(config).not.toContain(`:${port} `);
    }
  });

  // letsencrypt-dcos's way: a list in the label. The routing host in it is no wanted name.
  it('takes names from its own label, read through the API, and orders one certificate for all', async () => {
    const from = log.lines().length;
    await lab.api('PUT', '/v2/apps/certathon', {
      labels: {
        ...(await appOf(lab, '/certathon')).labels,
        HAPROXY_0_VHOST: 'acme.internal,WWW.example.com,shop.example.com',
      },
    });

    const issued = await log.next((line) => line.event === 'certificate.issued', 90_000, from);
    await log.next((line) => line.event === 'delivery.verified', 90_000, from);

    expect(issued.names).toEqual(NAMES);
    expect(await shownByAll(lab, '/marathon-lb', 'www.example.com')).toMatchObject([
      { isValid: true },
      { isValid: true },
    ]);
  });
});

describe('renewal under load', () => {
  it('replaces the certificate on every balancer; who is answered is answered over a valid one', async () => {
    const ca = await lab.authority.root();
    const loads = [lab.front, lab.slowFront].map((front) =>
      startLoad({
        address: front?.address ?? '',
        port: lab.ports.https,
        servername: 'shop.example.com',
        path: '/',
        ca,
        ratePerSecond: 40,
        maxRequests: 10_000,
        maxSeconds: 120,
        timeoutMs: 10_000,
      }),
    );
    const from = log.lines().length;
    const { host, port } = admin();
    const asked = await request(`http://${host}:${port}/renew`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: '{"now":true}',
    });
    await asked.body.dump();

    const issued = await log.next((line) => line.event === 'certificate.issued', 90_000, from);
    await log.next((line) => line.event === 'delivery.verified', 90_000, from);
    const [retrying, slow] = await Promise.all(loads.map((load) => load.stop()));

    expect(asked.statusCode).toBe(202);
    for (const { fingerprint } of await shownByAll(lab, '/marathon-lb', 'shop.example.com'))
      expect(fingerprint).toBe(issued.fingerprint);
    for (const report of [retrying, slow]) {
      expect(report?.requests).toBeGreaterThan(40);
      // A certificate that does not verify would be among the failures, by its own words.
      expect(report?.failures.filter(({ what }) => /certificate|verify|altname/i.test(what))).toEqual([]);
    }
    expect(retrying?.failed).toBeLessThan((retrying?.requests ?? 0) / 20);
  });
});

describe('secrets', () => {
  it('no private key, password or token is in any log, event, page or request history', async () => {
    const { host, port } = admin();
    const status = await (await request(`http://${host}:${port}/status.json`)).body.text();
    const tasks = readdirSync(`${lab.directory}/tasks`).filter((name) => name.startsWith('certathon.'));
    const said = tasks.flatMap((task) =>
      ['stdout', 'stderr'].map((file) => readFileSync(join(lab.directory, 'tasks', task, file), 'utf8')),
    );
    const plan = await run(['plan', '--json', '--log-level', 'debug'], {
      ...lab.settings,
      CERTATHON_DOMAINS: 'shop.example.com',
      CERTATHON_STORE: lab.storeDirectory,
    });
    const keys = keyLines(lab.storeDirectory);
    const ours = [...keys, lab.marathon.password, token];
    // What goes through Marathon holds app definitions whole: the password and the token that the operator put
    // into them, and in its events the bundle itself, by design of this way of delivery.
    const searched: [place: string, text: string, secrets: string[]][] = [
      ['output of the sidecar', said.join('\n'), ours],
      ['status page', status, ours],
      ['output of plan', plan.stdout + plan.stderr, ours],
      ['request history of Marathon', JSON.stringify(lab.marathon.requests()), keys],
      ['events of Marathon', heard.filter((event) => !event.includes('HAPROXY_SSL_CERT')).join('\n'), keys],
    ];

    expect(keys.length).toBeGreaterThan(4);
    expect(said.join('').length).toBeGreaterThan(10_000);
    for (const [place, text, secrets] of searched)
      for (const secret of secrets) expect(text.includes(secret), `a secret is in the ${place}`).toBe(false);
  });
});
