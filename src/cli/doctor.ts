import type { Config } from '../config/config.ts';
import { type Check, checksOfApp, type DoctorFacts, keyReaders } from '../delivery/doctor-checks.ts';
import type { LastingPatch } from '../delivery/lasting-change.ts';
import { predictRestart } from '../delivery/preflight.ts';
import { readinessVerdict } from '../delivery/readiness.ts';
import type { Finding } from '../finding.ts';
import { asCertathonError, CertathonError, describeError, ERRORS } from '../lib/errors.ts';
import type { App } from '../marathon/schema.ts';
import { marathonVersion } from '../marathon/version.ts';
import type { Running } from '../service.ts';
import { applyFixes } from './doctor-apply.ts';
import { examineDirectory } from './doctor-directory.ts';
import { type Fix, fixText, jsonOf, print, textOf } from './doctor-text.ts';
import { doctorTools } from './doctor-tools.ts';
import type { RunCommand } from './run-command.ts';

/** `certathon doctor`: looks at everything that a delivery depends on; changes nothing but with --apply.
 * @returns the exit status of the first failure, 0 for anything less */
export const runDoctor: RunCommand = async (running) => {
  const { config } = running;
  if (config.fix && config.apply)
    throw new CertathonError(
      'CONFIG_INVALID',
      '--fix prints a change and --apply makes it; give one of them',
    );
  const { tools, finding, close } = doctorTools(running);
  try {
    const report = await examine(running, tools, finding);
    if (config.apply) {
      failFirst(report.checks.filter(({ error }) => error !== undefined && !MENDED.has(error)));
      return await applyFixes(report.fixes, running, tools);
    }
    if (config.fix) {
      failFirst(report.checks.filter(({ code }) => code === 'MARATHON' || code === 'APP'));
      print(config.json ? jsonOf(report) : fixText(report.fixes));
      return 0;
    }
    print(config.json ? jsonOf(report) : textOf(report.checks));
    return exitStatusOf(report.checks);
  } finally {
    await close();
  }
};

/** What a change of the upgradeStrategy mends; with anything else wrong, the balancers are not restarted. */
const MENDED = new Set(['DELIVERY_WOULD_HANG']);

export interface Report {
  checks: Check[];
  fixes: Fix[];
}

type Tools = ReturnType<typeof doctorTools>['tools'];

async function examine({ config, signal }: Running, tools: Tools, finding: Finding): Promise<Report> {
  const report: Report = { checks: [], fixes: [] };
  if (finding.needsMarathon) await examineApps(config, tools, report);
  if (config.delivery === 'directory')
    report.checks.push(...(await examineDirectory(config, finding, signal)));
  report.checks.push(keyReaders(config.delivery, config.certEnv));
  return report;
}

async function examineApps(config: Config, tools: Tools, report: Report): Promise<void> {
  const version = await examineMarathon(config.marathonUrl, tools, report);
  if (version === undefined) return;
  const own = config.appId === undefined ? undefined : await appOrProblem(config.appId, tools);
  const facts: DoctorFacts = {
    marathonVersion: version,
    delivery: config.delivery,
    variable: config.certEnv,
    hasSpareAgent: config.spareAgent ? true : undefined,
    front:
      config.frontDetectionMs === undefined || config.delivery === 'directory'
        ? undefined
        : { detectionMs: config.frontDetectionMs, adminPort: config.balancerAdminPort },
    ownLabels: own !== undefined && 'labels' in own ? own.labels : undefined,
  };
  for (const id of config.marathonLbApp) {
    const app = await appOrProblem(id, tools);
    if (app instanceof CertathonError) {
      report.checks.push({ ...failing('APP', app), app: id });
      continue;
    }
    report.checks.push(...checksOfApp(app, facts));
    const patch = helpFor(app, facts);
    if (Object.keys(patch).length > 0)
      report.fixes.push({ app, patch, after: predictRestart({ ...app, ...patch }, facts) });
  }
}

/** What would make the restarts of an app better, from now on. */
function helpFor(app: App, facts: DoctorFacts): LastingPatch {
  const pause = facts.front === undefined ? undefined : readinessVerdict(app, facts.front);
  return {
    ...predictRestart(app, facts).patch,
    ...(pause?.kind === 'propose' ? { readinessChecks: pause.readinessChecks } : {}),
  };
}

async function examineMarathon(
  urls: readonly string[],
  { marathon, signal }: Tools,
  report: Report,
): Promise<string | undefined> {
  try {
    const { version } = await marathon.info(signal);
    marathonVersion(version);
    report.checks.push({
      level: 'ok',
      code: 'MARATHON',
      sentence: `Marathon ${version} answers at ${urls.join(', ')}`,
    });
    return version;
  } catch (error) {
    signal.throwIfAborted();
    report.checks.push(failing('MARATHON', asCertathonError(error)));
    return undefined;
  }
}

async function appOrProblem(id: string, { marathon, signal }: Tools): Promise<App | CertathonError> {
  try {
    return await marathon.app(id, signal);
  } catch (error) {
    signal.throwIfAborted();
    return asCertathonError(error);
  }
}

function failing(code: string, error: CertathonError): Check {
  return { level: 'fail', code, sentence: describeError(error), hint: error.hint, error: error.code };
}

function exitStatusOf(checks: readonly Check[]): number {
  const first = checks.find(({ level }) => level === 'fail');
  return first === undefined ? 0 : ERRORS[first.error ?? 'UNEXPECTED'].exit;
}

function failFirst(checks: readonly Check[]): void {
  const first = checks.find(({ level }) => level === 'fail');
  if (first !== undefined) throw new CertathonError(first.error ?? 'UNEXPECTED', first.sentence);
}
