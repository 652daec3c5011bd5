import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import forge from 'node-forge';
import { afterEach, expect, test } from 'vitest';
import {
  cleanUp,
  startTestBalancer,
  type TestBalancer,
  temporaryDirectory,
  until,
  untilResting,
} from './running.ts';
import { type SmallMarathon, startSmallMarathon } from './small-marathon.ts';

let marathon: SmallMarathon;
afterEach(async () => {
  await cleanUp();
  await marathon.stop();
});

const key = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ type: 'pkcs1', format: 'pem' })
  .toString();

/** A bundle as HAProxy loads it: self-signed certificate and key. */
function bundle(name: string): string {
  const signer = forge.pki.privateKeyFromPem(key);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.setRsaPublicKey(signer.n, signer.e);
  certificate.serialNumber = '01';
  certificate.validity.notAfter = new Date(Date.now() + 86_400_000);
  certificate.setSubject([{ name: 'commonName', value: name }]);
  certificate.setIssuer([{ name: 'commonName', value: name }]);
  certificate.setExtensions([{ name: 'subjectAltName', altNames: [{ type: 2, value: name }] }]);
  certificate.sign(signer, forge.md.sha256.create());
  return forge.pki.certificateToPem(certificate) + key;
}

async function start(args: string[], env: Record<string, string> = {}): Promise<TestBalancer> {
  marathon = await startSmallMarathon([]);
  const balancer = await startTestBalancer(marathon.url, args, env);
  await untilResting(balancer);
  return balancer;
}

const name = async (balancer: TestBalancer, servername?: string): Promise<string | undefined> => {
  const { CN } = (await balancer.served(servername)).subject;
  return Array.isArray(CN) ? CN[0] : CN;
};

test('8.7 with nothing given the certificate is self-signed, and another one after each start', async () => {
  const first = await (await start([])).served(undefined);
  const second = await startTestBalancer(marathon.url);
  const again = await until('the second serves', () => second.served(undefined));

  expect([first.subject.CN, again.subject.CN]).toEqual(['*', '*']);
  expect(again.fingerprint256).not.toBe(first.fingerprint256);
});

test('8.7 8.8 environment certificates: the base is the default, numbered ones follow, backslash-n is a newline', async () => {
  const balancer = await start([], {
    HAPROXY_SSL_CERT: bundle('base.example'),
    HAPROXY_SSL_CERT7: bundle('seven.example').replaceAll('\n', '\\n'),
    HAPROXY_SSL_CERT0: '',
  });

  expect(await name(balancer, 'seven.example')).toBe('seven.example');
  expect(await name(balancer, 'unknown.example')).toBe('base.example');
  expect(await name(balancer)).toBe('base.example');
  const bind = /^ {2}bind .* ssl .*$/m.exec((await balancer.admin('/_haproxy_getconfig')).body)?.[0];
  expect(bind).toMatch(/ ssl crt \S+\/cert\.pem crt \S+\/cert7\.pem$/);
});

test('8.7 numbered certificates are ignored without the base one', async () => {
  const balancer = await start([], { HAPROXY_SSL_CERT0: bundle('zero.example') });

  expect(await name(balancer, 'zero.example')).toBe('*');
});

test('8.7 listed files come first, then those of the environment', async () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, 'listed.pem'), bundle('listed.example'));

  const balancer = await start(['--ssl-certs', join(directory, 'listed.pem')], {
    HAPROXY_SSL_CERT: bundle('base.example'),
  });

  expect(await name(balancer, 'unknown.example')).toBe('listed.example');
  expect(await name(balancer, 'base.example')).toBe('base.example');
});

test('8.13 8.14 a new file in a directory is served after usr1, not after hup; a bad one means 200 and no reload', async () => {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, 'stage'));
  const put = (file: string, text: string): void => {
    writeFileSync(join(directory, 'stage', file), text);
    renameSync(join(directory, 'stage', file), join(directory, file));
  };
  put('a.pem', bundle('a.example'));
  const balancer = await start(['--ssl-certs', directory]);
  const reloads = async (): Promise<number> => (await balancer.state()).counters.reloads ?? 0;
  put('b.pem', bundle('b.example'));

  await balancer.admin('/_mlb_signal/hup');
  await until('hup was worked on', async () => (await balancer.state()).counters.regenerations === 3);
  expect(await name(balancer, 'b.example')).toBe('a.example');

  await balancer.admin('/_mlb_signal/usr1');
  await until('b is served', async () => (await name(balancer, 'b.example')) === 'b.example');
  await until('the reload is counted', async () => (await reloads()) === 1);

  put('c.pem', 'junk');
  expect((await balancer.admin('/_mlb_signal/usr1')).status).toBe(200);
  await until('usr1 was refused', async () => (await balancer.state()).counters.failedValidations === 1);
  expect(await reloads()).toBe(1);
  expect(await name(balancer, 'b.example')).toBe('b.example');
});

test('8.9 one bad file stops every update until it is repaired, and a start with it serves nothing', async () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, 'a.pem'), bundle('a.example'));
  const balancer = await start(['--ssl-certs', directory]);
  writeFileSync(join(directory, 'z.pem'), 'junk');

  marathon.apps = [
    {
      id: '/x',
      labels: { HAPROXY_GROUP: 'external' },
      portDefinitions: [{ port: 10001 }],
      tasks: [{ id: 'x.1', host: '127.0.0.1', ports: [9] }],
    },
  ];
  marathon.tell('api_post_event');
  await until('the rescue found nothing valid', async () => (await balancer.state()).counters.rescues === 1);
  const late = await startTestBalancer(marathon.url, ['--ssl-certs', directory]);
  await until('it has asked for apps', () => late.process.lastOutput().includes('skipping reload'));

  expect((await balancer.state()).counters.reloads).toBe(0);
  await expect(late.admin('/_haproxy_health_check')).rejects.toThrow();
  writeFileSync(join(directory, 'z.pem'), bundle('z.example'));
  marathon.tell('api_post_event');
  await until(
    'both follow',
    async () =>
      (await name(balancer, 'z.example')) === 'z.example' && (await name(late, 'z.example')) === 'z.example',
  );
});
