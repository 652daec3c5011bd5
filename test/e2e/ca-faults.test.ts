import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { events, removeDirectories, run, start } from '../support/certathon.ts';
import { shownByAll } from '../support/lab.ts';
import { type PlacedLab, startPlacedLab } from '../support/place.ts';

let placed: PlacedLab;
const servers: Server[] = [];

beforeAll(async () => {
  placed = await startPlacedLab(1);
});
afterAll(async () => {
  for (const server of servers) server.close();
  await placed?.lab.stop();
  removeDirectories();
});

/** A CA of our own making on loopback, where plain HTTP is allowed. */
async function lyingCa(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('a CA that is away', () => {
  it('ends renew with 21, and what is installed goes on being served', async () => {
    const { lab } = placed;
    const place = await placed.place();
    expect((await run(['renew'], place.env)).exit).toBe(0);
    const before = await shownByAll(lab, place.app, place.name);

    const ended = await run(['renew', '--now'], {
      ...place.env,
      CERTATHON_ACME_DIRECTORY: 'https://127.0.0.1:9/dir',
    });

    expect(ended.exit, ended.stderr).toBe(21);
    expect(ended.stdout).toContain('ACME_UNREACHABLE');
    expect(await shownByAll(lab, place.app, place.name)).toEqual(before);
  });

  it('does not keep serve from starting, and its status says what fails', async () => {
    const place = await placed.placeWithoutTasks();
    const program = start(['serve'], {
      ...place.env,
      CERTATHON_ACME_DIRECTORY: 'https://127.0.0.1:9/dir',
      CERTATHON_ADMIN_PORT: '8081',
    });
    const { adminPort } = await program.logged('service.started');
    await program.logged('pass.failed');

    const at = `http://${place.env.CERTATHON_BIND}:${adminPort}`;
    const health = await request(`${at}/health`);
    const status = await request(`${at}/status.json`);
    const { state, problems } = (await status.body.json()) as { state: string; problems: { code: string }[] };
    program.kill('SIGTERM');
    const ended = await program.ended;

    expect([health.statusCode, status.statusCode, state]).toEqual([200, 503, 'failing']);
    expect(problems.map(({ code }) => code)).toContain('ACME_UNREACHABLE');
    expect([ended.exit, ended.signal]).toEqual([0, null]);
  });
});

it('a CA that speaks HTML ends renew with 22', async () => {
  const place = await placed.placeWithoutTasks();
  const url = await lyingCa((_, response) =>
    response.setHeader('content-type', 'text/html').end('<h1>Welcome</h1>'),
  );

  const ended = await run(['renew'], { ...place.env, CERTATHON_ACME_DIRECTORY: `${url}/dir` });

  expect(ended.exit, ended.stderr).toBe(22);
  expect(ended.stdout).toContain('ACME_ANSWER_INVALID');
});

it("a rejected challenge ends renew with 23, and the CA's own words are in the message and the log", async () => {
  const { lab } = placed;
  const place = await placed.placeWithoutTasks();
  // The name leads to an address where nobody answers.
  await lab.authority.dns.clearA(place.name);
  await lab.authority.dns.setA(place.name, [lab.subnet.address(200)]);

  const ended = await run(['renew'], { ...place.env, CERTATHON_ROUTE_WAIT: '0s' });

  const words = /connection: .*(refused|dial)|unauthorized|connection/i;
  expect(ended.exit, ended.stderr).toBe(23);
  expect(ended.stdout).toContain('ACME_CHALLENGE_FAILED');
  expect(ended.stdout).toMatch(words);
  expect(String(events(ended, 'certificate.failed')[0]?.reason)).toMatch(words);
  expect(events(ended, 'route.checked')).toMatchObject([{ name: place.name, ok: false, level: 'warn' }]);
});

it('a name that leads nowhere keeps no other from its certificate, and rejoins once it is put right', async () => {
  const { lab } = placed;
  const place = await placed.placeWithoutTasks();
  const wrong = `wrong.${place.name}`;
  await lab.authority.dns.setA(wrong, [lab.subnet.address(200)]);
  const env = {
    ...place.env,
    CERTATHON_DOMAINS: `${place.name},${wrong}`,
    CERTATHON_ROUTE_WAIT: '0s',
    CERTATHON_DELIVERY_TIMEOUT: '1s',
  };

  const first = await run(['renew'], env);
  const plan = await run(['plan'], env);
  await lab.authority.dns.clearA(wrong);
  await lab.authority.dns.setA(wrong, [place.env.CERTATHON_BIND ?? '']);
  const second = await run(['renew', '--now'], env);

  const issued = [first, second].map((each) => events(each, 'certificate.issued').map(({ names }) => names));
  expect(issued).toEqual([[[place.name]], [[place.name, wrong]]]);
  expect(events(first, 'name.set-aside')).toMatchObject([{ name: wrong, failures: 1 }]);
  for (const { stdout } of [first, plan])
    expect(stdout).toMatch(new RegExp(`ACME_CHALLENGE_FAILED\\n.*${wrong} is left out of its certificate`));
  expect(second.stdout).not.toContain('left out');
});

it('with --route-check require the CA is not even asked, and renew ends with 27', async () => {
  const { lab } = placed;
  const place = await placed.placeWithoutTasks();
  await lab.authority.dns.clearA(place.name);
  await lab.authority.dns.setA(place.name, [lab.subnet.address(200)]);

  const ended = await run(['renew', '--route-check', 'require'], {
    ...place.env,
    CERTATHON_ROUTE_WAIT: '0s',
  });

  expect(ended.exit, ended.stderr).toBe(27);
  expect(events(ended, 'order.created')).toEqual([]);
});

it('a rate limit ends renew with 20 and is kept over restarts, also with --now', async () => {
  const place = await placed.placeWithoutTasks();
  let orders = 0;
  let asked = 0;
  const url = await lyingCa((incoming, response) => {
    asked += 1;
    const base = `http://${incoming.headers.host}`;
    response.setHeader('replay-nonce', `nonce${asked}`).setHeader('content-type', 'application/json');
    const path = incoming.url ?? '';
    if (path === '/dir')
      return response.end(
        JSON.stringify({
          newNonce: `${base}/nonce`,
          newAccount: `${base}/account`,
          newOrder: `${base}/order`,
          revokeCert: `${base}/r`,
          keyChange: `${base}/k`,
        }),
      );
    if (path === '/nonce') return response.end();
    if (path === '/account')
      return response
        .writeHead(201, { location: `${base}/account/1` })
        .end(JSON.stringify({ status: 'valid' }));
    orders += 1;
    return response.writeHead(429, { 'retry-after': '3600', 'content-type': 'application/problem+json' }).end(
      JSON.stringify({
        type: 'urn:ietf:params:acme:error:rateLimited',
        detail: 'too many certificates (5) already issued',
        status: 429,
      }),
    );
  });
  const env = { ...place.env, CERTATHON_ACME_DIRECTORY: `${url}/dir`, CERTATHON_ROUTE_CHECK: 'off' };

  const first = await run(['renew'], env);
  const askedThen = asked;
  const second = await run(['renew'], env);
  const third = await run(['renew', '--now'], env);

  for (const ended of [first, second, third]) {
    expect(ended.exit, ended.stderr).toBe(20);
    expect(ended.stdout).toContain('too many certificates (5) already issued');
  }
  expect([orders, asked]).toEqual([1, askedThen]);
});
