import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ended } from './ended.ts';
import { until } from './until.ts';

/** A real dnsmasq on a loopback address, which knows what it is told and nothing else. */
export interface TestDnsmasq {
  /** `127.x.y.z:PORT`. */
  server: string;
  /** What its hosts file says from now on: addresses by name. */
  setHosts(hosts: Readonly<Record<string, readonly string[]>>): Promise<void>;
  /** Ends it and everything it left; may be called twice. */
  stop(): Promise<void>;
}

const READY = 'ready.dnsmasq.test';

/** @param words further arguments: `--host-record=a.test,10.0.0.1`, `--srv-host=_a._tcp.test,a.test,443` */
export async function startDnsmasq(words: readonly string[] = []): Promise<TestDnsmasq> {
  const folder = mkdtempSync(join(tmpdir(), 'certathon-dnsmasq-'));
  const hostsFile = join(folder, 'hosts');
  writeFileSync(hostsFile, '', { mode: 0o644 });
  const random = () => 1 + Math.floor(Math.random() * 250);
  // An address nobody else uses, and a port that is free there.
  const host = `127.${20 + (random() % 200)}.${random()}.${random()}`;
  const port = await freePort(host);
  const child = spawn(
    'dnsmasq',
    ['--no-daemon', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', `--port=${port}`]
      .concat([`--listen-address=${host}`, '--bind-interfaces', `--pid-file=${join(folder, 'pid')}`])
      .concat(process.getuid?.() === 0 ? ['--user=root'] : [])
      .concat([`--addn-hosts=${hostsFile}`, `--host-record=${READY},127.0.0.1`, '--local=/test/', ...words]),
    // Debian keeps it where not every PATH looks.
    { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } },
  );
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  child.once('error', (error) => {
    said += error.message;
  });
  const stop = async () => {
    await ended(child);
    rmSync(folder, { recursive: true, force: true });
  };
  const server = `${host}:${port}`;
  const isKnown = async (name: string, address: string) => {
    const resolver = new Resolver({ timeout: 500, tries: 1 });
    resolver.setServers([server]);
    const found = address.includes(':') ? resolver.resolve6(name) : resolver.resolve4(name);
    return (await found).includes(address);
  };
  try {
    await until(`dnsmasq answers at ${server}`, () => isKnown(READY, '127.0.0.1'), 15_000);
  } catch (error) {
    await stop();
    throw new Error(`dnsmasq did not start: ${said}`, { cause: error });
  }
  let marks = 0;
  return {
    server,
    stop,
    setHosts: async (hosts) => {
      marks += 1;
      // The mark tells that the file was read: a signal is only a request.
      const mark = `127.0.${marks}.1`;
      const lines = Object.entries(hosts).flatMap(([name, addresses]) =>
        addresses.map((each) => `${each} ${name}`),
      );
      writeFileSync(hostsFile, [...lines, `${mark} mark.test`, ''].join('\n'));
      child.kill('SIGHUP');
      await until(`dnsmasq has read its hosts`, () => isKnown('mark.test', mark), 15_000);
    },
  };
}

async function freePort(host: string): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, host);
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}
