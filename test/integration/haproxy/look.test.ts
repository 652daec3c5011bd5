import { afterEach, describe, expect, it } from 'vitest';
import { lookAtBalancer, readConfig } from '../../../src/haproxy/look.ts';
import type { BalancerPlace } from '../../../src/haproxy/places.ts';
import { isSharedAddress } from '../../../src/haproxy/shared-address.ts';
import { makeBundle } from '../../support/bundles.ts';
import { manualClock } from '../../support/clock.ts';
import { cleanups, closedPort } from '../lib/loopback.ts';
import { type AdminServer, balancerAnswers, PAGE, startAdminServer } from './admin-server.ts';

const { add, run } = cleanups();
afterEach(run);
const { signal } = new AbortController();
const clock = manualClock();

async function start(...args: Parameters<typeof startAdminServer>): Promise<AdminServer> {
  const server = await startAdminServer(...args);
  add(server.close);
  return server;
}

const placeOf = ({ host, adminPort }: AdminServer): BalancerPlace => ({ id: 'lb', host, adminPort });
const look = (place: BalancerPlace) => lookAtBalancer(place, { signal, clock });
/** Each call gives the next, the last one for ever. */
const inTurn = (...texts: string[]) => {
  let at = 0;
  return () => texts[Math.min(at++, texts.length - 1)] as string;
};

describe('lookAtBalancer()', () => {
  it('asks for pids, for statistics and who wrote them on one connection, and for pids again', async () => {
    const server = await start(balancerAnswers({}));

    expect(await look(placeOf(server))).toEqual({
      balancer: 'lb',
      pids: [7, 12],
      servingPid: 12,
      rows: [{ listener: 'web_1/s', status: 'UP', sessions: 2, queued: 1 }],
      atMs: clock.monotonicMs(),
    });
    expect(server.asked).toEqual([
      '1 /_haproxy_getpids',
      '2 /haproxy?stats;csv',
      '2 /haproxy?stats;norefresh&scope=~',
      '3 /_haproxy_getpids',
    ]);
  });

  it('leaves frontends and backends out', async () => {
    const csv = () =>
      '# pxname,svname,qcur,scur,status,\na,FRONTEND,,1,OPEN,\na,s,0,0,MAINT,\na,BACKEND,0,0,UP,\n';
    const server = await start(balancerAnswers({ csv }));

    expect(await look(placeOf(server))).toMatchObject({ rows: [{ listener: 'a/s', status: 'MAINT' }] });
  });

  it.each([
    ['a new process came', ['12 7', '13 12 7']],
    ['one ended', ['13 12 7', '13 7']],
    ['a check of a configuration began', ['12 7', '40 12 7']],
  ])('tells of a reload when %s in between', async (_what, pids) => {
    const server = await start(balancerAnswers({ pids: inTurn(...pids) }));

    expect(await look(placeOf(server))).toEqual({ reloading: true });
  });

  it.each<[string, Parameters<typeof balancerAnswers>[0]]>([
    ['the page is another one', { page: () => '<html>pid = 12</html>' }],
    ['the page names a process that is not there', { page: () => PAGE(4711) }],
    ['the page has no end', { page: () => 'x'.repeat(1_100_000) }],
  ])('does not know who answered when %s', async (_what, parts) => {
    const server = await start(balancerAnswers(parts));

    expect(await look(placeOf(server))).toMatchObject({ pids: [7, 12], servingPid: undefined });
  });

  it('does not know who answered when the connection was not kept, since another may have answered then', async () => {
    const answer = balancerAnswers({});
    const server = await start((request, response) =>
      answer(request, response.setHeader('connection', 'close')),
    );

    expect(await look(placeOf(server))).toMatchObject({ pids: [7, 12], servingPid: undefined });
    expect(server.asked.map((line) => line[0])).toEqual(['1', '2', '3', '4']);
  });

  it.each<[string, Parameters<typeof balancerAnswers>[0], string]>([
    ['no pids', { pids: () => 'no' }, '/_haproxy_getpids answers no pids but "no"'],
    ['no pids in the end', { pids: inTurn('12 7', '') }, '/_haproxy_getpids answers no pids but ""'],
    [
      'a page instead of statistics',
      { csv: () => '<html></html>' },
      'The statistics of HAProxy can not be read: they begin with "<html></html>"',
    ],
  ])('says why it can not be used: %s', async (_what, parts, unreachable) => {
    const server = await start(balancerAnswers(parts));

    expect(await look(placeOf(server))).toEqual({ unreachable });
  });

  it('says why it can not be used: another status, too much, nothing there', async () => {
    const answer = balancerAnswers({});
    const locked = await start((request, response) => {
      if (request.url?.includes('csv')) response.statusCode = 401;
      answer(request, response);
    });
    const endless = await start((request, response) => {
      if (!request.url?.includes('csv')) return answer(request, response);
      const more = () => {
        while (response.write('x'.repeat(1024 * 1024)));
        response.once('drain', more);
      };
      more();
    });
    const nowhere = { id: 'lb', host: '127.0.0.1', adminPort: await closedPort() };

    expect(await look(placeOf(locked))).toEqual({ unreachable: '/haproxy?stats;csv answers 401' });
    expect(await look(placeOf(endless))).toEqual({ unreachable: 'the answer has more than 33554432 bytes' });
    expect(await look(nowhere)).toEqual({ unreachable: expect.stringContaining('ECONNREFUSED') });
  });

  it('ends with the reason of an aborted signal', async () => {
    const controller = new AbortController();
    const server = await start(() => controller.abort(new Error('stopped')));

    const ended = lookAtBalancer(placeOf(server), { signal: controller.signal, clock });

    await expect(ended).rejects.toThrow('stopped');
  });

  it('sends the user and the password that the place has', async () => {
    const seen: (string | undefined)[] = [];
    const answer = balancerAnswers({});
    const server = await start((request, response) => {
      seen.push(request.headers.authorization);
      answer(request, response);
    });

    await look({ ...placeOf(server), auth: { user: 'ops', password: 'a:b' } });

    expect(seen).toEqual(Array(4).fill(`Basic ${Buffer.from('ops:a:b').toString('base64')}`));
  });

  it('checks the certificate of an https place against its name, though the address is dialled', async () => {
    const years = { notBefore: new Date('2020-01-01'), notAfter: new Date('2099-01-01') };
    const { leaf, key } = makeBundle({ names: ['lb.example'], selfSigned: true, ...years });
    const seen: (string | undefined)[] = [];
    const answer = balancerAnswers({});
    const server = await start(
      (request, response) => {
        seen.push(request.headers.host);
        answer(request, response);
      },
      { cert: leaf, key },
    );
    const at = (host: string, caPem?: string) => look({ ...placeOf(server), tls: { host, caPem } });

    expect(await at('lb.example', leaf)).toMatchObject({ servingPid: 12 });
    expect(await at('other.example', leaf)).toEqual({ unreachable: expect.stringMatching(/ALTNAME/) });
    expect(await at('127.0.0.1', leaf)).toEqual({ unreachable: expect.stringMatching(/ALTNAME/) });
    expect(await at('lb.example')).toEqual({ unreachable: expect.stringMatching(/self.signed|UNABLE_TO/i) });
    expect(new Set(seen)).toEqual(new Set([`lb.example:${server.adminPort}`]));
  });
});

describe('readConfig()', () => {
  it('reads the configuration of the process that serves, or says why not', async () => {
    const server = await start(balancerAnswers({ config: () => 'backend b\n' }));
    const other = await start((_request, response) => response.writeHead(404).end());

    expect(await readConfig(placeOf(server), signal)).toEqual({ config: 'backend b\n' });
    expect(await readConfig(placeOf(other), signal)).toEqual({
      unreachable: '/_haproxy_getconfig answers 404',
    });
  });
});

describe('isSharedAddress()', () => {
  it.each<[string, string[], boolean, number]>([
    ['two balancers in turns', ['12 7', '13 8', '12 7', '13 8'], true, 3],
    ['one balancer', ['12 7'], false, 6],
    ['one that reloads meanwhile', ['12 7', '13 12 7', '13 7'], false, 6],
    ['one that restarts meanwhile', ['12 7', '', '14 9'], false, 6],
  ])('tells %s', async (_what, pids, expected, looks) => {
    const server = await start(balancerAnswers({ pids: inTurn(...pids) }));

    expect(await isSharedAddress(placeOf(server), signal)).toBe(expected);
    expect(server.asked).toHaveLength(looks);
  });
});
