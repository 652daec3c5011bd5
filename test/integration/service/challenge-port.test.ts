import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Responder } from '../../../src/acme/responder.ts';
import { startAtItsPort } from '../../../src/challenge-port.ts';
import type { Config } from '../../../src/config/config.ts';
import { type Log, silentLog } from '../../../src/lib/log.ts';
import { appSchema } from '../../../src/marathon/app-schema.ts';

// Addresses of its own: the spare port is a fixed one.
const HOST = '127.91.0.1';
const opened: (Responder | Server)[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

const bridged = (containerPort: number) =>
  appSchema.parse({
    id: '/old',
    container: { docker: { image: 'x', network: 'BRIDGE', portMappings: [{ containerPort }] } },
  });

async function started(
  challengePort: number,
  { isGuessed = true, ownApp = async () => bridged(challengePort) } = {},
) {
  const lines: unknown[] = [];
  const note = (event: string, fields = {}) => void lines.push([event, fields]);
  const log: Log = { ...silentLog, info: note, error: note };
  const config = { challengePort, appId: '/old' } as Config;
  const options = { host: HOST, instance: 'one', answer: async () => undefined, log };
  const responder = await startAtItsPort(options, {
    ...{ config, isGuessed, ownApp, signal: new AbortController().signal },
  });
  opened.push(responder);
  return { port: responder.port, lines };
}

async function taken(port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, HOST, resolve));
  opened.push(server);
}

describe('startAtItsPort()', () => {
  it('listens where the definition of the app leads, which knows better than a habit', async () => {
    const { port, lines } = await started(20_080, { ownApp: async () => bridged(20_081) });

    expect(port).toBe(20_081);
    expect(lines).toEqual([['challenge.port', { port: 20_081, reason: 'the definition of /old maps it' }]]);
  });

  it('needs no Marathon', async () => {
    const { port, lines } = await started(20_080, {
      ownApp: async () => {
        throw new Error('no leader');
      },
    });

    expect([port, lines]).toEqual([20_080, []]);
  });

  it('does not ask where an operator has said it', async () => {
    const { port } = await started(20_080, { isGuessed: false, ownApp: async () => bridged(20_081) });

    expect(port).toBe(20_080);
  });

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

  it('ends where the spare port is no way out either, or an operator chose the port', async () => {
    await Promise.all([taken(8080), taken(20_080)]);

    await expect(started(20_080)).rejects.toMatchObject({ code: 'PORT_UNUSABLE' });
    await expect(started(20_080, { isGuessed: false })).rejects.toMatchObject({ code: 'PORT_UNUSABLE' });
  });
});
