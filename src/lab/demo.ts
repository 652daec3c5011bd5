import { randomBytes } from 'node:crypto';
import { connect } from 'node:tls';
import { type Lab, startLab } from './cluster.ts';
import { webApp } from './definitions.ts';
import { type Load, type LoadReport, startLoad } from './load.ts';
import { followSidecar, type LogLine, type SidecarLog } from './sidecar-log.ts';

const NAMES = ['shop.example.com', 'www.example.com'];
const RATE = 50;
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
  const lab = await startLab({ slowFront: true });
  const token = randomBytes(16).toString('hex');
  const log = followSidecar(`${lab.directory}/tasks`, 'certathon.', newTeller(say));
  try {
    say(
      `    Marathon ${lab.marathon.url}   balancers ${lab.publicAgents.join(', ')}   fronts ${lab.front.address}, ${lab.slowFront?.address}   CA ${lab.authority.directoryUrl}`,
    );
    await lab.run(webApp('/shop', NAMES.join(','), 2));
    say(`    web app /shop runs for ${NAMES.join(' and ')}; HTTPS shows: ${await issuerAt(lab, undefined)}`);

    step('Starting Certathon as a task of this Marathon, from deploy/marathon/certathon.json');
    await lab.run(
      lab.sidecar({ env: { CERTATHON_DOMAINS: NAMES.join(', '), CERTATHON_ADMIN_TOKEN: token } }),
    );
    await log.next((line) => line.event === 'delivery.verified', PATIENCE_MS);
    const root = await lab.authority.root();
    say(`    HTTPS shows: ${await issuerAt(lab, root)}, verified against the CA's root`);

    step(
      `Renewing under load: ${RATE} HTTPS requests a second through each of two fronts, each on a connection of its own`,
    );
    const reports = await renewUnderLoad(lab, token, log, root);
    step('Summary');
    summarize(lab, reports, say);
    if (keep) await leaveRunning(lab, token, say, signal);
  } finally {
    log.stop();
    await lab.stop();
  }
  say(`\nDone in ${Math.round((Date.now() - startedMs) / 1000)} s; everything is stopped.`);
}

async function renewUnderLoad(
  lab: Lab,
  token: string,
  log: SidecarLog,
  root: string,
): Promise<{ front: string; report: LoadReport }[]> {
  const fronts = [
    { front: 'checks every second, retries', address: lab.front.address },
    { front: 'checks every 5 s, no retries', address: lab.slowFront?.address ?? lab.front.address },
  ];
  const loads = fronts.map(({ front, address }): { front: string; load: Load } => ({
    front,
    load: startLoad({
      address,
      port: lab.ports.https,
      servername: NAMES[0] as string,
      path: '/',
      freshConnections: true,
      ratePerSecond: RATE,
      ca: root,
      maxRequests: 20_000,
      maxSeconds: 180,
      timeoutMs: 10_000,
    }),
  }));
  try {
    const from = log.lines().length;
    await askToRenew(lab, token);
    await log.next((line) => line.event === 'certificate.issued', PATIENCE_MS, from);
    await log.next((line) => line.event === 'delivery.verified', PATIENCE_MS, from);
  } finally {
    await Promise.all(loads.map(({ load }) => load.stop()));
  }
  return Promise.all(loads.map(async ({ front, load }) => ({ front, report: await load.finished })));
}

/** The same call that an operator makes at the second port. */
async function askToRenew(lab: Lab, token: string): Promise<void> {
  const task = lab.marathon.tasks('/certathon')[0];
  const answer = await fetch(`http://${task?.host}:${task?.ports[1]}/renew`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ now: true }),
  });
  if (answer.status !== 202) throw new Error(`The sidecar answered ${answer.status} to POST /renew`);
}

function summarize(
  lab: Lab,
  reports: { front: string; report: LoadReport }[],
  say: (line: string) => void,
): void {
  for (const { front, report } of reports) {
    const repeated = report.repeated > 0 ? `, ${report.repeated} repeated on a new connection` : '';
    say(`    front that ${front}: ${report.requests} requests, ${report.failed} failed${repeated}`);
  }
  say(`    Delivery by environment restarts the balancers one after another, and stock marathon-lb cuts its
    connections when it stops: what failed, failed for that. Every answer came over a connection whose
    certificate was verified against the CA's root.`);
  const requests = lab.marathon.requests();
  const writes = requests.filter(({ method, path }) => method === 'PUT' && path === '/v2/apps/marathon-lb');
  const forced = requests.filter(({ query }) => query.includes('force'));
  say(`    ${writes.length} writes to the marathon-lb app, ${forced.length} requests by force`);
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

/** Who issued what the front serves. @param ca to verify against; the handshake fails when it does not */
function issuerAt(lab: Lab, ca: string | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(
      {
        host: lab.front.address,
        port: lab.ports.https,
        servername: NAMES[0] as string,
        ...(ca === undefined ? { rejectUnauthorized: false } : { ca }),
      },
      () => {
        const { issuer, subject, valid_to: until } = socket.getPeerCertificate();
        socket.end();
        resolve(
          `issuer ${issuer.CN ?? issuer.O ?? '-'}, subject ${subject.CN ?? subject.O ?? '-'}, until ${until}`,
        );
      },
    );
    socket.setTimeout(10_000, () => socket.destroy(new Error('No TLS handshake within 10 s')));
    socket.once('error', reject);
  });
}

/** The lines of the sidecar that tell the story, in one sentence each; what was just said is not said again. */
function newTeller(say: (text: string) => void): (line: LogLine) => void {
  let last: string | undefined;
  return (line) => {
    const sentence = sentenceOf(line);
    if (sentence === undefined || sentence === last) return;
    last = sentence;
    say(`    certathon: ${sentence}`);
  };
}

function sentenceOf(line: LogLine): string | undefined {
  const text = (value: unknown): string => (Array.isArray(value) ? value.join(', ') : String(value));
  switch (line.event) {
    case 'service.started':
      return `up, challenges on port ${line.challengePort}, status on port ${line.adminPort}`;
    case 'pass.step':
      return `next: ${line.do} (${line.reason})`;
    case 'route.checked':
      return `the challenge path of ${line.name} ${line.ok ? 'leads here' : `does not lead here: ${line.found}`}`;
    case 'account.registered':
      return 'account registered at the CA';
    case 'challenge.presented':
      return `challenge for ${line.name} is ready`;
    case 'challenge.validated':
      return `the CA reached it through the front and a balancer: ${line.name} is validated`;
    case 'certificate.issued':
      return `certificate issued for ${text(line.names)}, until ${line.expiresAt} (${line.durationMs} ms)`;
    case 'delivery.started':
      return `HAPROXY_SSL_CERT written, Marathon deploys ${line.deployment}`;
    case 'delivery.waiting':
      return line.reason === undefined && Number(line.newHealthy) > 0
        ? `${line.newHealthy} of ${line.instances} balancers run with it`
        : undefined;
    case 'delivery.verified':
      return `proven by a TLS handshake with each of ${(line.balancers as unknown[]).length} balancers`;
    default:
      return line.level === 'error'
        ? `${line.event}: ${line.code ?? ''} ${line.reason ?? line.text ?? ''}`
        : undefined;
  }
}
