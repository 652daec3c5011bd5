import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { checkRoutes, type RouteCheck } from '../../../src/certificates/route.ts';
import { makeBundle } from '../../support/bundles.ts';
import { startDns, type TestDns } from '../../support/dns.ts';

const NAME = 'shop.example.com';
const TOKEN = 'token-token-token-token';
const PATH = `/.well-known/acme-challenge/${TOKEN}`;
const servers: Server[] = [];
const seen: { host: string | undefined; url: string | undefined; port: number }[] = [];
let dns: TestDns;
let plain: Server;
let secure: Server;
let other: Server;
let answer: RequestListener = (_request, response) => response.end('');

beforeAll(async () => {
  dns = await startDns();
  const { key, leaf } = makeBundle({ selfSigned: true, names: ['something.else'] });
  const listener: RequestListener = (request, response) => {
    seen.push({ host: request.headers.host, url: request.url, port: request.socket.localPort ?? 0 });
    answer(request, response);
  };
  plain = await listening(createServer(listener), '127.0.0.1', 0);
  secure = await listening(createSecureServer({ key, cert: leaf }, listener), '127.0.0.1', 0);
  other = await listening(createServer(listener), '127.0.0.2', portOf(plain));
});
afterEach(() => {
  seen.length = 0;
  dns.names.clear();
});
afterAll(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  await dns?.close();
});

async function listening(server: Server, host: string, port: number): Promise<Server> {
  servers.push(server);
  server.listen(port, host);
  await once(server, 'listening');
  return server;
}
const portOf = (server: Server) => (server.address() as AddressInfo).port;
const check = (changes: Partial<RouteCheck> = {}): RouteCheck => ({
  token: TOKEN,
  answers: ['our answer'],
  httpPort: portOf(plain),
  httpsPort: portOf(secure),
  dnsServers: [dns.server],
  signal: new AbortController().signal,
  ...changes,
});
const ours: RequestListener = (request, response) =>
  request.url === PATH ? response.end('our answer') : response.writeHead(404).end();
const sendTo =
  (location: string, status = 302) =>
  (_request: IncomingMessage, response: ServerResponse) =>
    response.writeHead(status, { location }).end();
/** What came back for our name at one address. */
async function found(listener: RequestListener, changes: Partial<RouteCheck> = {}) {
  answer = listener;
  dns.names.set(NAME, ['127.0.0.1']);
  const [report] = await checkRoutes([NAME], check(changes));
  return report;
}

describe('checkRoutes()', () => {
  it('asks as the CA does, at every address of every name', async () => {
    answer = ours;
    dns.names.set(NAME, ['127.0.0.1', '127.0.0.2']);
    dns.names.set('www.example.com', ['127.0.0.1']);

    const reports = await checkRoutes([NAME, 'www.example.com'], check());

    expect(reports).toEqual([
      { name: NAME, address: '127.0.0.1', ok: true, found: 'our answer' },
      { name: NAME, address: '127.0.0.2', ok: true, found: 'our answer' },
      { name: 'www.example.com', address: '127.0.0.1', ok: true, found: 'our answer' },
    ]);
    expect(seen.map(({ host, url }) => `${host} ${url}`).sort()).toEqual([
      `${NAME}:${portOf(other)} ${PATH}`,
      `${NAME}:${portOf(plain)} ${PATH}`,
      `www.example.com:${portOf(plain)} ${PATH}`,
    ]);
  });

  it.each([
    ['with a line end after it', 'our answer\n', true],
    ['of a stateless instance', 'other answer', true],
    ['with more around it', 'this is our answer', false],
    ['cut off', 'our answe', false],
  ])('takes an answer %s for ours: %s %s', async (_how, body, ok) => {
    const report = await found((_request, response) => response.end(body), {
      answers: ['our answer', 'other answer'],
    });

    expect(report?.ok).toBe(ok);
  });

  it.each<[string, RequestListener, string]>([
    [
      '404',
      (_request, response) => response.writeHead(404).end('no such page'),
      'status 404 and "no such page"',
    ],
    [
      'our answer with an error status',
      (_request, response) => response.writeHead(500).end('our answer'),
      'status 500 and "our answer"',
    ],
    ['nothing', (_request, response) => response.end(), 'status 200 and ""'],
    [
      'a page, escaped',
      (_request, response) => response.end('<html>\n<b title="x">\u001b[2J\u202e'),
      'status 200 and "<html>\\n<b title=\\"x\\">\\u001b[2Jâ\\u{80}®"',
    ],
    ['a redirect to nowhere', (_request, response) => response.writeHead(302).end(), 'status 302 and ""'],
    ['a status that the CA does not follow', sendTo(PATH, 303), 'status 303 and ""'],
    ['a loop', sendTo(PATH), 'a redirect loop at http://shop.example.com:'],
    [
      'another port',
      sendTo('http://shop.example.com:9/x'),
      'a redirect to port 9; the CA follows only to 80 and 443',
    ],
    [
      'an address',
      sendTo('http://127.0.0.1/x'),
      'a redirect to the address http://127.0.0.1/x instead of a name',
    ],
    [
      'an address of six',
      sendTo('http://[::1]/x'),
      'a redirect to the address http://[::1]/x instead of a name',
    ],
    ['an address in disguise', sendTo('http://0x7f.1/x'), 'instead of a name'],
    [
      'ftp',
      sendTo('ftp://shop.example.com/x'),
      'a redirect to "ftp://shop.example.com/x", which is neither http nor https',
    ],
    [
      'file',
      sendTo('file:///etc/passwd'),
      'a redirect to "file:///etc/passwd", which is neither http nor https',
    ],
    ['no address at all', sendTo('http://'), 'a redirect to "http://", which is no address'],
    [
      'a name that is not there',
      sendTo('http://gone.example.com/'),
      'a redirect to gone.example.com: the name has no address in the DNS (ENOTFOUND)',
    ],
    [
      'an address of endless length',
      sendTo(`/${'x'.repeat(3000)}`),
      'a redirect to an address of more than 2000 characters',
    ],
    [
      'endless redirects',
      (request, response) => sendTo(`/${seen.length}`)(request, response),
      'more than 10 redirects',
    ],
    ['a broken connection', (request) => request.socket.destroy(), 'no answer: UND_ERR_SOCKET'],
  ])('reports %s', async (_what, listener, words) => {
    const report = await found(listener);

    expect(report).toEqual({
      name: NAME,
      address: '127.0.0.1',
      ok: false,
      found: expect.stringContaining(words),
    });
  });

  it('follows to HTTPS whatever its certificate says', async () => {
    const report = await found((request, response) => {
      if (request.socket.localPort === portOf(secure)) ours(request, response);
      else sendTo(`https://${NAME}${PATH}`, 301)(request, response);
    });

    expect(report).toMatchObject({ ok: true, found: 'our answer after 1 redirects' });
    expect(seen.map(({ port }) => port)).toEqual([portOf(plain), portOf(secure)]);
  });

  it('follows to another name, asked for in the DNS', async () => {
    dns.names.set('other.example.com', ['127.0.0.2']);

    const report = await found((request, response) => {
      if (request.headers.host?.startsWith('other.')) ours(request, response);
      else sendTo(`http://other.example.com${PATH}`, 307)(request, response);
    });

    expect(report?.ok).toBe(true);
  });

  it.each(['169.254.169.254', 'fe80::1', '::ffff:a9fe:a9fe'])(
    'does not follow to the link-local %s',
    async (address) => {
      dns.names.set('metadata.example.com', [address]);

      const report = await found(sendTo('http://metadata.example.com/latest/meta-data'));

      expect(report).toMatchObject({
        ok: false,
        found: expect.stringContaining('a redirect to the link-local address'),
      });
      expect(seen).toHaveLength(1);
    },
  );

  it('reads a kibibyte of a body without end', async () => {
    let written = 0;
    let closed: Promise<unknown> = Promise.resolve();

    const report = await found((_request, response) => {
      closed = once(response, 'close');
      const more = () => {
        while (written < 100 * 1024 * 1024) {
          written += 1024;
          if (!response.write('A'.repeat(1024))) return void response.once('drain', more);
        }
      };
      more();
    });
    await closed;

    expect(report?.found).toBe(`status 200 and "${'A'.repeat(200)}"`);
    expect(written).toBeLessThan(100 * 1024 * 1024);
  });

  it.each<[string, RequestListener]>([
    ['does not answer', () => {}],
    ['does not finish', (_request, response) => response.write('our')],
  ])('gives up on a server that %s', async (_what, listener) => {
    const report = await found(listener, { timeLimitMs: 200 });

    expect(report).toMatchObject({ ok: false, found: 'no answer within 0.2 s' });
  });

  it('says that nothing listens there', async () => {
    const gone = await listening(createServer(), '127.0.0.1', 0);
    const httpPort = portOf(gone);
    gone.close();

    expect(await found(ours, { httpPort })).toMatchObject({ ok: false, found: 'no answer: ECONNREFUSED' });
  });

  it('says that a name is not in the DNS, beside names that are', async () => {
    answer = ours;
    dns.names.set(NAME, ['127.0.0.1']);

    const reports = await checkRoutes(['gone.example.com', NAME], check());

    expect(reports).toEqual([
      {
        name: 'gone.example.com',
        address: '',
        ok: false,
        found: 'the name has no address in the DNS (ENOTFOUND)',
      },
      { name: NAME, address: '127.0.0.1', ok: true, found: 'our answer' },
    ]);
  });

  it('ends with the reason of its signal', async () => {
    const stop = new AbortController();

    const outcome = found(() => stop.abort(new Error('stopped')), { signal: stop.signal });

    await expect(outcome).rejects.toThrow('stopped');
  });
});
