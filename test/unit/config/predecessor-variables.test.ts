import { describe, expect, it } from 'vitest';
import { readVariables } from '../../../src/config/predecessor-variables.ts';

const BUNDLE = '/box/.ssl/ca-bundle.crt';
const URL_SET = { LETSENCRYPT_URL: 'https://ca/dir', MARATHON_URL: 'http://m:8080' };
const lego = (env: Record<string, string>, there: string[] = []) =>
  readVariables('letsencrypt-marathon-lb', env, (path) => there.includes(path));

const NO_DNS =
  'LETSENCRYPT_VERIFICATION_METHOD is dns, and DNS-01 is not supported: list the names in the HAPROXY_0_VHOST label and set it to http';

describe('readVariables() of letsencrypt-marathon-lb', () => {
  it.each([
    [
      { LETSENCRYPT_VERIFICATION_METHOD: 'dns', DOMAINS: 'a.example,b.example', DNSPROVIDER: 'route53' },
      [NO_DNS],
    ],
    [
      { LETSENCRYPT_VERIFICATION_METHOD: 'dns', DOMAINS: 'example.com,*.example.com' },
      [
        NO_DNS,
        'DOMAINS has the wildcard *.example.com, which no CA gives without DNS-01: list the hosts that it stands for',
      ],
    ],
    [{ LETSENCRYPT_VERIFICATION_METHOD: 'tls' }, ['LETSENCRYPT_VERIFICATION_METHOD is neither http nor dns']],
  ])('refuses %j in a sentence each', (env, refusals) => {
    expect(lego({ ...URL_SET, ...env }).refusals).toEqual(refusals);
  });

  it.each([
    [{ LETSENCRYPT_VERIFICATION_METHOD: 'http' }, ['LETSENCRYPT_VERIFICATION_METHOD']],
    [{ DNSPROVIDER: 'route53', AWS_REGION: 'eu-west-1' }, ['DNSPROVIDER']],
    [{ DOMAINS: '*.example.com' }, ['DOMAINS']],
    [{ AWS_ACCESS_KEY_ID: 'x' }, []],
  ])('takes %j, which never counted without DNS-01, with a line each', (env, options) => {
    const { notices, refusals } = lego({ ...URL_SET, ...env });

    expect(notices.map(({ option }) => option)).toEqual(options);
    expect(refusals).toEqual([]);
  });

  it('asks the test CA when no CA is named, as the image did, and the Marathon of a strict cluster', () => {
    expect(lego({}, ['/box/.ssl/ca-bundle.crt']).defaults).toEqual({
      acmeDirectory: 'letsencrypt-staging',
      marathonUrl: 'https://marathon.mesos:8443',
    });
    expect(lego(URL_SET).defaults).toEqual({ marathonUrl: 'https://marathon.mesos:8443' });
  });

  it.each([
    ['the CA of DC/OS where it is in the sandbox', { MESOS_SANDBOX: '/box' }, [BUNDLE], BUNDLE, []],
    ['what it cannot verify where it is not', { MESOS_SANDBOX: '/box' }, [], undefined, ['marathonCaFile']],
    [
      'a CA that is named',
      { MESOS_SANDBOX: '/box', CERTATHON_MARATHON_CA_FILE: '/ca' },
      [BUNDLE],
      undefined,
      [],
    ],
    ['what Node was told', { MESOS_SANDBOX: '/box', NODE_EXTRA_CA_CERTS: '/ca' }, [], undefined, []],
  ])('trusts or says %s', (_what, env, there, file, options) => {
    const { defaults, notices } = lego({ LETSENCRYPT_URL: 'https://ca', ...env }, there);

    expect(defaults.marathonCaFile).toBe(file);
    expect(notices.map(({ option }) => option)).toEqual(options);
  });
});

describe('readVariables() of marathon-acme', () => {
  it.each([
    [{ MARATHON_ACME_USER: '101:102' }, { user: '101:102' }, ['user']],
    [{ MARATHON_ACME_USER: 'marathon-acme' }, {}, ['MARATHON_ACME_USER']],
    [{ VAULT_ADDR: 'https://vault', VAULT_TOKEN: 'x' }, {}, ['VAULT_ADDR']],
    [{}, {}, []],
  ])('reads %j', (env, defaults, options) => {
    const result = readVariables('marathon-acme', env, () => false);

    expect(result.defaults).toEqual(defaults);
    expect(result.notices.map(({ option }) => option)).toEqual(options);
    expect(result.refusals).toEqual([]);
  });
});
