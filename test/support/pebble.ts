import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { get as httpsGet } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { ended } from './ended.ts';

export interface PebbleOptions {
  /** Where the CA finds every name, that is where the responder listens. */
  challengeHost: string;
  challengePort: number;
  /** Percentage of good nonces refused; default 0. */
  nonceReject?: number;
  /** Percentage of valid authorizations handed out again; default 0. */
  authorizationReuse?: number;
  /** key id → HMAC key in base64url; when given, accounts must be bound to one. */
  externalAccounts?: Record<string, string>;
  blockedNames?: string[];
  /** Further roots, each with a chain of its own for every certificate; default 0. */
  alternateRoots?: number;
  /** Issuers between a certificate and the root; default 1. */
  chainLength?: number;
}

/** A real Pebble with its DNS, on a loopback address of its own. */
export interface TestPebble {
  host: string;
  directoryUrl: string;
  /** What its HTTPS shows, good for any port of `host`. */
  tls: { cert: string; key: string };
  /** Trust for its HTTPS. */
  caPem: string;
  /** The root of the certificates it issues: of the usual chain, or of an alternative one. */
  rootPem(number?: number): Promise<string>;
  /** What the CA itself says of a certificate: `Valid`, or `Revoked` with the code of the reason. */
  statusOf(certificatePem: string): Promise<{ Status: string; Reason?: number }>;
  /** CAA records that its DNS has from now on; none take them away. */
  setCaa(host: string, policies: readonly { tag: string; value: string }[]): Promise<void>;
  /** Ends the CA and starts another at the same address: it knows no account, order or nonce of before. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 15_000;

/** Starts Pebble without its sleeps, and challtestsrv as its DNS that finds every name at the responder. */
export async function startPebble(options: PebbleOptions): Promise<TestPebble> {
  // An address nobody else uses makes fixed ports free ones.
  const host = `127.${random(20, 220)}.${random(1, 250)}.${random(1, 250)}`;
  const folder = mkdtempSync(join(tmpdir(), 'certathon-pebble-'));
  const config = writeConfig(folder, host, options);
  const children: ChildProcess[] = [];

  const startCa = async () => {
    const child = spawn('pebble', ['-config', config, '-dnsserver', `${host}:8053`, '-strict=true'], {
      stdio: 'ignore',
      env: {
        ...process.env,
        PEBBLE_VA_NOSLEEP: '1',
        PEBBLE_WFE_NONCEREJECT: String(options.nonceReject ?? 0),
        PEBBLE_AUTHZREUSE: String(options.authorizationReuse ?? 0),
        PEBBLE_ALTERNATE_ROOTS: String(options.alternateRoots ?? 0),
        PEBBLE_CHAIN_LENGTH: String(options.chainLength ?? 1),
      },
    });
    children.push(child);
    await accepting(host, 14000, child);
    return child;
  };
  const stop = async () => {
    await Promise.all(children.map(ended));
    rmSync(folder, { recursive: true, force: true });
  };

  try {
    const challtestsrv = spawn(
      'pebble-challtestsrv',
      ['-dns01', `${host}:8053`, '-management', `${host}:8055`, '-defaultIPv4', options.challengeHost].concat(
        ['-defaultIPv6', '', '-http01', '', '-https01', '', '-tlsalpn01', ''],
      ),
      { stdio: 'ignore' },
    );
    children.push(challtestsrv);
    await accepting(host, 8055, challtestsrv);
    let ca = await startCa();
    const caPem = readFileSync(join(folder, 'cert.pem'), 'utf8');
    return {
      host,
      tls: { cert: caPem, key: readFileSync(join(folder, 'key.pem'), 'utf8') },
      directoryUrl: `https://${host}:14000/dir`,
      caPem,
      rootPem: (number = 0) => get(`https://${host}:15000/roots/${number}`, caPem),
      statusOf: async (certificatePem) => {
        const { serialNumber } = new X509Certificate(certificatePem);
        const url = `https://${host}:15000/cert-status-by-serial/${serialNumber}`;
        return JSON.parse(await get(url, caPem)) as { Status: string; Reason?: number };
      },
      setCaa: async (name, policies) => {
        const path = policies.length === 0 ? 'clear-caa' : 'add-caa';
        const body = JSON.stringify({ host: name, policies });
        const answer = await fetch(`http://${host}:8055/${path}`, { method: 'POST', body });
        if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
      },
      restart: async () => {
        await ended(ca);
        ca = await startCa();
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function writeConfig(folder: string, host: string, options: PebbleOptions): string {
  const [certificate, privateKey] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
      .concat(['-keyout', privateKey, '-out', certificate, '-subj', '/CN=pebble'])
      .concat(['-addext', `subjectAltName=IP:${host}`]),
    { stdio: 'ignore' },
  );
  const path = join(folder, 'pebble.json');
  const pebble = {
    listenAddress: `${host}:14000`,
    managementListenAddress: `${host}:15000`,
    certificate,
    privateKey,
    httpPort: options.challengePort,
    tlsPort: 1,
    domainBlocklist: options.blockedNames ?? [],
    externalAccountBindingRequired: options.externalAccounts !== undefined,
    externalAccountMACKeys: options.externalAccounts ?? {},
  };
  writeFileSync(path, JSON.stringify({ pebble }));
  return path;
}

async function get(url: string, ca: string): Promise<string> {
  const request = httpsGet(url, { ca, agent: false });
  const [reply] = (await once(request, 'response')) as [IncomingMessage];
  return text(reply);
}

async function accepting(host: string, port: number, child: ChildProcess): Promise<void> {
  const deadlineMs = Date.now() + READY_WITHIN_MS;
  child.once('error', () => undefined);
  while (Date.now() < deadlineMs && child.exitCode === null) {
    const socket = connect({ host, port });
    const isOpen = await Promise.race([
      once(socket, 'connect').then(
        () => true,
        () => false,
      ),
      delay(1_000, false),
    ]);
    socket.destroy();
    if (isOpen) return;
    await delay(20);
  }
  throw new Error(`${child.spawnfile} does not listen on ${host}:${port} (exit status ${child.exitCode})`);
}

function random(from: number, to: number): number {
  return from + Math.floor(Math.random() * (to - from));
}
