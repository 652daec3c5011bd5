import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createAccountKey } from '../../../src/acme/account-key.ts';
import { openAccountStore } from '../../../src/certificates/store-accounts.ts';
import {
  runAccountDeactivate,
  runAccountRegister,
  runAccountRollover,
  runAccountShow,
} from '../../../src/cli/account.ts';
import type { RunCommand } from '../../../src/cli/run-command.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { CommandName } from '../../../src/config/option.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { CertathonError } from '../../../src/lib/errors.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { startPebble, type TestPebble } from '../../support/pebble.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const directory = temporaryDirectory();
const HMAC = 'c2VjcmV0LW9mLWFuLWV4dGVybmFsLWFjY291bnQ';
let pebble: TestPebble;
beforeAll(async () => {
  const externalAccounts = { 'kid-1': HMAC };
  pebble = await startPebble({ challengeHost: '127.0.0.1', challengePort: 1, externalAccounts });
});
afterAll(() => pebble?.stop());

const COMMANDS = {
  'account show': runAccountShow,
  'account register': runAccountRegister,
  'account rollover': runAccountRollover,
  'account deactivate': runAccountDeactivate,
} satisfies Partial<Record<CommandName, RunCommand>>;

const store = () => join(directory.path, 'store');

/** The command in this process. @returns its status or code, and what it printed or failed with */
async function run(
  command: keyof typeof COMMANDS,
  flags: Record<string, unknown> = {},
): Promise<[number | string, string]> {
  writeFileSync(join(directory.path, 'ca.pem'), pebble.caPem);
  const { config } = loadConfig({
    command,
    env: {},
    flags: {
      ...{ store: store(), acmeDirectory: pebble.directoryUrl, acmeCaFile: join(directory.path, 'ca.pem') },
      ...{ acmeEabKid: 'kid-1', acmeEabHmacKey: HMAC, acmeEmail: 'ops@example.com', ...flags },
    },
  });
  const printed: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed.push(String(text));
    return true;
  });
  try {
    const { signal } = new AbortController();
    const status = await COMMANDS[command]({ config, clock: systemClock, log: silentLog, signal });
    return [status, printed.join('')];
  } catch (error) {
    return error instanceof CertathonError ? [error.code, error.message] : ['', String(error)];
  } finally {
    write.mockRestore();
  }
}

const stored = async () => (await openAccountStore(store(), pebble.directoryUrl)).read();

describe('certathon account', () => {
  it('has nothing to show, to change or to end at first, and makes no account by that', async () => {
    const shown = await run('account show');

    expect(shown).toEqual([
      0,
      `CA            ${pebble.directoryUrl}\naccount       none yet: the first order makes one\n`,
    ]);
    expect((await run('account rollover'))[0]).toBe('CONFIG_INVALID');
    expect((await run('account deactivate', { yes: true }))[0]).toBe('CONFIG_INVALID');
    expect(await stored()).toBeUndefined();
  });

  it('registers a bound account, changes its key, ends it, and makes another one', async () => {
    const registered = await run('account register');
    const first = await stored();
    const rolled = await run('account rollover', { json: true });
    const second = await stored();
    const shown = JSON.parse((await run('account show', { json: true }))[1]) as { accounts: object[] };
    const ended = await run('account deactivate', { yes: true });
    const again = await run('account deactivate', { yes: true });
    const over = await run('account show');
    const anew = await run('account register');
    const third = await stored();

    expect(registered).toEqual([0, `the account ${first?.url} at ${pebble.directoryUrl} is registered\n`]);
    expect(JSON.parse(rolled[1])).toMatchObject({ directoryUrl: pebble.directoryUrl, account: first?.url });
    expect([second?.url, second?.keyPem === first?.keyPem]).toEqual([first?.url, false]);
    expect(shown.accounts).toEqual([
      expect.objectContaining({
        ...{ ca: pebble.directoryUrl, key: 'stored', url: first?.url, status: 'valid' },
        ...{ thumbprint: JSON.parse(rolled[1]).thumbprint, contact: ['mailto:ops@example.com'] },
      }),
    ]);
    expect([ended[0], ended[1].endsWith('is deactivated\n')]).toEqual([0, true]);
    expect(again[1]).toMatch(/had been deactivated before\n$/);
    expect(over[1]).toContain('status        deactivated');
    expect([anew[0], third?.url === first?.url, third?.deactivatedAt]).toEqual([0, false, undefined]);
    expect([registered, rolled, shown, ended, over].join()).not.toContain('PRIVATE KEY');
  });

  it('names the options when the CA wants an external account', async () => {
    const [code] = await run('account register', { acmeEabKid: undefined, acmeEabHmacKey: undefined });

    expect(code).toBe('EXTERNAL_ACCOUNT_MISSING');
  });

  it('asks before it ends an account, and changes no key that was given', async () => {
    const [unasked, words] = await run('account deactivate');
    const [given, reason] = await run('account rollover', { acmeAccountKey: createAccountKey() });

    expect([unasked, words]).toEqual(['CONFIG_INVALID', expect.stringContaining('add --yes')]);
    expect([given, reason]).toEqual(['CONFIG_INVALID', expect.stringContaining('--acme-account-key')]);
  });

  it('takes the CA by its name, and ends with the status of what kept it from asking', async () => {
    const away = { acmeDirectory: 'https://127.0.0.1:9/dir', ca: 'https://127.0.0.1:9/dir' };
    const accounts = await openAccountStore(store(), away.ca);
    await accounts.saveKey(createAccountKey());

    const [status, text] = await run('account show', away);

    expect(status).toBe(21);
    expect(text).toContain('status        not known: ');
  });
});
