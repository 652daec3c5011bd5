import { isKeyLost } from '../certificates/store-revocations.ts';
import type { Revocation } from '../certificates/store-schema.ts';
import { versionsOf } from '../certificates/versions.ts';
import { bundleKey, keyHash } from '../delivery/bundle.ts';
import { renew } from '../service.ts';
import { end, isMeant } from './certificates-change.ts';
import { namedCertificate, namedVersion, readOnlyStores } from './certificates-named.ts';
import { print } from './renew.ts';
import type { RunCommand } from './run-command.ts';

/** `certathon revoke`: written down, revoked, ordered anew and delivered in one pass. Whatever ends it in between, the
 * next pass of anything goes on. */
export const runRevoke: RunCommand = async (running) => {
  const { config, clock } = running;
  const stores = await readOnlyStores(running);
  const entry = await namedCertificate(running, stores);
  const { id, stored, record } = entry;
  const bundle = await namedVersion(running, stores, entry, 'revoke');
  const { facts } = bundle;
  const { reason, by } = config;
  const issuer = facts.fingerprint === stored?.fingerprint ? stored.issuedBy?.directoryUrl : undefined;
  const asked = {
    ...{ certificate: id, reason, by, askedAt: new Date(clock.nowMs()), state: 'asked' as const },
    directoryUrl: issuer ?? record?.choice.directoryUrl ?? config.acmeDirectory,
    keyHash: keyHash(bundleKey(bundle)),
  };
  const isLost = isKeyLost({ reason, by });
  // A lost key makes every version with it worthless.
  const alike = (await versionsOf(stores.of(id))).filter(
    (each) => each.keyHash === asked.keyHash && each.notAfter > asked.askedAt,
  );
  const revoked = isLost
    ? [facts, ...alike.filter((each) => each.fingerprint !== facts.fingerprint)]
    : [facts];
  const isCurrent = revoked.some((each) => each.fingerprint === stored?.fingerprint);
  const question = [
    `The CA revokes ${revoked.map((each) => each.fingerprint.slice(0, 16)).join(', ')} for ${facts.names.join(', ')} (${reason})`,
    isCurrent ? ', and another one is ordered and delivered' : '',
    isLost ? '; the key is never used again' : '',
    '. Revoke it?',
  ];
  if (!(await isMeant(question.join(''), running, 'revoke'))) return 0;
  const result = await renew(running, {
    forced: false,
    isAsked: true,
    before: async (writable) => {
      for (const { fingerprint: each, names } of revoked)
        await writable.revocations.save({ ...asked, fingerprint: each, names });
    },
  });
  const after = (await stores.revocations.list()).find((each) => each.fingerprint === facts.fingerprint);
  const status = end(running, result);
  if (!config.json) print(`${wordsOf(after?.state)}\n`);
  return status;
};

function wordsOf(state: Revocation['state'] | undefined): string {
  switch (state) {
    case 'revoked':
      return 'the certificate is revoked';
    case 'already':
      return 'the certificate had been revoked before';
    case 'asked':
      return 'the certificate is not revoked yet: the next pass asks the CA again';
    case 'refused':
      return 'the CA did not revoke the certificate; its key is not used any more all the same';
    default:
      return 'the CA did not revoke the certificate, and it stays in use';
  }
}
