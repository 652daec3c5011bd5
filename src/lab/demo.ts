import { randomBytes } from 'node:crypto';
import { type Lab, startLab } from './cluster.ts';
import { webApp } from './definitions.ts';
import { issuerAt } from './demo-issuer.ts';
import { askByLabel } from './demo-label.ts';
import { moveToDirectory, RATE, renewUnderLoad, summaryOf } from './demo-renewals.ts';
import { newTeller } from './demo-told.ts';
import { followSidecar } from './sidecar-log.ts';

const SHOP = 'shop.example.com';
const NAMES = [SHOP, 'www.example.com'];
/** The first certificate and a renewal, on a slow machine too. */
const PATIENCE_MS = 120_000;

export interface DemoOptions {
  /** Leave everything running at the end, until the signal. */
  keep: boolean;
  say: (line: string) => void;
  signal: AbortSignal;
}

/** The whole job once, told as it happens: a cluster comes up, gets its certificate, and renews it under load.
 * @throws Error when anything is not as it should be */
export async function runDemo({ keep, say, signal }: DemoOptions): Promise<void> {
  const startedMs = Date.now();
  const step = (text: string): void =>
    say(`\n[${((Date.now() - startedMs) / 1000).toFixed(0).padStart(3)} s] ${text}`);
  step(
    'Starting a small Marathon, two marathon-lb balancers (real HAProxy), two fronts and Pebble, all on loopback',
  );
  const lab = await startLab({ slowFront: true, sharedDirectory: true, isDirectoryLoaded: false });
  const token = randomBytes(16).toString('hex');
  const log = followSidecar(`${lab.directory}/tasks`, 'certathon.', newTeller(say));
  try {
    say(
      `    Marathon ${lab.marathon.url}   balancers ${lab.publicAgents.join(', ')}   fronts ${lab.front.address}, ${lab.slowFront?.address}   CA ${lab.authority.directoryUrl}`,
    );
    await lab.run(webApp('/shop', NAMES.join(','), 2));
    say(
      `    web app /shop runs for ${NAMES.join(' and ')}; HTTPS shows: ${await issuerAt(lab, SHOP, undefined)}`,
    );

    step('Starting Certathon as a task of this Marathon, from deploy/marathon/certathon.json');
    await lab.run(
      lab.sidecar({ env: { CERTATHON_DOMAINS: NAMES.join(', '), CERTATHON_ADMIN_TOKEN: token } }),
    );
    await log.next((line) => line.event === 'delivery.verified', PATIENCE_MS);
    const root = await lab.authority.root();
    say(`    HTTPS shows: ${await issuerAt(lab, SHOP, root)}, verified against the CA's root`);

    step(
      `Renewing by restart, under load: ${RATE} HTTPS requests a second through each of two fronts, each on a connection of its own`,
    );
    const byRestart = await renewUnderLoad({ lab, token, log, root, name: SHOP });

    step('Moving to a directory that the balancers share: one last restart, and no key in the app any more');
    await moveToDirectory(lab, log);
    say(`    HTTPS shows: ${await issuerAt(lab, SHOP, root)}, from ${lab.sharedDirectory}/certs`);

    step('Renewing by directory, under the same load');
    const byDirectory = await renewUnderLoad({ lab, token, log, root, name: SHOP });

    step('Another app asks for a certificate of its own, by a label: CERTATHON_0_DOMAIN=blog.example.com');
    const { shows, tookMs } = await askByLabel(lab, log, root);
    say(`    ${(tookMs / 1000).toFixed(1)} s after it was deployed, HTTPS shows: ${shows}`);

    step('Summary');
    say(summaryOf(byRestart, byDirectory));
    const requests = lab.marathon.requests();
    const forced = requests.filter(({ query }) => query.includes('force'));
    say(`    ${forced.length} of the requests to Marathon were by force`);
    const failed = byDirectory.fronts.reduce((sum, { report }) => sum + report.failed, 0);
    if (failed > 0)
      throw new Error(`${failed} requests failed while the certificate was renewed by directory`);
    if (keep) await leaveRunning(lab, token, say, signal);
  } finally {
    log.stop();
    await lab.stop();
  }
  say(`\nDone in ${Math.round((Date.now() - startedMs) / 1000)} s; everything is stopped.`);
}

async function leaveRunning(
  lab: Lab,
  token: string,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const task = lab.marathon.tasks('/certathon')[0];
  const admin = `http://${task?.host}:${task?.ports[1]}`;
  const { front, ports, marathon } = lab;
  const https = ports.https === 443 ? '' : `:${ports.https}`;
  say(`\nStill running until Ctrl-C. Try:
    curl -k --resolve shop.example.com:${ports.https}:${front.address} https://shop.example.com${https}/
    curl ${admin}/status.json
    curl -X POST -H 'Authorization: Bearer ${token}' -H 'Content-Type: application/json' -d '{"now":true}' ${admin}/renew
    curl -u ${marathon.user}:${marathon.password} ${marathon.url}/v2/apps/marathon-lb
    curl -u ${marathon.user}:${marathon.password} -X PUT -H 'Content-Type: application/json' -d '{"noLeader":true}' ${marathon.url}/lab/faults
  Logs of every task: ${lab.directory}/tasks`);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
