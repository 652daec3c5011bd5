import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAcmeClient } from '../../../src/acme/client.ts';
import { type Responder, startResponder } from '../../../src/acme/responder.ts';
import { failedNames } from '../../../src/certificates/set-aside.ts';
import { tryAtStaging } from '../../../src/certificates/staging-trial.ts';
import { openAccountStore } from '../../../src/certificates/store-accounts.ts';
import { openChallengeStore } from '../../../src/certificates/store-challenges.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import type { CertathonError } from '../../../src/lib/errors.ts';
import { type EventName, silentLog } from '../../../src/lib/log.ts';
import { startPebble, type TestPebble } from '../../support/pebble.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const directory = temporaryDirectory();
let answer: (token: string) => Promise<string | undefined> = async () => undefined;
let responder: Responder;
/** The test CA. */
let pebble: TestPebble;

beforeAll(async () => {
  const at = { host: '127.0.0.1', port: 0, instance: 'test', log: silentLog };
  responder = await startResponder({ ...at, answer: (token) => answer(token) });
  pebble = await startPebble({
    challengeHost: '127.0.0.1',
    challengePort: responder.port,
    blockedNames: ['blocked.example.com'],
  });
});
afterAll(async () => {
  await pebble?.stop();
  await responder?.close();
});

async function trial(names: string[], { directoryUrl = pebble.directoryUrl, answers = true } = {}) {
  const challenges = await openChallengeStore(directory.path);
  answer = answers ? challenges.answer : async () => undefined;
  const events: EventName[] = [];
  const note = (event: EventName) => void events.push(event);
  const { signal } = new AbortController();
  const log = { debug: note, info: note, warn: note, error: note, flush: () => undefined };
  const shared = { directoryUrl, challenges, clock: systemClock, log, signal };
  const outcome = await tryAtStaging(names, {
    ...shared,
    accounts: await openAccountStore(directory.path, directoryUrl),
    openAcme: (accountKeyPem) => createAcmeClient({ ...shared, caPem: pebble.caPem, accountKeyPem }),
    givenKeyPem: undefined,
    contact: [],
  }).catch((error: CertathonError) => error);
  return { outcome, events };
}

describe('tryAtStaging()', () => {
  it('lets a certificate be issued at the test CA, and keeps nothing of it', async () => {
    const { outcome, events } = await trial(['a.example.com', 'b.example.com']);

    expect([outcome, events.at(-1)]).toEqual([undefined, 'order.staged']);
    expect(events).not.toContain('certificate.issued');
  });

  it('fails as the real CA would, with the names that are to blame', async () => {
    const names = ['c.example.com', 'blocked.example.com'];
    const refused = (await trial(names)).outcome as CertathonError;
    const unproven = (await trial(['d.example.com'], { answers: false })).outcome as CertathonError;

    expect([refused.code, failedNames(refused, names)]).toEqual(['ACME_REFUSED', ['blocked.example.com']]);
    expect(refused.message).toContain(`At the test CA ${pebble.host}:14000: `);
    expect(unproven.code).toBe('ACME_CHALLENGE_FAILED');
  });

  it('is passed over with a warning when the test CA is away', async () => {
    const { outcome, events } = await trial(['e.example.com'], {
      directoryUrl: 'https://127.0.0.1:9/dir',
    });

    expect([outcome, events.at(-1)]).toEqual([undefined, 'order.staging-skipped']);
  });
});
