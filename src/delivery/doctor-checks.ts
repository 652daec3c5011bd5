// pure
import type { ErrorCode } from '../lib/errors.ts';
import type { App } from '../marathon/app-schema.ts';
import { LARGEST_TOTAL, LARGEST_VARIABLE } from './change.ts';
import { argumentChecks } from './doctor-arguments.ts';
import { frontChecks } from './doctor-front.ts';
import { predictRestart, type RestartPrediction } from './preflight.ts';
import { countsBase, mesosSeesHealth } from './restart-arithmetic.ts';

/** One line of the doctor. Codes are stable. */
export interface Check {
  level: 'ok' | 'note' | 'warn' | 'fail';
  code: string;
  /** The marathon-lb app it is about. */
  app?: string;
  sentence: string;
  /** What to do. */
  hint?: string;
  /** Of a failure: what a delivery would end with, and so the exit status. */
  error?: ErrorCode;
}

export interface DoctorFacts {
  marathonVersion: string | undefined;
  delivery: 'environment' | 'directory';
  /** The variable that the certificate goes to. */
  variable: string;
  hasSpareAgent: boolean | undefined;
  /** How long the balancer in front takes to use one again, when somebody said it. */
  front: { detectionMs: number; adminPort: number } | undefined;
  /** Labels of our own app, when the program runs as one. */
  ownLabels: Readonly<Record<string, string>> | undefined;
}

/** Everything about one marathon-lb app that decides how a delivery will go. Pure. */
export function checksOfApp(app: App, facts: DoctorFacts): Check[] {
  const prediction = predictRestart(app, facts);
  const checks = [
    ...balancerChecks(app),
    ...restartChecks(prediction, app, facts),
    ...frontChecks(app, facts),
    ...healthChecks(app, facts),
    ...argumentChecks(app, facts),
    ...sizeChecks(app, facts),
  ];
  return checks.map((check) => ({ ...check, app: app.id }));
}

function balancerChecks({ instances, tasks, deployments }: App): Check[] {
  const running = tasks.filter(({ state }) => state === 'TASK_RUNNING');
  const hosts = [...new Set(running.map(({ host }) => host))].sort().join(', ') || 'no agent';
  const sentence = `${running.length} of ${instances} balancers run, on ${hosts}`;
  const checks: Check[] = [
    running.length >= instances
      ? { level: instances === 0 ? 'note' : 'ok', code: 'APP', sentence }
      : {
          level: 'warn',
          code: 'APP',
          sentence,
          hint: 'Look at the launch queue and the last failure of the app in Marathon.',
        },
  ];
  if (deployments.length > 0)
    checks.push({
      level: 'note',
      code: 'LOCK',
      sentence: `A deployment holds the app (${deployments.join(', ')}); a delivery waits for its end`,
    });
  return checks;
}

function restartChecks(
  prediction: RestartPrediction,
  app: App,
  { delivery, hasSpareAgent }: DoctorFacts,
): Check[] {
  const { kind, sentence, patch } = prediction;
  const { minimumHealthCapacity, maximumOverCapacity } = app.upgradeStrategy;
  const is = `minimumHealthCapacity ${minimumHealthCapacity} and maximumOverCapacity ${maximumOverCapacity}`;
  const hangs = kind === 'never' || kind === 'needs-agent';
  const checks: Check[] = [];
  if (delivery === 'directory')
    checks.push({
      level: hangs ? 'note' : 'ok',
      code: 'RESTART',
      sentence: `A delivery by directory restarts no balancer; a change of the app would: ${sentence}`,
    });
  else if (hangs)
    checks.push({
      level: 'fail',
      code: 'RESTART',
      sentence,
      hint: `${patch === undefined ? '' : '`certathon doctor --fix` prints a change that helps; '}a free agent helps where balancers may run on it, and so does a delivery by directory.`,
      error: 'DELIVERY_WOULD_HANG',
    });
  else
    checks.push({
      level: kind === 'gap' ? 'warn' : 'ok',
      code: 'RESTART',
      sentence,
      ...(kind === 'gap' ? { hint: 'A delivery by directory has no gap.' } : {}),
    });
  if (delivery === 'environment' && kind === 'needs-agent')
    checks.push({
      level: 'note',
      code: 'FREE_AGENT',
      sentence: 'Marathon does not tell whether an agent is free for one more balancer',
      hint: 'Say so by --spare-agent when there is one.',
    });
  else if (hasSpareAgent === true)
    checks.push({
      level: 'note',
      code: 'FREE_AGENT',
      sentence: 'A free agent is taken for granted, since --spare-agent says so',
    });
  if (patch !== undefined) {
    const { upgradeStrategy: better } = patch;
    checks.push({
      level: delivery === 'directory' || kind !== 'gap' ? 'note' : 'warn',
      code: 'STRATEGY',
      sentence: `With ${is}, ${app.instances} ${app.instances === 1 ? 'balancer restarts' : 'balancers restart'} worse than with ${better.minimumHealthCapacity} and ${better.maximumOverCapacity}`,
      hint: 'Change it once and for good: `certathon doctor --fix` prints how, `certathon doctor --apply` does it.',
    });
  } else if (!hangs)
    checks.push({ level: 'ok', code: 'STRATEGY', sentence: `The upgradeStrategy (${is}) can stay` });
  return checks;
}

/** Longer intervals leave a restart waiting, and users with a dead balancer. */
const LONGEST_INTERVAL_S = 60;

function healthChecks({ healthChecks: checks }: App, { marathonVersion, delivery }: DoctorFacts): Check[] {
  const code = 'HEALTH_CHECK';
  if (checks.length === 0)
    return [
      {
        level: 'warn',
        code,
        sentence:
          'The app has no health check: Marathon takes a balancer that was just started for a serving one',
        hint: 'Add an HTTP check of /_haproxy_health_check on port 9090.',
      },
    ];
  const found: Check[] = [];
  const slow = checks.find(({ intervalSeconds }) => intervalSeconds > LONGEST_INTERVAL_S);
  if (slow !== undefined)
    found.push({
      level: 'warn',
      code,
      sentence: `Health is looked at every ${slow.intervalSeconds} s only, and each restarted balancer waits for that`,
      hint: 'An interval of 5 to 20 s is usual.',
    });
  if (
    checks.some(({ protocol, maxConsecutiveFailures: most }) => most === 0 && !protocol.startsWith('MESOS_'))
  )
    found.push({
      level: 'note',
      code,
      sentence: 'maxConsecutiveFailures is 0: Marathon never replaces a balancer that stopped to serve',
    });
  if (
    countsBase(marathonVersion) === 'mesos-healthy' &&
    !mesosSeesHealth(checks) &&
    delivery === 'environment'
  )
    found.push({
      level: 'warn',
      code,
      sentence: `Marathon ${marathonVersion} counts no balancer as healthy whose checks its leader runs (HTTP, HTTPS, TCP)`,
      hint: 'Use MESOS_HTTP for the check, so that restarts follow the upgradeStrategy.',
    });
  if (found.length > 0) return found;
  const kinds = checks.map(({ protocol, path }) => `${protocol}${path === undefined ? '' : ` ${path}`}`);
  return [{ level: 'ok', code, sentence: `Health is checked by ${kinds.join(', ')}` }];
}

const ALMOST = 0.8;

function sizeChecks({ env }: App, { variable, delivery }: DoctorFacts): Check[] {
  if (delivery === 'directory') return [];
  const sizes = Object.entries(env)
    .filter(([name, value]) => name.startsWith('HAPROXY_SSL_CERT') && typeof value === 'string')
    .map(([name, value]) => ({ name, size: Buffer.byteLength(`${name}=${value}`) }));
  const own = sizes.find(({ name }) => name === variable)?.size ?? 0;
  const total = sizes.reduce((sum, { size }) => sum + size, 0);
  const sentence = `${variable} has ${own} of ${LARGEST_VARIABLE} bytes, all certificates together ${total} of ${LARGEST_TOTAL}`;
  const share = Math.max(own / LARGEST_VARIABLE, total / LARGEST_TOTAL);
  if (share <= ALMOST) return [{ level: 'ok', code: 'SIZE', sentence }];
  const hint = 'Remove certificates that nobody needs, or deliver by directory.';
  return share > 1
    ? [{ level: 'fail', code: 'SIZE', sentence, hint, error: 'DELIVERY_TOO_LARGE' }]
    : [{ level: 'warn', code: 'SIZE', sentence, hint }];
}

/** Who can read a private key that is delivered, by the strategy. Pure. */
export function keyReaders(delivery: DoctorFacts['delivery'], variable: string): Check {
  if (delivery === 'directory')
    return {
      level: 'ok',
      code: 'KEY_READERS',
      sentence:
        'Keys are read by those who can read the shared directory on its volume, and by root on the agents',
    };
  return {
    level: 'note',
    code: 'KEY_READERS',
    sentence: `The key in ${variable} is read by everybody who may read the app in Marathon (API, events, up to 50 stored versions), who may read tasks in Mesos, and who may inspect containers on the agents`,
    hint: 'Restrict who may read the app, or deliver by directory, which keeps keys out of Marathon.',
  };
}
