import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { placesIn } from '../../src/delivery/directory-layout.ts';
import { requestReload } from '../../src/haproxy/reload.ts';
import { type Lab, startLab } from '../../src/lab/cluster.ts';
import { balancerApp } from '../../src/lab/definitions.ts';
import { type Certathon, events, newDirectory, removeDirectories, start } from '../support/certathon.ts';
import { reloadsOf, shown } from '../support/directory.ts';
import { installed } from '../support/installed.ts';
import { type Mark, mark, writesSince } from '../support/lab.ts';
import { until } from '../support/until.ts';

/** `serve` looks every second: what somebody does by hand is found and put right without any event of Marathon. */
const [SHOP, WWW] = ['shop.example.com', 'www.example.com'];
const [RESTARTED, SHARED] = ['/lb-env', '/marathon-lb'];
let lab: Lab;

/** Two balancers that share a directory, and two others that have their certificate from the environment. */
beforeAll(async () => {
  lab = await startLab({
    sharedDirectory: true,
    publicAgents: 4,
    balancerApp: { constraints: onAgents('[12]') },
  });
  await lab.run({
    ...balancerApp(lab.marathon, lab.ports, 2),
    id: RESTARTED,
    constraints: onAgents('[34]'),
    // Both at once: the quickest restart there is, and the first delivery is not what is watched here.
    upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 },
  });
});
afterAll(async () => {
  await lab?.stop();
  removeDirectories();
});

function onAgents(last: string): string[][] {
  return [
    ['hostname', 'UNIQUE'],
    ['hostname', 'LIKE', `.*\\.1${last}`],
  ];
}

/** A bundle of somebody else with a key of the same kind as ours: HAProxy keeps one certificate for each kind of key. */
function ofTheSameKind(...names: string[]): { pem: string; fingerprint: string } {
  const pem = execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30']
      .concat(['-subj', '/CN=Somebody', '-keyout', '-'])
      .concat(['-addext', `subjectAltName=${names.map((name) => `DNS:${name}`).join()}`]),
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  );
  return { pem, fingerprint: new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase() };
}

interface Watcher {
  program: Certathon;
  /** Does something that the program can not see before it is done. */
  behindItsBack(work: () => Promise<void>): Promise<void>;
  status(): Promise<Status>;
  /** Lines of the log since a moment. */
  logged(event: string, from: number): Record<string, unknown>[];
  stop(): Promise<void>;
}
interface Status {
  state: string;
  certificate?: { fingerprint: string };
  balancers: {
    id: string;
    address: string;
    current: boolean;
    issuer: string;
    serial: string;
    notAfter: string;
    serves: string;
  }[];
  postponed: { target: string; reason: string; until: string }[];
  problems: { code: string; message: string }[];
  lastPass?: { startedAt: string };
}

/** A program outside Marathon that keeps one name; it answers challenges at an address of its own. */
async function startWatcher(
  name: string,
  last: number,
  store: string,
  env: Record<string, string>,
): Promise<Watcher> {
  const address = lab.subnet.address(last);
  await lab.authority.dns.setA(name, [address]);
  const program = start(['serve'], {
    ...lab.settings,
    CERTATHON_DOMAINS: name,
    CERTATHON_STORE: store,
    CERTATHON_BIND: address,
    CERTATHON_CHALLENGE_PORT: String(lab.ports.http),
    CERTATHON_POLL_INTERVAL: '200ms',
    CERTATHON_PROBE_INTERVAL: '1s',
    ...env,
  });
  const status = async () => (await (await fetch(`http://${address}:8081/status.json`)).json()) as Status;
  await until(`${name} is served`, async () => (await status()).state === 'ok');
  return {
    program,
    status,
    behindItsBack: async (work) => {
      program.kill('SIGSTOP');
      try {
        await work();
      } finally {
        program.kill('SIGCONT');
      }
    },
    logged: (event, from) => events({ lines: program.lines.slice(from) }, event),
    stop: async () => {
      program.kill('SIGTERM');
      expect((await program.ended).exit).toBe(0);
    },
  };
}

const atBalancer = (host: string) => ({ host, adminPort: lab.ports.admin });
const signalled = async (host: string) => {
  const { signal } = new AbortController();
  expect(await requestReload(atBalancer(host), signal)).toEqual({ kind: 'sent' });
};
const shows = (host: string, name: string, fingerprint: string) =>
  until(
    `${host} shows ${fingerprint.slice(0, 8)}`,
    async () => (await shown(lab, [host], name))[0] === fingerprint,
  );
const tasksOf = (app: string) =>
  lab.marathon
    .tasks(app)
    .filter(({ state }) => state === 'TASK_RUNNING')
    .toSorted((a, b) => (a.host < b.host ? -1 : 1));

describe('serve, where balancers share a directory', () => {
  let watcher: Watcher;
  let ours: string;
  let certs: string;
  const file = () => join(certs, `${SHOP}.pem`);
  const hosts = () => lab.publicAgents.slice(0, 2);
  const [first, second] = [() => hosts()[0] ?? '', () => hosts()[1] ?? ''];
  const allServeOurs = () =>
    until('all serve ours', async () => (await shown(lab, hosts(), SHOP)).every((each) => each === ours));
  /** What was done to the balancers by hand and by the program, as reloads of each. */
  const reloadsDuring = async (work: () => Promise<void>): Promise<number[]> => {
    const before = await reloadsOf(lab, hosts());
    await work();
    const after = await reloadsOf(lab, hosts());
    return after.map((count, index) => count - (before[index] ?? 0));
  };

  beforeAll(async () => {
    certs = placesIn(lab.sharedDirectory ?? '').certs;
    watcher = await startWatcher(SHOP, 41, join(newDirectory(), 'store'), {
      CERTATHON_DELIVERY: 'directory',
      CERTATHON_DIRECTORY: lab.sharedDirectory ?? '',
      CERTATHON_MARATHON_LB_APP: SHARED,
      CERTATHON_RELOAD_INTERVAL: '0s',
      // Longer than any reload here takes: no second signal comes before the first has had its effect.
      CERTATHON_RELOAD_WAIT: '20s',
    });
    ours = (await watcher.status()).certificate?.fingerprint ?? '';
    expect(await shown(lab, hosts(), SHOP)).toEqual([ours, ours]);
  });
  afterAll(() => watcher?.stop());

  it('puts back the file that somebody replaced, and reloads only the balancer that had read it', async () => {
    const theirs = installed(SHOP);
    const from = watcher.program.lines.length;

    const reloads = await reloadsDuring(async () => {
      await watcher.behindItsBack(async () => {
        writeFileSync(file(), theirs.pem);
        await signalled(first());
        await shows(first(), SHOP, theirs.fingerprint);
      });
      await watcher.program.logged('delivery.verified', from);
    });

    // One by hand and one of ours; the other balancer never knew of it.
    expect(reloads).toEqual([2, 0]);
    expect(await shown(lab, hosts(), SHOP)).toEqual([ours, ours]);
    expect(readFileSync(file(), 'utf8')).not.toBe(theirs.pem);
    expect(watcher.logged('pass.step', from)).toMatchObject([
      {
        do: 'deliver',
        reason: 'not-delivered',
        place: file(),
        replaces: theirs.fingerprint,
        fingerprint: ours,
      },
    ]);
  });

  it('reloads a balancer that runs with an old file, although the right one is there', async () => {
    const theirs = installed(SHOP);
    const right = readFileSync(file());
    const from = watcher.program.lines.length;

    const reloads = await reloadsDuring(async () => {
      await watcher.behindItsBack(async () => {
        writeFileSync(file(), theirs.pem);
        await signalled(second());
        await shows(second(), SHOP, theirs.fingerprint);
        writeFileSync(file(), right);
      });
      await watcher.program.logged('delivery.verified', from);
    });

    const behind = tasksOf(SHARED)[1]?.id;
    expect(reloads).toEqual([0, 2]);
    expect(await shown(lab, hosts(), SHOP)).toEqual([ours, ours]);
    expect(watcher.logged('pass.step', from)).toMatchObject([
      { do: 'repair', reason: 'serves-another', balancers: [behind] },
    ]);
    expect(watcher.logged('balancer.reload-requested', from)).toMatchObject([{ balancer: behind }]);
  });

  it('writes a file anew that was removed, and reloads nobody for it', async () => {
    const from = watcher.program.lines.length;

    const reloads = await reloadsDuring(async () => {
      rmSync(file());
      await watcher.program.logged('delivery.verified', from);
    });

    expect(reloads).toEqual([0, 0]);
    expect(readFileSync(file(), 'utf8')).toContain('BEGIN CERTIFICATE');
    expect(watcher.logged('pass.step', from)).toMatchObject([{ do: 'deliver', reason: 'empty' }]);
  });

  it('takes out a file with our name alone that comes before ours, and says which', async () => {
    const theirs = ofTheSameKind(SHOP);
    const from = watcher.program.lines.length;

    const reloads = await reloadsDuring(async () => {
      await watcher.behindItsBack(async () => {
        writeFileSync(join(certs, 'aaa.pem'), theirs.pem);
        await signalled(first());
        await shows(first(), SHOP, theirs.fingerprint);
      });
      await watcher.program.logged('delivery.verified', from);
    });

    expect(reloads).toEqual([2, 0]);
    expect(await shown(lab, hosts(), SHOP)).toEqual([ours, ours]);
    expect(readdirSync(certs)).toEqual([`${SHOP}.pem`]);
    expect(watcher.logged('pass.step', from)).toMatchObject([{ do: 'repair', removes: ['aaa.pem'] }]);
  });

  it('leaves a file that carries other names too, and says which it is and who shows it', async () => {
    const theirs = ofTheSameKind(SHOP, 'other.example.com');
    const foreign = join(certs, 'aaa.pem');
    const from = watcher.program.lines.length;

    const reloads = await reloadsDuring(async () => {
      await watcher.behindItsBack(async () => {
        writeFileSync(foreign, theirs.pem);
        await signalled(first());
        await shows(first(), SHOP, theirs.fingerprint);
      });
      await watcher.program.logged('pass.failed', from);
    });
    const { state, problems, balancers } = await watcher.status();

    expect(reloads).toEqual([1, 0]);
    expect([state, problems]).toMatchObject([
      'failing',
      [
        {
          code: 'DELIVERY_FOREIGN',
          message: expect.stringMatching(/aaa\.pem .* covers other\.example\.com/),
        },
      ],
    ]);
    expect(balancers).toMatchObject([
      { current: false, serves: theirs.fingerprint, issuer: expect.stringContaining('Somebody') },
      { current: true, serves: ours },
    ]);
    expect(readFileSync(foreign, 'utf8')).toBe(theirs.pem);

    rmSync(foreign);
    await allServeOurs();
    await until('it is well again', async () => (await watcher.status()).state === 'ok');
  });
});

describe('serve, where balancers have the certificate from their environment', () => {
  const store = () => join(kept, 'store');
  let kept: string;
  let ours: string;
  const watch = (env: Record<string, string> = {}) =>
    startWatcher(WWW, 42, store(), {
      CERTATHON_MARATHON_LB_APP: RESTARTED,
      CERTATHON_LOCK_WAIT: '30s',
      ...env,
    });
  /** Exchanges the certificate within the containers of these hosts and has it loaded. */
  const replaceOn = async (hosts: readonly string[]): Promise<string> => {
    const theirs = installed(WWW);
    for (const { id, host } of tasksOf(RESTARTED).filter((task) => hosts.includes(task.host))) {
      writeFileSync(join(lab.directory, 'tasks', id, 'marathon-lb', 'ssl', 'cert.pem'), theirs.pem);
      await signalled(host);
      await shows(host, WWW, theirs.fingerprint);
    }
    return theirs.fingerprint;
  };
  const hosts = () => lab.publicAgents.slice(2);
  const writesTo = (since: Mark) => writesSince(lab, since).map(({ method, path }) => `${method} ${path}`);

  beforeAll(async () => {
    kept = newDirectory();
    const watcher = await watch();
    ours = (await watcher.status()).certificate?.fingerprint ?? '';
    await watcher.stop();
    expect(await shown(lab, hosts(), WWW)).toEqual([ours, ours]);
  });

  it('replaces the task of the one balancer that shows another certificate, and never touches the other', async () => {
    const watcher = await watch();
    const [since, from, [wrong, right]] = [mark(), watcher.program.lines.length, tasksOf(RESTARTED)];

    await watcher.behindItsBack(async () => {
      await replaceOn([wrong?.host ?? '']);
    });
    await watcher.program.logged('delivery.verified', from);
    await until('it is well again', async () =>
      (await watcher.status()).balancers.every(({ current }) => current),
    );
    const { balancers } = await watcher.status();
    await watcher.stop();

    expect(watcher.logged('balancer.replaced', from)).toMatchObject([
      { balancer: wrong?.id, app: RESTARTED },
    ]);
    const now = tasksOf(RESTARTED);
    expect(now.map(({ id }) => id)).toEqual([expect.not.stringContaining(wrong?.id ?? ''), right?.id]);
    expect(await shown(lab, hosts(), WWW)).toEqual([ours, ours]);
    expect(writesTo(since)).toEqual(['POST /v2/tasks/delete']);
    expect(balancers.map(({ id }) => id).sort()).toEqual(now.map(({ id }) => id).sort());
    expect(balancers[0]).toMatchObject({
      serves: ours,
      issuer: expect.stringContaining('Pebble'),
      serial: expect.stringMatching(/^[0-9a-f]+$/i),
      notAfter: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
  });

  it('waits for the maintenance window, says until when, and shows who is not current meanwhile', async () => {
    const opensAt = new Date(Math.ceil(Date.now() / 3_600_000) * 3_600_000 + 6 * 3_600_000);
    const watcher = await watch({
      CERTATHON_MAINTENANCE_WINDOWS: `0 ${opensAt.getUTCHours()} * * * for 1h`,
      CERTATHON_TIME_ZONE: 'UTC',
    });
    const [since, from, [wrong, right]] = [mark(), watcher.program.lines.length, tasksOf(RESTARTED)];

    let theirs = '';
    await watcher.behindItsBack(async () => {
      theirs = await replaceOn([wrong?.host ?? '']);
    });
    await watcher.program.logged('pass.failed', from);
    const status = await watcher.status();
    await watcher.stop();

    expect(status.postponed).toEqual([{ target: RESTARTED, reason: 'window', until: opensAt.toISOString() }]);
    expect(watcher.logged('delivery.postponed', from)).toMatchObject([
      { target: RESTARTED, reason: 'window', until: opensAt.toISOString() },
    ]);
    expect(status.problems).toMatchObject([
      { code: 'DELIVERY_NOT_SERVED', message: expect.stringContaining(opensAt.toISOString()) },
    ]);
    const byAddress = status.balancers.toSorted((a, b) => (a.address < b.address ? -1 : 1));
    expect(byAddress).toMatchObject([
      { id: wrong?.id, current: false, serves: theirs, issuer: expect.stringContaining('Test CA') },
      { id: right?.id, current: true, serves: ours },
    ]);
    expect(writesTo(since)).toEqual([]);
  });

  it('kills nobody when none proves that the certificate can be served: DELIVERY_NOT_SERVED', async () => {
    await replaceOn(hosts());
    const [since, before] = [mark(), tasksOf(RESTARTED).map(({ id }) => id)];

    const program = start(['renew'], {
      ...lab.settings,
      CERTATHON_DOMAINS: WWW,
      CERTATHON_STORE: store(),
      CERTATHON_MARATHON_LB_APP: RESTARTED,
      CERTATHON_DELIVERY_TIMEOUT: '1s',
    });
    const ended = await program.ended;

    expect(ended.exit, ended.stderr).toBe(34);
    for (const id of before) expect(ended.stdout).toContain(id);
    expect(ended.stdout).toContain('DELIVERY_NOT_SERVED');
    expect(tasksOf(RESTARTED).map(({ id }) => id)).toEqual(before);
    expect(writesTo(since)).toEqual([]);
  });
});
