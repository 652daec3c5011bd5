import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer as createRawServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext, createServer } from 'node:tls';
import forge from 'node-forge';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { servedCertificate } from '../../../src/haproxy/handshake.ts';
import { cleanups, closedPort, until } from '../lib/loopback.ts';

const { add, run } = cleanups();
afterEach(run);
const directory = mkdtempSync(join(tmpdir(), 'certathon-handshake-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const path = (name: string) => join(directory, name);
const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' });

function certificate(name: string, subjectAltName: string) {
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const names = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${subjectAltName}`];
  openssl('req', '-x509', ...newKey, '-keyout', path(`${name}.key`), '-out', path(`${name}.crt`), ...names);
  return { key: readFileSync(path(`${name}.key`), 'utf8'), cert: readFileSync(path(`${name}.crt`), 'utf8') };
}

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket.on('error', () => undefined).on('close', () => sockets.delete(socket)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  add(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const ask = (port: number, servername?: string, timeoutMs = 10_000) =>
  servedCertificate({ host: '127.0.0.1', port, servername, timeoutMs });

describe('servedCertificate()', () => {
  it('tells what is served for a name, and for none, without sending a byte', async () => {
    const fallback = certificate('fallback.example', 'DNS:fallback.example');
    const shop = certificate('shop.example', 'DNS:shop.example,DNS:www.shop.example,IP:127.0.0.1');
    const data: Buffer[] = [];
    let ended = 0;
    const server = createServer({
      ...fallback,
      SNICallback: (name, done) =>
        done(null, name === 'shop.example' ? createSecureContext(shop) : undefined),
    });
    server.on('secureConnection', (socket) => {
      socket.on('data', (chunk) => data.push(chunk));
      socket.on('end', () => ended++);
      socket.on('error', () => undefined);
    });
    const port = await listen(server);
    const expected = new X509Certificate(shop.cert);

    const served = await ask(port, 'shop.example');
    const others = [await ask(port, 'other.example'), await ask(port), await ask(port, '127.0.0.1')];
    await until(() => ended === 4, 'all connections are closed');

    expect(served).toEqual({
      fingerprint256: expected.fingerprint256,
      subjectAltNames: ['shop.example', 'www.shop.example', '127.0.0.1'],
      issuer: expected.issuer.replaceAll('\n', ', '),
      serial: expected.serialNumber,
      validFrom: new Date(expected.validFrom),
      validTo: new Date(expected.validTo),
      raw: expected.raw,
      chainLength: 1,
    });
    expect(others).toMatchObject(Array(3).fill({ subjectAltNames: ['fallback.example'] }));
    expect(data).toEqual([]);
  });

  it('counts the certificates that were sent', async () => {
    const root = certificate('Root', 'DNS:root.example');
    openssl(
      'req',
      '-new',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      path('leaf.key'),
      '-out',
      path('leaf.csr'),
      '-subj',
      '/CN=leaf',
    );
    const signed = ['-CA', path('Root.crt'), '-CAkey', path('Root.key'), '-CAcreateserial', '-days', '2'];
    openssl('x509', '-req', '-in', path('leaf.csr'), ...signed, '-out', path('leaf.crt'));
    const leaf = readFileSync(path('leaf.crt'), 'utf8');
    const key = readFileSync(path('leaf.key'), 'utf8');
    const alone = await listen(createServer({ key, cert: leaf }));
    const whole = await listen(createServer({ key, cert: leaf + root.cert }));

    expect(await ask(alone)).toMatchObject({ chainLength: 1, subjectAltNames: [] });
    expect(await ask(whole)).toMatchObject({
      chainLength: 2,
      fingerprint256: new X509Certificate(leaf).fingerprint256,
    });
  });

  it('reports an expired certificate as it is', async () => {
    const { publicKey, privateKey } = forge.pki.rsa.generateKeyPair(2048);
    const old = forge.pki.createCertificate();
    old.publicKey = publicKey;
    old.serialNumber = '01';
    old.validity.notBefore = new Date('2020-01-01T00:00:00Z');
    old.validity.notAfter = new Date('2020-04-01T00:00:00Z');
    old.setSubject([{ name: 'commonName', value: 'old.example' }]);
    old.setIssuer([{ name: 'commonName', value: 'old.example' }]);
    old.sign(privateKey, forge.md.sha256.create());
    const port = await listen(
      createServer({ key: forge.pki.privateKeyToPem(privateKey), cert: forge.pki.certificateToPem(old) }),
    );

    expect(await ask(port, 'old.example')).toMatchObject({
      validFrom: new Date('2020-01-01T00:00:00Z'),
      validTo: new Date('2020-04-01T00:00:00Z'),
    });
  });

  it('says why there is none: nobody listens', async () => {
    expect(await ask(await closedPort())).toEqual({ unreachable: expect.stringContaining('ECONNREFUSED') });
  });

  it('says why there is none: no TLS there', async () => {
    const port = await listen(
      createRawServer((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
    );

    expect(await ask(port)).toEqual({
      unreachable: expect.stringMatching(/wrong version number|packet length|SSL/i),
    });
  });

  it('says why there is none: the connection is closed during the handshake', async () => {
    const port = await listen(createRawServer((socket) => void socket.once('data', () => socket.destroy())));

    expect(await ask(port)).toEqual({ unreachable: expect.any(String) });
  });

  it('says why there is none: nobody answers in time', async () => {
    const port = await listen(createRawServer(() => undefined));

    expect(await ask(port, 'shop.example', 100)).toEqual({ unreachable: 'no TLS handshake within 0.1 s' });
  });

  it('ends with the reason of an aborted signal', async () => {
    let connected = false;
    const port = await listen(
      createRawServer(() => {
        connected = true;
      }),
    );
    const stop = new AbortController();
    const answer = servedCertificate({ host: '127.0.0.1', port, timeoutMs: 10_000, signal: stop.signal });
    const failed = expect(answer).rejects.toThrow('stopping');
    await until(() => connected, 'the connection');

    stop.abort(new Error('stopping'));

    await failed;
  });

  it('sees what a real HAProxy serves, by name and by default', async () => {
    const first = certificate('first.example', 'DNS:first.example');
    const second = certificate('second.example', 'DNS:second.example');
    writeFileSync(path('first.pem'), first.cert + first.key);
    writeFileSync(path('second.pem'), second.cert + second.key);
    const port = await closedPort();
    const { haproxy, stop } = await startHaproxy(port);
    add(stop);
    await until(() => haproxy.isUp(), 'HAProxy listens');

    expect(await ask(port, 'second.example')).toMatchObject({ subjectAltNames: ['second.example'] });
    expect(await ask(port, 'unknown.example')).toMatchObject({ subjectAltNames: ['first.example'] });
  });
});

async function startHaproxy(port: number) {
  const { spawn } = await import('node:child_process');
  const { connect } = await import('node:net');
  const config = [
    'global',
    '  maxconn 100',
    'defaults',
    '  mode http',
    '  timeout connect 3s',
    '  timeout client 30s',
    '  timeout server 30s',
    'frontend marathon_https_in',
    `  bind 127.0.0.1:${port} ssl crt ${path('first.pem')} crt ${path('second.pem')}`,
    '',
  ];
  writeFileSync(path('haproxy.cfg'), config.join('\n'));
  const child = spawn('haproxy', ['-db', '-f', path('haproxy.cfg')], { stdio: 'ignore' });
  let listens = false;
  const probe = setInterval(() => {
    const socket = connect(port, '127.0.0.1', () => {
      listens = true;
      socket.destroy();
    });
    socket.on('error', () => undefined);
  }, 20);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    haproxy: { isUp: () => listens },
    stop: async () => {
      clearInterval(probe);
      child.kill('SIGKILL');
      await ended;
    },
  };
}
