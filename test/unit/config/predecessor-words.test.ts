import { describe, expect, it } from 'vitest';
import { recognise } from '../../../src/config/predecessor-words.ts';

const LEGO = '/letsencrypt/.lego';
const CERTBOT = '/etc/letsencrypt';
const SHARED = '/var/lib/marathon-acme';

const asked = (argv: string[], env: Record<string, string> = {}, there: string[] = []) =>
  recognise(argv, env, (path) => there.includes(path));

describe('recognise()', () => {
  it.each([
    ['python cert.py service', 'letsencrypt-marathon-lb', 'serve', 'python cert.py service'],
    [
      'python cert.py service_with_backoff',
      'letsencrypt-marathon-lb',
      'serve',
      'python cert.py service_with_backoff',
    ],
    ['python3.6 /letsencrypt/cert.py service', 'letsencrypt-marathon-lb', 'serve', undefined],
    ['/usr/local/bin/python cert.py service', 'letsencrypt-marathon-lb', 'serve', undefined],
    ['python cert.py', 'letsencrypt-marathon-lb', 'renew', 'python cert.py'],
    ['python cert.py --dry-run', 'letsencrypt-marathon-lb', 'renew --dry-run', 'python cert.py'],
    ['/certbot/run.sh', 'letsencrypt-dcos', 'serve', '/certbot/run.sh'],
    ['run.sh --log-level debug', 'letsencrypt-dcos', 'serve --log-level debug', 'run.sh'],
    ['bash /certbot/run.sh', 'letsencrypt-dcos', 'serve', 'bash /certbot/run.sh'],
    ['marathon-acme --email a@b.c /x', 'marathon-acme', 'serve --email a@b.c /x', 'marathon-acme'],
    ['/usr/local/bin/marathon-acme /x', 'marathon-acme', 'serve /x', undefined],
    ['marathon-acme-entrypoint.sh -e a@b.c /x', 'marathon-acme', 'serve -e a@b.c /x', undefined],
  ])('takes %j for %s, and means %j by it', (line, predecessor, ours, given) => {
    const found = asked(line.split(' '));

    expect(found).toMatchObject({ predecessor, by: 'words', argv: ours.split(' ') });
    expect(found?.notices).toEqual([
      {
        option: 'command',
        given: given ?? expect.any(String),
        use: `certathon ${ours.split(' ')[0]}`,
        used: true,
      },
    ]);
  });

  it.each([
    [['--email', 'a@b.c', SHARED], [], 'by its flags'],
    [['-e', 'a@b.c', SHARED], [], 'by its flags'],
    [[SHARED, '--email', 'a@b.c'], [SHARED], 'by its storage path'],
  ])('takes %j for marathon-acme, as its entry point did', (argv, there, how) => {
    expect(asked(argv, {}, there)).toEqual({
      ...{ predecessor: 'marathon-acme', by: 'words', argv: ['serve', ...argv] },
      notices: [{ option: 'command', reason: `this is a definition of marathon-acme: ${how}` }],
    });
  });

  const mail = { LETSENCRYPT_EMAIL: 'a@b.c' };
  it.each([
    ['serve', mail, [CERTBOT], 'letsencrypt-dcos', 'storage'],
    ['serve', mail, [LEGO], 'letsencrypt-marathon-lb', 'storage'],
    ['serve', { ...mail, LETSENCRYPT_URL: 'https://ca' }, [CERTBOT], 'letsencrypt-dcos', 'storage'],
    ['serve', mail, [], 'letsencrypt-dcos', 'variables'],
    ['serve', { ...mail, LETSENCRYPT_SERVER_URL: 'https://ca' }, [], 'letsencrypt-dcos', 'variables'],
    ['serve', { ...mail, LETSENCRYPT_URL: 'https://ca' }, [], 'letsencrypt-marathon-lb', 'variables'],
    [
      'plan',
      { ...mail, LETSENCRYPT_VERIFICATION_METHOD: 'http' },
      [],
      'letsencrypt-marathon-lb',
      'variables',
    ],
    ['serve', {}, [SHARED], 'marathon-acme', 'storage'],
    ['doctor', { CERTATHON_USER: '1000:1000' }, [SHARED], 'marathon-acme', 'storage'],
  ])('tells for %s with %j and %j there that it is %s, by its %s', (command, env, there, predecessor, by) => {
    expect(asked([command], env, there)).toMatchObject({ predecessor, by, argv: [command] });
  });

  it.each([
    ['a certbot of the machine itself', ['serve'], {}, [CERTBOT]],
    ['our definition over the shared directory', ['serve'], { CERTATHON_DELIVERY: 'directory' }, [SHARED]],
    ['nothing but our own variables', ['serve'], { CERTATHON_DOMAINS: 'a.example' }, []],
    ['an empty variable', ['serve'], { LETSENCRYPT_EMAIL: '' }, [CERTBOT]],
    ['a rollout', ['rollout', 'start', 'x.json'], mail, [CERTBOT]],
    ['zdd', ['zdd', '-j', 'x.json'], mail, [CERTBOT]],
    ['the help', ['--help'], mail, [CERTBOT]],
    ['the version', ['--version'], mail, [CERTBOT]],
    ['our flags before our command', ['--log-level', 'debug', 'serve'], {}, []],
    ['a directory that is not there', ['/nowhere'], {}, []],
    ['another script', ['python', 'app.py'], {}, []],
    ['nothing at all', [], {}, []],
  ])('leaves %s alone', (_what, argv, env, there) => {
    expect(asked(argv, env, there)).toBeUndefined();
  });
});
