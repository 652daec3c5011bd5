import { openCas } from '../ca.ts';
import { openAccount } from '../certificates/account.ts';
import { changeAccountKey, settleKey } from '../certificates/account-key-change.ts';
import { deactivateAccount, lookAtAccount, withoutAccount } from '../certificates/account-look.ts';
import { storedAccounts } from '../certificates/store-accounts.ts';
import { withStoreLock } from '../certificates/store-lock.ts';
import { casInOrder } from '../config/ca-options.ts';
import { caName } from '../config/known-cas.ts';
import { CertathonError, ERRORS, type ErrorCode } from '../lib/errors.ts';
import { ensureDirectory } from '../lib/files.ts';
import { LOCK_WAIT_MS } from '../one-pass.ts';
import type { Running } from '../service.ts';
import { accountText } from './account-text.ts';
import { isMeant } from './certificates-change.ts';
import { print } from './renew.ts';
import type { RunCommand } from './run-command.ts';

/** `certathon account show`: the accounts at all CAs that options name or the store knows. */
export const runAccountShow: RunCommand = async ({ config, clock, log, signal }) => {
  const cas = openCas({ config, clock, log, signal, readOnly: true });
  const named = [...casInOrder(config), ...config.labelCas.map(({ directoryUrl }) => directoryUrl)];
  const all = [...named, ...(await storedAccounts(config.store))];
  const looks = [];
  for (const directoryUrl of new Set(config.ca === undefined ? all : [config.ca]))
    looks.push(await lookAtAccount(await cas.of(directoryUrl), signal));
  const shown = looks.map((look) => ({ ca: caName(look.directoryUrl), ...look }));
  print(
    config.json ? `${JSON.stringify({ accounts: shown }, null, 2)}\n` : shown.map(accountText).join('\n'),
  );
  const [problem] = looks.flatMap((look) => look.problem ?? []);
  return problem === undefined ? 0 : (ERRORS[problem.code as ErrorCode]?.exit ?? 1);
};

/** `certathon account register`: makes the account before the first order does, or one in the place of one that is over. */
export const runAccountRegister: RunCommand = (running) =>
  changing(running, async (tools) => {
    const { accounts, givenKeyPem } = tools;
    await settleKey(tools);
    const seen = await lookAtAccount(tools, running.signal);
    const isOver = seen.deactivatedAt !== undefined || ![undefined, 'valid', 'unknown'].includes(seen.status);
    if (isOver && givenKeyPem === undefined) await accounts.retire();
    const acme = await openAccount(tools);
    await acme.close();
    return { account: acme.accountUrl() ?? '', words: 'is registered' };
  });

/** `certathon account rollover` */
export const runAccountRollover: RunCommand = (running) =>
  changing(running, async (tools) => {
    const { accounts, givenKeyPem } = tools;
    if (givenKeyPem !== undefined)
      throw new CertathonError(
        'CONFIG_INVALID',
        `The key of the account at ${accounts.directoryUrl} is given by --acme-account-key, so its owner changes it: without that option the store goes on with its copy, and can change that`,
      );
    if ((await accounts.read()) === undefined) throw withoutAccount(accounts.directoryUrl);
    const acme = await openAccount(tools);
    try {
      const thumbprint = await changeAccountKey(acme, tools);
      const account = acme.accountUrl() ?? '';
      running.log.info('account.rolled-over', { directoryUrl: accounts.directoryUrl, account, thumbprint });
      return { account, thumbprint, words: `has a new key, with the thumbprint ${thumbprint}` };
    } finally {
      await acme.close();
    }
  });

/** `certathon account deactivate` */
export const runAccountDeactivate: RunCommand = async (running) => {
  const { config, clock, log } = running;
  const directoryUrl = config.ca ?? config.acmeDirectory;
  const question = `The account at ${directoryUrl} is over for good, and nothing is ordered or renewed there until another one is registered. Deactivate it?`;
  if (!(await isMeant(question, running, 'account deactivate'))) return 0;
  return changing(running, async (tools) => {
    const state = await deactivateAccount(tools, new Date(clock.nowMs()));
    log.info('account.deactivated', { directoryUrl, state });
    const account = (await tools.accounts.read())?.url ?? '';
    return {
      account,
      state,
      words: state === 'already' ? 'had been deactivated before' : 'is deactivated',
    };
  });
};

/** A change of one account, by the only writer of the store. */
async function changing(
  { config, clock, log, signal }: Running,
  work: (
    tools: Awaited<ReturnType<ReturnType<typeof openCas>['of']>>,
  ) => Promise<{ account: string; words: string } & Record<string, string>>,
): Promise<number> {
  const directoryUrl = config.ca ?? config.acmeDirectory;
  await ensureDirectory(config.store);
  return withStoreLock(config.store, { waitMs: LOCK_WAIT_MS, clock, log, signal }, async (lost) => {
    const stop = AbortSignal.any([signal, lost]);
    const cas = openCas({ config, clock, log, signal: stop, readOnly: false });
    const { words, ...facts } = await work(await cas.of(directoryUrl));
    const which = `the account ${facts.account} at ${caName(directoryUrl)}`.replace('  ', ' ');
    print(config.json ? `${JSON.stringify({ directoryUrl, ...facts }, null, 2)}\n` : `${which} ${words}\n`);
    return 0;
  });
}
