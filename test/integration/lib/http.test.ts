import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createRawServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { CertathonError, describeError } from '../../../src/lib/errors.ts';
import { createHttp, type Http, type HttpOptions } from '../../../src/lib/http.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { type Answer, cleanups, closedPort, sendHtml, sendJson, startServer, until } from './loopback.ts';

const { add, run } = cleanups();
afterEach(run);
const directory = mkdtempSync(join(tmpdir(), 'certathon-http-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function http(baseUrls: string[], options: Partial<HttpOptions> = {}): Http {
  const client = createHttp({
    service: 'Marathon',
    codes: { unreachable: 'MARATHON_UNREACHABLE', invalid: 'MARATHON_ANSWER_INVALID' },
    baseUrls,
    timeoutMs: 20_000,
    connectTimeoutMs: 5_000,
    userAgent: 'certathon/test',
    clock: systemClock,
    log: silentLog,
    ...options,
  });
  add(() => client.close());
  return client;
}

async function server(answer: Answer, tls?: { key: string; cert: string }) {
  const started = await startServer(answer, tls);
  add(() => started.close());
  return started;
}

async function failureOf(promise: Promise<unknown>): Promise<CertathonError> {
  const error = await promise.then(
    () => new Error('It did not fail'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(CertathonError);
  return error as CertathonError;
}

function certificate(name: string, subjectAltName: string) {
  const key = join(directory, `${name}.key`);
  const cert = join(directory, `${name}.crt`);
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const names = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${subjectAltName}`];
  execFileSync('openssl', [...args, '-keyout', key, '-out', cert, '-days', '2', ...names], {
    stdio: 'ignore',
  });
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
}

describe('Http.request()', () => {
  it('keeps the base path, sends Content-Length, JSON headers and the credentials', async () => {
    const marathon = await server((_request, response) => sendJson(response, 200, { ok: true }));
    const client = http([`${marathon.url}/service/marathon/`], {
      auth: { user: 'joe', password: 'secret-1' },
    });

    const answer = await client.request({
      method: 'PUT',
      path: '/v2/apps/web?a=b',
      body: '{"env":{"K":"ü"}}',
    });

    expect(answer).toMatchObject({ status: 200, text: '{"ok":true}' });
    expect(marathon.seen).toHaveLength(1);
    expect(marathon.seen[0]).toMatchObject({
      method: 'PUT',
      url: '/service/marathon/v2/apps/web?a=b',
      body: '{"env":{"K":"ü"}}',
    });
    expect(marathon.seen[0]?.headers).toMatchObject({
      accept: 'application/json',
      'content-type': 'application/json',
      'content-length': '18',
      'user-agent': 'certathon/test',
      authorization: `Basic ${Buffer.from('joe:secret-1').toString('base64')}`,
    });
    expect(marathon.seen[0]?.headers).not.toHaveProperty('transfer-encoding');
  });

  it('takes credentials out of an address, and shows them nowhere', async () => {
    const port = await closedPort();
    const client = http([`http://joe:secret%2D2@127.0.0.1:${port}`]);

    const error = await failureOf(client.request({ method: 'GET', path: '/v2/info' }));

    const shown = [
      describeError(error),
      inspect(error),
      JSON.stringify(error),
      inspect(client),
      String(error),
    ];
    expect(shown.join()).not.toContain('secret');
    expect(shown.join()).not.toContain(Buffer.from('joe:secret-2').toString('base64'));
    expect(error.message).toContain(`http://127.0.0.1:${port}`);
  });

  it.each([502, 503, 504])(
    'goes on to the next address for a read answered %i, and stays there',
    async (status) => {
      const away = await server((_request, response) => sendHtml(response, status, 'no leader'));
      const leader = await server((_request, response) => sendJson(response, 200, 1));
      const client = http([away.url, leader.url]);

      const first = await client.request({ method: 'GET', path: '/v2/info' });
      const second = await client.request({ method: 'GET', path: '/v2/info' });

      expect([first.status, second.status]).toEqual([200, 200]);
      expect(away.seen).toHaveLength(1);
      expect(leader.seen).toHaveLength(2);
    },
  );

  it('hands back the last 503 when no address is better', async () => {
    const away = await server((_request, response) => sendHtml(response, 503, 'no leader'));

    const answer = await http([away.url, away.url]).request({ method: 'GET', path: '/v2/info' });

    expect(answer.status).toBe(503);
    expect(away.seen).toHaveLength(2);
  });

  it('never repeats a write that was answered 503', async () => {
    const away = await server((_request, response) => sendHtml(response, 503, 'no leader'));
    const other = await server((_request, response) => sendJson(response, 200, 1));

    const answer = await http([away.url, other.url]).request({
      method: 'PUT',
      path: '/v2/apps/a',
      body: '{}',
    });

    expect(answer.status).toBe(503);
    expect(other.seen).toHaveLength(0);
  });

  it('sends a write to the next address when the first refuses the connection: nothing was sent', async () => {
    const other = await server((_request, response) => sendJson(response, 200, 1));
    const client = http([`http://127.0.0.1:${await closedPort()}`, other.url]);

    const answer = await client.request({ method: 'PUT', path: '/v2/apps/a', body: '{}' });

    expect(answer.status).toBe(200);
    expect(other.seen).toHaveLength(1);
  });

  it('says not-sent when every address refuses the connection', async () => {
    const client = http([`http://127.0.0.1:${await closedPort()}`, `http://127.0.0.1:${await closedPort()}`]);

    const error = await failureOf(client.request({ method: 'PUT', path: '/v2/apps/a', body: '{}' }));

    expect(error).toMatchObject({
      code: 'MARATHON_UNREACHABLE',
      facts: { outcome: 'not-sent', method: 'PUT' },
    });
    expect(error.message).toContain('ECONNREFUSED');
  });

  it('says unknown, and repeats nothing, when the connection is cut after a write was sent', async () => {
    const cutter = await server((_request, _response, raw) => raw.socket.destroy());
    const other = await server((_request, response) => sendJson(response, 200, 1));
    const client = http([cutter.url, other.url]);

    const error = await failureOf(client.request({ method: 'PUT', path: '/v2/apps/a', body: '{}' }));

    expect(error).toMatchObject({ code: 'MARATHON_UNREACHABLE', facts: { outcome: 'unknown' } });
    expect(cutter.seen).toHaveLength(1);
    expect(other.seen).toHaveLength(0);
  });

  it('says unknown when the answer breaks off in the middle of its body', async () => {
    const cutter = await server((_request, response, raw) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"version":');
      setTimeout(() => raw.socket.destroy(), 20);
    });

    const error = await failureOf(
      http([cutter.url]).request({ method: 'PUT', path: '/v2/apps/a', body: '{}' }),
    );

    expect(error).toMatchObject({ code: 'MARATHON_UNREACHABLE', facts: { outcome: 'unknown' } });
  });

  it.each(['before the headers', 'in the middle of the body'])('gives up a slow answer %s', async (where) => {
    const slow = await server((_request, response) => {
      if (where !== 'before the headers') response.writeHead(200).write('{');
    });

    const client = http([slow.url], { timeoutMs: 150 });
    const error = await failureOf(client.request({ method: 'PUT', path: '/v2/apps/a', body: '{}' }));

    expect(error).toMatchObject({ code: 'MARATHON_UNREACHABLE', facts: { outcome: 'unknown' } });
    expect(error.message).toContain('no complete answer within 0.15 s');
  });

  it('begins with another address after a slow one', async () => {
    const slow = await server(() => undefined);
    const leader = await server((_request, response) => sendJson(response, 200, 1));
    const client = http([slow.url, leader.url], { timeoutMs: 150 });

    await failureOf(client.request({ method: 'GET', path: '/v2/info' }));
    const answer = await client.request({ method: 'GET', path: '/v2/info' });

    expect(answer.status).toBe(200);
    expect(slow.seen).toHaveLength(1);
  });

  it('ends at once with the reason of an aborted signal', async () => {
    const slow = await server(() => undefined);
    const stop = new AbortController();
    const answer = http([slow.url]).request({ method: 'GET', path: '/v2/info', signal: stop.signal });
    await until(() => slow.seen.length === 1, 'the request arrives');

    stop.abort(new Error('stopping'));

    await expect(answer).rejects.toThrow('stopping');
  });

  it('reads no more than allowed of a huge body', async () => {
    let written = 0;
    const huge = await server((_request, response) => {
      const chunk = Buffer.alloc(64 * 1024, 'x');
      const more = () => {
        while (!response.destroyed && written < 256 * 1024 * 1024) {
          written += chunk.length;
          if (!response.write(chunk)) return void response.once('drain', more);
        }
      };
      more();
    });

    const client = http([huge.url], { maxBodyBytes: 1024 * 1024 });
    const error = await failureOf(client.request({ method: 'GET', path: '/v2/apps' }));

    expect(error.code).toBe('MARATHON_ANSWER_INVALID');
    expect(error.message).toContain('more than 1048576 bytes');
    expect(written).toBeLessThan(128 * 1024 * 1024);
  });

  it('follows no redirect', async () => {
    const other = await server((_request, response) => sendJson(response, 200, 1));
    const moved = await server((_request, response) =>
      response.writeHead(302, { location: `${other.url}/v2/info` }).end(),
    );

    const answer = await http([moved.url]).request({ method: 'GET', path: '/v2/info' });

    expect(answer.status).toBe(302);
    expect(other.seen).toHaveLength(0);
  });

  it('survives an answer that is no HTTP', async () => {
    const raw = createRawServer(
      (socket: Socket) => void socket.on('error', () => undefined).end('SSH-2.0-x\r\n'),
    );
    await new Promise<void>((resolve) => raw.listen(0, '127.0.0.1', resolve));
    add(() => raw.close());
    const { port } = raw.address() as { port: number };

    const error = await failureOf(
      http([`http://127.0.0.1:${port}`]).request({ method: 'GET', path: '/v2/info' }),
    );

    expect(error.code).toBe('MARATHON_UNREACHABLE');
  });
});

describe('TLS', () => {
  it('is verified: an unknown certificate is refused before anything is sent', async () => {
    const marathon = await server(
      (_request, response) => sendJson(response, 200, 1),
      certificate('own', 'IP:127.0.0.1'),
    );

    const error = await failureOf(
      http([marathon.url]).request({ method: 'PUT', path: '/v2/apps/a', body: '{}' }),
    );

    expect(error).toMatchObject({ code: 'MARATHON_UNREACHABLE', facts: { outcome: 'not-sent' } });
    expect(error.message).toMatch(/self-signed certificate/);
    expect(marathon.seen).toHaveLength(0);
  });

  it('trusts the private CA that is given', async () => {
    const own = certificate('private', 'IP:127.0.0.1');
    const marathon = await server((_request, response) => sendJson(response, 200, 1), own);

    const answer = await http([marathon.url], { caPem: own.cert }).request({
      method: 'GET',
      path: '/v2/info',
    });

    expect(answer.status).toBe(200);
  });

  it('refuses a certificate of the private CA that is for another host', async () => {
    const own = certificate('elsewhere', 'DNS:elsewhere.example');
    const marathon = await server((_request, response) => sendJson(response, 200, 1), own);

    const error = await failureOf(
      http([marathon.url], { caPem: own.cert }).request({ method: 'GET', path: '/v2/info' }),
    );

    expect(error.message).toContain('ERR_TLS_CERT_ALTNAME_INVALID');
    expect(marathon.seen).toHaveLength(0);
  });

  it.each([
    ['the file holds no PEM certificate', 'hello'],
    [
      'Certificate 1 of the CA file is unreadable',
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----',
    ],
  ])('reports a CA that can not be used: %s', (words, caPem) => {
    expect(() => http(['https://marathon.example'], { caPem })).toThrow(new RegExp(words.slice(4)));
  });
});

describe('createHttp()', () => {
  it.each(['marathon.example:8080', 'ftp://marathon.example', ''])('refuses the address %j', (address) => {
    expect(() => http([address])).toThrow('The address of Marathon is no http(s) address');
  });

  it('refuses an empty list of addresses', () => {
    expect(() => http([])).toThrow('No address of Marathon is given');
  });
});

describe('Http.open()', () => {
  it('reads an answer as it comes, past the deadline of its headers, until aborted', async () => {
    const source = await server((_request, response) => {
      response.writeHead(200).write('one');
      setTimeout(() => response.write('two'), 300);
    });
    const stop = new AbortController();
    const stream = await http([source.url], { timeoutMs: 150 }).open({
      method: 'GET',
      path: '/v2/events',
      signal: stop.signal,
    });
    let text = '';

    const reading = (async () => {
      for await (const chunk of stream.body) {
        text += String(chunk);
        if (text === 'onetwo') stop.abort(new Error('enough'));
      }
    })();

    await expect(reading).rejects.toThrow('enough');
    expect(text).toBe('onetwo');
  });

  it('follows a redirect with the credentials when told to', async () => {
    const leader = await server((_request, response) => response.writeHead(200).end('here'));
    const standby = await server((request, response) =>
      response.writeHead(302, { location: `${leader.url}${request.url}` }).end(),
    );

    const stream = await http([standby.url], { auth: { user: 'joe', password: 'secret-3' } }).open({
      method: 'GET',
      path: '/v2/events?event_type=a',
      redirects: 1,
    });
    for await (const _chunk of stream.body);

    expect(stream.status).toBe(200);
    expect(leader.seen[0]?.url).toBe('/v2/events?event_type=a');
    expect(leader.seen[0]?.headers.authorization).toMatch(/^Basic /);
  });

  it('follows no redirect from https to http', async () => {
    const own = certificate('downgrade', 'IP:127.0.0.1');
    const plain = await server((_request, response) => response.writeHead(200).end('here'));
    const standby = await server(
      (_request, response) => response.writeHead(302, { location: `${plain.url}/v2/events` }).end(),
      own,
    );

    const error = await failureOf(
      http([standby.url], { caPem: own.cert }).open({ method: 'GET', path: '/v2/events', redirects: 1 }),
    );

    expect(error.code).toBe('MARATHON_ANSWER_INVALID');
    expect(plain.seen).toHaveLength(0);
  });
});
