import type { Cas } from './ca.ts';
import { orderWhereAllowed } from './ca-order.ts';
import type { CaRules } from './ca-rules.ts';
import { checkCaa } from './certificates/caa-check.ts';
import type { openCaaLookup } from './certificates/caa-lookup.ts';
import type { ExecuteTools } from './certificates/execute.ts';
import type { Limits } from './certificates/limits/budgets.ts';
import { obtainCertificate } from './certificates/order.ts';
import { renewalVerdict } from './certificates/renewal.ts';
import { infoOf } from './certificates/renewal-info.ts';
import { replacedBy } from './certificates/replaced.ts';
import { tryRoutes } from './certificates/route-trial.ts';
import { tryAtStaging } from './certificates/staging-trial.ts';
import type { ChallengeStore } from './certificates/store-challenges.ts';
import { revokedBy } from './certificates/store-revocations.ts';
import type { StoreSet } from './certificates/store-set.ts';
import { givenStagings } from './config/ca-options.ts';
import type { Config } from './config/config.ts';
import { stagingOf } from './config/known-cas.ts';
import { keyHash } from './delivery/bundle.ts';
import type { Finding } from './finding.ts';
import type { Clock } from './lib/clock.ts';
import type { KeyType } from './lib/key-types.ts';
import type { Log } from './lib/log.ts';
import { policyOf } from './policy.ts';

/** What orders work with, beside what belongs to one certificate. */
export interface ObtainingTools {
  config: Config;
  stores: StoreSet;
  challenges: ChallengeStore;
  cas: Cas;
  caRules: CaRules;
  caLimits: Limits;
  lookUpCaa: ReturnType<typeof openCaaLookup>;
  finding: Finding;
  answer: (token: string) => Promise<string | undefined>;
  mostBytes: number;
  clock: Clock;
  log: Log;
}

/** How certificates are obtained by the options: from which CA, by which account, profile and key, after which checks. */
export function createObtain(tools: ObtainingTools): ExecuteTools['obtain'] {
  const { config, stores, challenges, cas, caRules, caLimits, lookUpCaa, finding, answer } = tools;
  const { mostBytes, clock, log } = tools;
  const stagings = givenStagings(config);

  return (wanted, names, dueByClock, stagingFirst, stop) => {
    const store = stores.of(wanted.id);
    const elsewhere = { cas: caRules.cas, caaMode: config.routeCheck, store, clock, log };
    return orderWhereAllowed(wanted, order, elsewhere);

    async function order(certificate: typeof wanted, caaMode: Config['routeCheck']) {
      const { choice, directoryUrl } = certificate;
      const { profile, isProfileRequired, trust, isTest } = caRules.of(directoryUrl);
      const testCa = stagingFirst ? stagingOf(directoryUrl, stagings) : undefined;
      const budget = caLimits.of(certificate, names);
      const { problems } = await obtainCertificate(names, dueByClock, {
        ...(await cas.of(directoryUrl)),
        ...{ store, challenges, budget, directoryUrl, isProfileRequired, isTest, trust, mostBytes },
        ...{ clock, log, signal: stop },
        profile: choice.profile ?? profile,
        stagingOverReal: config.stagingOverReal,
        keyType: (choice.keyType as KeyType | undefined) ?? config.keyType,
        reuseKey: config.reuseKey,
        isKeyLost: async (keyPem) => revokedBy(await stores.revocations.list()).lostKeys.has(keyHash(keyPem)),
        preferredChain: config.preferredChain,
        replaces: config.ignoreRenewalInfo ? undefined : await replacedBy(store, directoryUrl),
        checkCaa: (asked, who) =>
          checkCaa(asked, directoryUrl, who, { mode: caaMode, lookUp: lookUpCaa, log }),
        checkRoutes: (tried) =>
          tryRoutes(tried, {
            mode: config.routeCheck,
            waitMs: config.routeWaitMs,
            httpPort: config.httpPort,
            httpsPort: config.httpsPort,
            dnsServers: config.dnsServers,
            balancers: finding.challengePlaces,
            ...{ challenges, answer, clock, log, signal: stop },
          }),
        tryAtStaging:
          testCa === undefined
            ? undefined
            : async (tried) =>
                tryAtStaging(tried, {
                  ...(await cas.of(testCa)),
                  ...{ directoryUrl: testCa, challenges, clock, log, signal: stop },
                }),
        isDueAt: async (time, due) =>
          renewalVerdict(
            (await store.current())?.stored,
            due,
            { ...policyOf(config), forced: false },
            time,
            infoOf(certificate),
          ).due,
      }).catch(budget.failed);
      return problems;
    }
  };
}
