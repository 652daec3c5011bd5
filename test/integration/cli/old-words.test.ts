import { chmodSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ERRORS } from '../../../src/lib/errors.ts';
import { VERSION } from '../../../src/lib/version.ts';
import { events, listing, newDirectory, removeDirectories, run } from '../../support/certathon.ts';

afterAll(removeDirectories);

const LOST = 'http://127.0.0.1:9';

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('certathon, started with the words of a predecessor,', () => {
  it.each([
    [['marathon-acme', '--version']],
    [['marathon-acme', '--email', 'ops@example.com', '--version', '/var/lib/marathon-acme']],
  ])('tells its version for %j', async (words) => {
    expect(await run(words, {})).toMatchObject({ exit: 0, stdout: `${VERSION}\n`, stderr: '' });
  });

  it('refuses Vault, DNS-01 and its wildcards in a sentence each, before anything is asked or touched', async () => {
    const storage = newDirectory();
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.writeHead(401).end();
    });
    const url = await listening(server);
    const env = {
      ...{ LETSENCRYPT_EMAIL: 'ops@example.com', LETSENCRYPT_VERIFICATION_METHOD: 'dns' },
      ...{ DOMAINS: 'shop.example.com,*.example.com', LETSENCRYPT_URL: `${url}/directory` },
      ...{ MARATHON_URL: url, CERTATHON_STORE: storage, MARATHON_APP_ID: '/old' },
    };

    const [vault, dns] = await Promise.all([
      run(['-m', url, '-a', `${url}/directory`, '--vault', storage], { MARATHON_APP_ID: '/old' }),
      run(['python', 'cert.py', 'service'], env),
    ]);
    server.close();

    expect([vault.exit, dns.exit]).toEqual([2, 2]);
    expect(vault.stderr.split('\n').slice(0, 3)).toEqual([
      'CONFIG_INVALID',
      '  The configuration has a problem:',
      expect.stringMatching(/^ {2}--vault is not supported: /),
    ]);
    expect(dns.stderr).toMatch(
      /^ {2}LETSENCRYPT_VERIFICATION_METHOD is dns, .*\n {2}DOMAINS has the wildcard /m,
    );
    expect([listing(storage), asked]).toEqual([{}, []]);
  });

  it('makes a pass for `python cert.py`, with one line for each old name', async () => {
    const marathon = createServer((_request, response) => response.writeHead(401).end());
    const url = await listening(marathon);

    const ended = await run(['python', 'cert.py'], {
      ...{ MARATHON_URL: url, LETSENCRYPT_EMAIL: 'ops@example.com' },
      ...{ LETSENCRYPT_URL: 'letsencrypt-staging', CERTATHON_STORE: newDirectory() },
    });
    marathon.close();

    expect(ended.exit).toBe(ERRORS.MARATHON_UNAUTHORIZED.exit);
    expect(events(ended, 'config.deprecated').map(({ given, use }) => [given, use])).toEqual([
      ['python cert.py', 'certathon renew'],
      ['MARATHON_URL', 'CERTATHON_MARATHON_URL'],
      ['LETSENCRYPT_URL', 'CERTATHON_ACME_DIRECTORY'],
      ['LETSENCRYPT_EMAIL', 'CERTATHON_ACME_EMAIL'],
    ]);
  });

  it.runIf(process.getuid?.() === 0)(
    'becomes the user that it is told, before it opens anything',
    async () => {
      const store = newDirectory();
      chmodSync(store, 0o755);

      const ended = await run(['renew', '--store', join(store, 'new'), '--marathon-url', LOST], {
        ...{ CERTATHON_USER: '65534:65534', CERTATHON_LOG_LEVEL: 'debug' },
      });

      expect(events(ended, 'service.user')).toMatchObject([{ uid: 65_534, gid: 65_534 }]);
      expect(ended.stderr).toContain('STORE_UNUSABLE');
      expect(listing(store)).toEqual({});
    },
  );
});
