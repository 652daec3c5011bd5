import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Responder } from '../../../src/acme/responder.ts';
import { portsToOpen, startAtItsPort } from '../../../src/challenge-port.ts';
import { type Log, silentLog } from '../../../src/lib/log.ts';
import { appSchema } from '../../../src/marathon/app-schema.ts';

// Addresses of its own: the spare port is a fixed one.
const HOST = '127.91.0.1';
const opened: (Responder | Server)[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

const bridged = (...containerPorts: number[]) =>
  appSchema.parse({
    id: '/old',
    container: {
      docker: {
        ...{ image: 'x', network: 'BRIDGE' },
        portMappings: containerPorts.map((containerPort) => ({ containerPort })),
      },
    },
  });
const configured = { appId: '/old', challengePort: 31_002, adminPort: 31_003 };
const GUESSED = { challengePort: true, adminPort: true };

async function ports({ isGuessed = GUESSED, ownApp = async () => bridged(8000, 8001), appId = '/old' } = {}) {
  const { signal } = new AbortController();
  return portsToOpen({ config: { ...configured, appId }, isGuessed, ownApp, signal });
}

async function started(port: number, hasSpare = true) {
  const lines: unknown[] = [];
  const log: Log = {
    ...silentLog,
    error: (event: string, fields = {}) => void lines.push([event, fields]),
  };
  const responder = await startAtItsPort(
    { host: HOST, port, instance: 'one', answer: async () => undefined, log },
    hasSpare,
  );
  opened.push(responder);
  return { port: responder.port, lines };
}

async function taken(port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, HOST, resolve));
  opened.push(server);
}

describe('portsToOpen()', () => {
  const fails = async () => {
    throw new Error('no leader');
  };
  const CONFIGURED = { challengePort: 31_002, adminPort: 31_003 };
  const onHost = async () => appSchema.parse({ id: '/old', networks: [{ mode: 'host' }] });

  it.each([
    ['the ports that the definition maps, behind a bridge', {}, { challengePort: 8000, adminPort: 8001 }],
    ['what Marathon’s variables say, on the host’s network', { ownApp: onHost }, CONFIGURED],
    [
      'a second port as configured where only one is mapped',
      { ownApp: async () => bridged(80) },
      { challengePort: 80, adminPort: 31_003 },
    ],
    [
      'a port that an operator has said, and the mapping of the other one',
      { isGuessed: { challengePort: true, adminPort: false } },
      { challengePort: 8000, adminPort: 31_003 },
    ],
    ['what is configured, while Marathon is away', { ownApp: fails }, CONFIGURED],
    [
      'what is configured, where all is said',
      { isGuessed: { challengePort: false, adminPort: false } },
      CONFIGURED,
    ],
  ])('gives %s', async (_what, options, expected) => {
    expect(await ports(options)).toEqual(expected);
  });
});

describe('startAtItsPort()', () => {
  it('goes on at the spare port, and says what to do, when its own can not be opened', async () => {
    await taken(20_080);

    const { port, lines } = await started(20_080);

    expect(port).toBe(8080);
    expect(lines).toEqual([
      [
        'challenge.port',
        {
          ...{ code: 'PORT_UNUSABLE', port: 8080, hint: expect.stringContaining('CERTATHON_USER=0') },
          reason: `Cannot serve challenges on ${HOST}:20080: EADDRINUSE`,
        },
      ],
    ]);
  });

  it('ends where the spare port is no way out either, or none is wanted', async () => {
    await Promise.all([taken(8080), taken(20_080)]);

    await expect(started(20_080)).rejects.toMatchObject({ code: 'PORT_UNUSABLE' });
    await expect(started(20_080, false)).rejects.toMatchObject({ code: 'PORT_UNUSABLE' });
  });
});
