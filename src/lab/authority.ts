import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { makeServerCertificate } from './authority-certificate.ts';
import { type LabDns, labDns } from './authority-dns.ts';
import { requireProgram, runToEnd, type StartedProcess, startProcess } from './process.ts';
import { freePort } from './subnet.ts';

export interface AuthorityOptions {
  /** Loopback address for the directory, its management and the DNS server. */
  address: string;
  /** Port that HTTP-01 validation dials; with any but 80 the Host header carries it. */
  httpPort: number;
  /** What every name resolves to, unless it is told otherwise. */
  frontAddress: string;
  /** For keys, certificates and logs; made when missing. */
  directory: string;
  /** Share of good nonces that are refused all the same. Default 5 percent, as Pebble's own. */
  nonceRejectPercent?: number;
  /** Waits up to 5 s before each validation. Default false. */
  sleeps?: boolean;
  /** Share of valid authorizations that are used again. Default 0 percent. */
  authorizationReusePercent?: number;
  /** Accounts need one of these: key id → base64url MAC key. */
  externalAccountBinding?: Record<string, string>;
  /** Names that are refused with rejectedIdentifier. */
  blocked?: readonly string[];
  /** Lifetime of certificates, seconds; only Pebble up to 2.6 takes it. */
  validitySeconds?: number;
  alternateRoots?: number;
}

export interface Authority {
  directoryUrl: string;
  /** CA file that a client must trust to speak to the directory. */
  caFile: string;
  /** `address:port` of the DNS server that validation asks. */
  dnsServer: string;
  managementUrl: string;
  dns: LabDns;
  /** PEM of the root that its certificates hang from; new at each start.
   * @param number of the alternate chain, 0 = the usual one */
  root(number?: number): Promise<string>;
  stop(): Promise<void>;
}

const START_MS = 20_000;
const LOOK_MS = 50;
const PACKAGE = 'pebble';

/** Starts a real Pebble and its DNS server. @throws Error naming the Debian package when they are missing */
export async function startAuthority(options: AuthorityOptions): Promise<Authority> {
  const programs = {
    pebble: requireProgram('pebble', PACKAGE),
    challtestsrv: requireProgram('pebble-challtestsrv', PACKAGE),
  };
  mkdirSync(options.directory, { recursive: true, mode: 0o700 });
  const { address } = options;
  const ports = {
    acme: await freePort(address),
    management: await freePort(address),
    dns: await freePort(address),
    dnsManagement: await freePort(address),
  };
  const files = writeFiles(options, ports);
  const dnsServer = `${address}:${ports.dns}`;
  const started: StartedProcess[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((each) => each.stop()));
  };
  const agent = new Agent({ connect: { ca: files.caPem }, keepAliveTimeout: 1 });
  const managementUrl = `https://${address}:${ports.management}`;
  const directoryUrl = `https://${address}:${ports.acme}/dir`;
  const get = async (url: string): Promise<string> => {
    const answer = await request(url, { dispatcher: agent });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`${url}: ${answer.statusCode} ${text}`);
    return text;
  };
  try {
    const { challtestsrv, pebble } = programs;
    started.push(await startDns(challtestsrv, options, dnsServer, `${address}:${ports.dnsManagement}`));
    started.push(
      await startProcess(pebble, ['-config', files.config, '-strict=false', '-dnsserver', dnsServer], {
        env: { ...process.env, ...pebbleEnvironment(options) },
        logFile: join(options.directory, 'pebble.log'),
      }),
    );
    await untilAnswered(() => get(directoryUrl), started);
    await untilAnswered(() => get(`${managementUrl}/roots/0`), started);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    directoryUrl,
    caFile: files.ca,
    dnsServer,
    managementUrl,
    dns: labDns(`http://${address}:${ports.dnsManagement}`),
    root: (number = 0) => get(`${managementUrl}/roots/${number}`),
    stop: async () => {
      await agent.close();
      await stop();
    },
  };
}

function writeFiles(
  options: AuthorityOptions,
  ports: { acme: number; management: number },
): { config: string; ca: string; caPem: string } {
  const path = (name: string): string => join(options.directory, name);
  const tls = makeServerCertificate([options.address]);
  writeFileSync(path('authority-ca.pem'), tls.caPem);
  writeFileSync(path('authority.pem'), tls.certificatePem);
  writeFileSync(path('authority-key.pem'), tls.keyPem, { mode: 0o600 });
  const pebble = {
    listenAddress: `${options.address}:${ports.acme}`,
    managementListenAddress: `${options.address}:${ports.management}`,
    certificate: path('authority.pem'),
    privateKey: path('authority-key.pem'),
    httpPort: options.httpPort,
    // TLS-ALPN-01 is of no use behind these balancers; the port must only be a port.
    tlsPort: 5001,
    ocspResponderURL: '',
    externalAccountBindingRequired: options.externalAccountBinding !== undefined,
    externalAccountMACKeys: options.externalAccountBinding ?? {},
    domainBlocklist: options.blocked ?? [],
    ...(options.validitySeconds === undefined ? {} : { certificateValidityPeriod: options.validitySeconds }),
  };
  writeFileSync(path('pebble.json'), JSON.stringify({ pebble }), { mode: 0o600 });
  return { config: path('pebble.json'), ca: path('authority-ca.pem'), caPem: tls.caPem };
}

/** The DNS flag was renamed in 2.10, so the program is asked how it is called. */
async function startDns(
  program: string,
  options: AuthorityOptions,
  dnsServer: string,
  management: string,
): Promise<StartedProcess> {
  const help = await runToEnd(program, ['-help']);
  const dnsFlag = help.output.includes('-dnsserver') ? '-dnsserver' : '-dns01';
  const unused = ['-http01', '-https01', '-tlsalpn01', '-doh'].filter((flag) =>
    help.output.includes(`${flag} `),
  );
  const off = unused.flatMap((flag) => [flag, '']);
  const names = ['-defaultIPv4', options.frontAddress, '-defaultIPv6', ''];
  return await startProcess(program, [dnsFlag, dnsServer, '-management', management, ...off, ...names], {
    logFile: join(options.directory, 'challtestsrv.log'),
  });
}

function pebbleEnvironment(options: AuthorityOptions): Record<string, string> {
  return {
    PEBBLE_WFE_NONCEREJECT: String(options.nonceRejectPercent ?? 5),
    // Orders side by side can make Pebble 2.4 wait for itself for ever (newOrder, an authorization and finalize hold
    // each other's locks): with one processor nothing comes between the taking of two locks.
    GOMAXPROCS: '1',
    PEBBLE_AUTHZREUSE: String(options.authorizationReusePercent ?? 0),
    PEBBLE_ALTERNATE_ROOTS: String(options.alternateRoots ?? 0),
    ...(options.sleeps === true ? {} : { PEBBLE_VA_NOSLEEP: '1' }),
  };
}

async function untilAnswered(ask: () => Promise<unknown>, started: StartedProcess[]): Promise<void> {
  const end = Date.now() + START_MS;
  for (;;) {
    try {
      await ask();
      return;
    } catch (cause) {
      const dead = started.find((each) => each.hasEnded());
      if (dead !== undefined)
        throw new Error(`The authority does not start: ${dead.lastOutput()}`, { cause });
      if (Date.now() > end) throw new Error('The authority does not answer', { cause });
    }
    await delay(LOOK_MS);
  }
}
