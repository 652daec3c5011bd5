// pure
import { splitList } from './kinds.ts';
import { type Env, isSet, type Predecessor, type Translation } from './predecessor.ts';

/** What the variables of a definition mean beside those that options take by name (`also` in the table). */
export interface VariablesRead extends Translation {
  /** By name of option: what the predecessor does without the variable, or what another variable says. */
  defaults: Record<string, string>;
}

/** Pure but for `exists`. */
export function readVariables(
  predecessor: Predecessor,
  env: Env,
  exists: (path: string) => boolean,
): VariablesRead {
  const result: VariablesRead = { defaults: {}, notices: [], refusals: [] };
  if (predecessor === 'letsencrypt-marathon-lb') readLego(env, exists, result);
  if (predecessor === 'marathon-acme') readMarathonAcme(env, result);
  return result;
}

/** Where DC/OS 1.10 and newer put the certificates of its own CA into each task. @source DC/OS 1.10 release notes */
const DCOS_CA = '.ssl/ca-bundle.crt';

function readLego(
  env: Env,
  exists: (path: string) => boolean,
  { defaults, notices, refusals }: VariablesRead,
): void {
  const method = env.LETSENCRYPT_VERIFICATION_METHOD?.trim() ?? '';
  if (method === 'dns') {
    refusals.push(
      'LETSENCRYPT_VERIFICATION_METHOD is dns, and DNS-01 is not supported: list the names in the HAPROXY_0_VHOST label and set it to http',
    );
    const wildcards = splitList(env.DOMAINS ?? '').filter((name) => name.includes('*'));
    if (wildcards.length > 0)
      refusals.push(
        `DOMAINS has the wildcard ${wildcards[0]}, which no CA gives without DNS-01: list the hosts that it stands for`,
      );
  } else if (method !== '' && method !== 'http') {
    refusals.push('LETSENCRYPT_VERIFICATION_METHOD is neither http nor dns');
  } else {
    if (method === 'http')
      notices.push({ option: 'LETSENCRYPT_VERIFICATION_METHOD', reason: 'HTTP-01 is the only way there is' });
    for (const name of ['DOMAINS', 'DNSPROVIDER'].filter((each) => isSet(env, each)))
      notices.push({ option: name, reason: 'it counts with DNS-01 only, as before' });
  }
  if (!isSet(env, 'LETSENCRYPT_URL')) {
    // Production would be a surprise: its limits, and a certificate where there was none that browsers trust.
    defaults.acmeDirectory = 'letsencrypt-staging';
    notices.push({ option: 'LETSENCRYPT_URL', reason: 'without it the test CA is asked, as before' });
  }
  defaults.marathonUrl = 'https://marathon.mesos:8443';
  const isTrustGiven = ['CERTATHON_MARATHON_CA_FILE', 'NODE_EXTRA_CA_CERTS'].some((name) => isSet(env, name));
  const isTls = !/^\s*http:/i.test(env.CERTATHON_MARATHON_URL ?? env.MARATHON_URL ?? '');
  if (isTrustGiven || !isTls) return;
  const bundle = `${env.MESOS_SANDBOX ?? ''}/${DCOS_CA}`;
  if (exists(bundle)) defaults.marathonCaFile = bundle;
  else
    notices.push({
      option: 'marathonCaFile',
      reason: `certificates of Marathon are verified now; ${DCOS_CA} is not in the sandbox, so name its CA unless Node knows it`,
    });
}

function readMarathonAcme(env: Env, { defaults, notices }: VariablesRead): void {
  const user = env.MARATHON_ACME_USER?.trim() ?? '';
  if (/^\d+(:\d+)?$/.test(user)) {
    defaults.user = user;
    notices.push({ option: 'user', given: 'MARATHON_ACME_USER', use: 'CERTATHON_USER', used: true });
  } else if (user !== '')
    notices.push({
      option: 'MARATHON_ACME_USER',
      reason: 'names of users are those of the old image: give the numbers, such as 1000:1000',
    });
  const vault = Object.keys(env).find((name) => name.startsWith('VAULT_') && isSet(env, name));
  if (vault !== undefined) notices.push({ option: vault, reason: 'it counts with --vault only, as before' });
}
