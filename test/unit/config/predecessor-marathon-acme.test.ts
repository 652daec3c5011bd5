import { describe, expect, it } from 'vitest';
import { OPTIONS } from '../../../src/config/options.ts';
import { MARATHON_ACME_FLAGS, marathonAcmeArguments } from '../../../src/config/predecessor-marathon-acme.ts';

const STORAGE_NOTICE = { option: 'storage path', given: '/s', use: '--directory', used: true };
const read = (line: string) =>
  marathonAcmeArguments([...line.split(' ').filter((word) => word !== ''), '/s']);

describe('MARATHON_ACME_FLAGS', () => {
  it('has every flag of marathon-acme beside --help and --version', () => {
    const flags = Object.entries(MARATHON_ACME_FLAGS).map(([name, { short }]) =>
      short ? `-${short} ${name}` : name,
    );

    expect(flags).toEqual([
      ...['-a acme', '-e email', '-m marathon', '-l lb', '-g group', 'allow-multiple-certs', 'listen'],
      ...['marathon-timeout', 'sse-timeout', 'log-level', 'vault'],
    ]);
  });
});

describe('marathonAcmeArguments()', () => {
  it.each([
    ['--email ops@example.com', ['--acme-email=ops@example.com'], { acmeEmail: '--email' }, '--acme-email'],
    ['-e ops@example.com', ['--acme-email=ops@example.com'], { acmeEmail: '-e' }, '--acme-email'],
    ['-eops@example.com', ['--acme-email=ops@example.com'], { acmeEmail: '-e' }, '--acme-email'],
    ['-e=ops@example.com', ['--acme-email=ops@example.com'], { acmeEmail: '-e' }, '--acme-email'],
    [
      '--acme=https://ca/dir',
      ['--acme-directory=https://ca/dir'],
      { acmeDirectory: '--acme' },
      '--acme-directory',
    ],
    [
      '-m http://m1:8080,http://m2:8080',
      ['--marathon-url=http://m1:8080,http://m2:8080'],
      { marathonUrl: '-m' },
      '--marathon-url',
    ],
    ['--lb http://l1:9090', ['--balancer-urls=http://l1:9090'], { balancerUrls: '--lb' }, '--balancer-urls'],
    ['--listen :9000', ['--challenge-port=9000'], { challengePort: '--listen' }, '--challenge-port'],
    [
      '--listen 127.0.0.1:9000',
      ['--challenge-port=9000', '--bind=127.0.0.1'],
      { challengePort: '--listen', bind: '--listen' },
      '--challenge-port and --bind',
    ],
    [
      '--listen [::1]:9000',
      ['--challenge-port=9000', '--bind=::1'],
      { challengePort: '--listen', bind: '--listen' },
      '--challenge-port and --bind',
    ],
    [
      '--marathon-timeout 2.5',
      ['--request-timeout=2500ms'],
      { requestTimeout: '--marathon-timeout' },
      '--request-timeout',
    ],
    [
      '--marathon-timeout 0',
      ['--request-timeout=600000ms'],
      { requestTimeout: '--marathon-timeout' },
      '--request-timeout',
    ],
    [
      '--marathon-timeout 0.01',
      ['--request-timeout=100ms'],
      { requestTimeout: '--marathon-timeout' },
      '--request-timeout',
    ],
  ])('reads %s, with one line that names our flag', (line, argv, spelt, use) => {
    const given = Object.values(spelt)[0];

    expect(read(line)).toEqual({
      ...{ argv: ['serve', ...argv], spelt, storage: '/s', group: undefined, everyName: false, refusals: [] },
      notices: [{ option: given, given, use, used: true }, STORAGE_NOTICE],
    });
  });

  it.each([
    ['--log-level critical', ['--log-level=error']],
    ['--log-level debug', ['--log-level=debug']],
    ['--log-format text', ['--log-format=text']],
    ['--stateless --acme-profile=tlsserver', ['--stateless', '--acme-profile=tlsserver']],
  ])('lets %s stay what it is', (line, argv) => {
    expect(read(line).argv).toEqual(['serve', ...argv]);
  });

  it.each([
    ['-g internal', { group: 'internal' }, 'names come from apps of the group "internal"'],
    [
      '--allow-multiple-certs',
      { everyName: true },
      'every name of a label counts, and they share certificates',
    ],
    ['--sse-timeout 60', {}, 'a silent event stream is noticed after 30 s'],
  ])('takes %s, and says what it means here', (line, expected, reason) => {
    const result = read(line);

    expect(result).toMatchObject({ ...expected, argv: ['serve'], refusals: [] });
    expect(result.notices[0]).toEqual({ option: line.split(' ')[0], reason });
  });

  it.each([
    [
      '--vault',
      '--vault is not supported: certificates are kept in a directory, which the word after the flags names',
    ],
    ['--listen 8000', '--listen "8000" is not an address and a port such as :8000'],
    ['--listen host:8000', '--listen "host:8000" is not an address and a port such as :8000'],
    ['--marathon-timeout soon', '--marathon-timeout "soon" is not a number of seconds'],
    ['--emial=x', '"--emial" is a flag of neither marathon-acme nor certathon serve'],
    ['/other', 'marathon-acme takes one storage path, not "/other" and "/s"'],
  ])('refuses %s in one sentence', (line, refusal) => {
    expect(read(line).refusals).toEqual([refusal]);
  });

  it.each([
    [['--email'], ['--email has no value after it', expect.stringContaining('there is none')]],
    [[], ['marathon-acme takes the path of its storage after its flags, and there is none']],
  ])('says what %j lacks', (words, refusals) => {
    expect(marathonAcmeArguments(words).refusals).toEqual(refusals);
  });

  it.each([
    ['--version', ['--version']],
    ['-h', ['serve', '--help']],
    ['--vault --help', ['serve', '--help']],
  ])('answers %s, whatever stands beside it', (line, argv) => {
    expect(marathonAcmeArguments(line.split(' '))).toMatchObject({ argv, refusals: [] });
  });

  it('sets only options that exist', () => {
    const names = new Set<string>(OPTIONS.map(({ name }) => name));
    const spelt = Object.keys(
      read('-a x -e x -m x -l x --listen 127.0.0.1:1 --marathon-timeout 1 --log-level info').spelt,
    );

    expect(spelt.filter((name) => !names.has(name))).toEqual([]);
    expect(spelt.length).toBe(8);
  });
});
