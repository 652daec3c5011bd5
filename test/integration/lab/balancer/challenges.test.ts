import { request as httpsRequest } from 'node:https';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { app } from './apps.ts';
import {
  cleanUp,
  PORTS,
  startTask,
  startTestBalancer,
  type TestBalancer,
  until,
  untilResting,
} from './running.ts';
import { type SmallMarathon, startSmallMarathon } from './small-marathon.ts';

const PATH = '/.well-known/acme-challenge/';
const AUTH = { HAPROXY_0_AUTH: 'realm:user:$5$salt$Gcm6FsVtF/Qa77ZKD.iwsJlCVPY0XSMgLJL0Hnww/c1' };
const REDIRECT = { HAPROXY_0_REDIRECT_TO_HTTPS: 'true' };

/** One owner of each kind, each with a name of its own; ids sort before the sidecar's. */
const OWNERS: Record<string, Record<string, string>> = {
  plain: {},
  redirect: REDIRECT,
  path: { HAPROXY_0_PATH: '/' },
  'path-redirect': { HAPROXY_0_PATH: '/', ...REDIRECT },
  auth: AUTH,
  'auth-redirect': { ...AUTH, ...REDIRECT },
  heavy: { HAPROXY_0_BACKEND_WEIGHT: '5000' },
  'heavy-auth': { ...AUTH, HAPROXY_0_BACKEND_WEIGHT: '2000000' },
};
const NAMES = Object.keys(OWNERS).map((kind) => `${kind}.example`);
const LIST = { HAPROXY_0_VHOST: NAMES.join(','), HAPROXY_0_PATH: PATH };
const CATCH_ALL = {
  HAPROXY_0_VHOST: 'acme.internal',
  HAPROXY_0_PATH: PATH,
  HAPROXY_0_BACKEND_WEIGHT: '1000000',
  HAPROXY_0_HTTP_FRONTEND_ACL_WITH_PATH:
    '  acl path_{backend} path_beg {path}\n  http-request set-header X-Acme-Host %[req.hdr(host)] if path_{backend}\n  http-request set-header Host {hostname} if path_{backend}\n  http-request allow if path_{backend}\n  use_backend {backend} if path_{backend}\n',
  HAPROXY_0_HTTPS_FRONTEND_ACL_WITH_PATH:
    '  http-request set-header X-Acme-Host %[req.hdr(host)] if path_{backend}\n  http-request allow if path_{backend}\n  use_backend {backend} if path_{backend}\n',
};

const sidecar = Object.fromEntries([...NAMES, 'nobody.example'].map((name) => [name, 'sidecar']));
const listed = {
  'plain.example': 'sidecar',
  'redirect.example': '301, then sidecar',
  'path.example': 'owner',
  'path-redirect.example': '301, then owner',
  'auth.example': '401',
  'auth-redirect.example': '301, then 401',
  'heavy.example': 'owner',
  'heavy-auth.example': '401',
  'nobody.example': '503',
};
const weighted = { ...listed, 'path.example': 'sidecar', 'path-redirect.example': '301, then sidecar' };
const TABLE: [string, Record<string, string>, Record<string, string>][] = [
  ['a list of vhosts with the path', LIST, listed],
  ['the same with weight 1000', { ...LIST, HAPROXY_0_BACKEND_WEIGHT: '1000' }, weighted],
  ['the catch-all templates', CATCH_ALL, { ...sidecar, 'heavy-auth.example': '401' }],
];

describe.each([
  ['without a map', []],
  ['with --haproxy-map', ['--haproxy-map']],
])('8.4 8.5 8.6 who answers a challenge, %s', (mode, args) => {
  let marathon: SmallMarathon;
  let balancer: TestBalancer;
  let ports: { owner: number; sidecar: number };
  beforeAll(async () => {
    ports = { owner: (await startTask('owner')).port, sidecar: (await startTask('sidecar')).port };
    marathon = await startSmallMarathon([]);
    balancer = await startTestBalancer(marathon.url, args);
    await untilResting(balancer);
  });
  afterAll(async () => {
    await cleanUp();
    await marathon.stop();
  });

  test.each(TABLE)('%s', async (_name, labels, expected) => {
    const owners = Object.entries(OWNERS).map(([kind, own], at) =>
      app(`/owner/${kind}`, 10100 + at, ports.owner, { HAPROXY_0_VHOST: `${kind}.example`, ...own }),
    );
    marathon.apps = [...owners, app('/sidecar', 10002, ports.sidecar, labels)];
    const before = (await balancer.state()).counters;
    marathon.tell('api_post_event');
    await until(
      'it follows',
      async () => (await untilResting(balancer)).counters.reloads === (before.reloads ?? 0) + 1,
    );

    const seen: Record<string, string> = {};
    for (const host of [...NAMES, 'nobody.example']) seen[host] = await outcome(balancer, host);

    // In map mode a plain owner has no lines of its own, so no weight can put it above the sidecar.
    expect(seen).toEqual(mode === 'without a map' ? expected : { ...expected, 'heavy.example': 'sidecar' });
  });
});

test('example 4 tells the sidecar which host was asked', async () => {
  const task = await startTask('sidecar');
  const marathon = await startSmallMarathon([app('/sidecar', 10002, task.port, CATCH_ALL)]);
  try {
    const balancer = await startTestBalancer(marathon.url);
    const answer = await until('it serves', () => balancer.http('shop.example:8080', `${PATH}token`));

    const { headers } = JSON.parse(answer.body) as { headers: Record<string, string> };
    expect([headers.host, headers['x-acme-host']]).toEqual(['acme.internal', 'shop.example:8080']);
  } finally {
    await cleanUp();
    await marathon.stop();
  }
});

async function outcome(balancer: TestBalancer, host: string): Promise<string> {
  const { status, headers, body } = await balancer.http(host, `${PATH}token`);
  if (status !== 301) return short(status, body);
  expect(headers.location).toBe(`https://${host}${PATH}token`);
  return `301, then ${await overTls(balancer, host)}`;
}

function short(status: number, body: string): string {
  return status === 200 ? (JSON.parse(body) as { name: string }).name : String(status);
}

function overTls(balancer: TestBalancer, servername: string): Promise<string> {
  return new Promise((resolve, reject) => {
    httpsRequest(
      {
        host: balancer.address,
        port: PORTS.https,
        path: `${PATH}token`,
        servername,
        headers: { host: servername },
        rejectUnauthorized: false,
        agent: false,
      },
      (response) => {
        let body = '';
        response.on('data', (chunk) => {
          body += chunk;
        });
        response.once('end', () => resolve(short(response.statusCode ?? 0, body)));
      },
    )
      .once('error', reject)
      .end();
  });
}
