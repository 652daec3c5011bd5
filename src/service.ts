// START HERE. One pass is: observe the world, plan, execute (certificates/pass.ts). `renew` is one pass,
// `serve` repeats it on a schedule, on Marathon's events and when a certificate becomes due.

import { reportPass } from './certificates/pass-report.ts';
import { failedPass, type PassResult } from './certificates/pass-result.ts';
import { servedBy } from './certificates/served.ts';
import { type GuessedPorts, portsToOpen, startAtItsPort } from './challenge-port.ts';
import type { Config } from './config/config.ts';
import type { StockSettings } from './config/stock-settings.ts';
import type { Clock } from './lib/clock.ts';
import { asCertathonError } from './lib/errors.ts';
import type { Log } from './lib/log.ts';
import { type Loop, startLoop } from './lib/loop.ts';
import { VERSION } from './lib/version.ts';
import { passOn, type Wish } from './one-pass.ts';
import { nextScheduled } from './schedule.ts';
import { startStatusServer } from './status/server.ts';
import { snapshotOf } from './status/snapshot.ts';
import { type Wiring, wire } from './wiring.ts';

export interface Running {
  config: Config;
  clock: Clock;
  log: Log;
  /** Aborted when the program is told to stop. */
  signal: AbortSignal;
  /** What the definition that started us means, when it is one of a predecessor. */
  stock?: Pick<StockSettings, 'predecessor' | 'storage' | 'labels'>;
  /** Which ports nobody has said outright. */
  isGuessed?: GuessedPorts;
}

const SAID = { challengePort: false, adminPort: false };

export interface Ports {
  challengePort: number;
  adminPort: number;
}

/** Requests shortly after one another become one pass; a rolling restart alone sends dozens of events. */
const QUIET_MS = 2_000;

/** Events of other apps become one pass after this time: a busy cluster has some all the time, and each pass reads the
 * labels of all apps. A new name is served within two minutes all the same. */
const OTHERS_QUIET_MS = 10_000;
/** How often labels are read while no events come in. */
const WITHOUT_EVENTS_MS = 45_000;

/** The loop: answers challenges, shows its status, and keeps the certificate valid until it is told to stop.
 * Start never depends on Marathon or the CA: what is away then is tried again like at any later pass.
 * @param ready called once both ports answer   @throws PORT_UNUSABLE, STORE_UNUSABLE */
export async function serve(
  running: Running,
  ready: (ports: Ports) => void = () => undefined,
): Promise<void> {
  const { config, clock, log, signal } = running;
  const about = { instance: config.instance, version: VERSION, startedAt: new Date(clock.nowMs()) };
  const closers: (() => unknown)[] = [];
  let last: PassResult | undefined;
  let now = false;
  let loop: Loop | undefined;
  try {
    const wiring = await wire({
      ...{ config, clock, log, signal, stock: running.stock },
      ...{ answersAlways: true, readOnly: false },
    });
    closers.push(wiring.close);

    const { bind: host, instance } = config;
    const { isGuessed = SAID, stock } = running;
    const { challengePort, adminPort } = await portsToOpen({
      ...{ config, isGuessed, signal },
      ownApp: (appId, stop) => wiring.tools.marathon.app(appId, stop),
    });
    if (challengePort !== config.challengePort)
      log.info('challenge.port', {
        port: challengePort,
        reason: `the definition of ${config.appId} maps it`,
      });
    const hasSpare = stock?.predecessor !== undefined && isGuessed.challengePort;
    const responder = await startAtItsPort(
      { host, port: challengePort, instance, answer: wiring.answer, log },
      hasSpare,
    );
    closers.push(responder.close);

    const statusAt = (port: number) =>
      startStatusServer({
        host,
        port,
        token: config.adminToken,
        snapshot: () => snapshotOf(about, last, last?.seen === undefined ? [] : servedBy(last.seen)),
        requestPass: (options) => {
          now ||= options.now;
          loop?.request('control');
        },
      });
    // Predecessors had no such port: on the host's network it may be somebody else's, and any free one does.
    const status = await statusAt(adminPort).catch((error: unknown) => {
      if (!hasSpare || asCertathonError(error).code !== 'PORT_UNUSABLE') throw error;
      return statusAt(0);
    });
    closers.push(status.close);

    loop = startLoop({
      clock,
      signal,
      quietMs: QUIET_MS,
      nextScheduled: (after) => nextScheduled(config, after),
      pass: async (reasons) => {
        const before = last;
        const forced = now;
        now = false;
        last = await passOrFailure(wiring, running, { forced, before, reasons });
        if (last !== undefined && last !== before) reportPass(last, before, log);
        const isBlind = wiring.tools.discovery.mode !== 'off' && !wiring.hasEvents();
        const probeMs = isBlind
          ? Math.min(WITHOUT_EVENTS_MS, config.probeIntervalMs)
          : config.probeIntervalMs;
        return { checkAgainAt: probeOrSooner(last?.checkAgainAt, clock.nowMs() + probeMs) };
      },
    });
    closers.push(wiring.tools.delivery.wake.hold());
    wiring.onEvent((event) => loop?.request(`event ${event.type}`));
    if (wiring.tools.discovery.mode !== 'off')
      wiring.onOtherApp(gathered(OTHERS_QUIET_MS, running, (reason) => loop?.request(reason)));
    const ports = { challengePort: responder.port, adminPort: status.port };
    log.info('service.started', { ...about, ...ports });
    ready(ports);

    await loop.finished;
    log.info('service.stopping');
  } finally {
    // What listens keeps the process alive, so it is closed also when something else failed.
    for (const close of closers.reverse()) await close();
  }
  log.info('service.stopped');
}

/** The first of several calls, after a while, stands for all of them. */
function gathered(
  quietMs: number,
  { clock, signal }: Running,
  call: (reason: string) => void,
): (reason: string) => void {
  let isWaiting = false;
  return (reason) => {
    if (isWaiting) return;
    isWaiting = true;
    void clock
      .sleep(quietMs, signal)
      .then(() => {
        isWaiting = false;
        call(reason);
      })
      .catch(() => undefined);
  };
}

/** One pass, for any cron: safe beside `serve` on the same store, since one writer works at a time and looks
 * again after its turn has come.
 * @param wish what a person asks for beside what is due   @throws STORE_LOCKED, STORE_UNUSABLE */
export async function renew(
  { config, clock, log, signal, stock }: Running,
  wish: Wish = { forced: config.now },
): Promise<PassResult> {
  const { dryRun } = config;
  const wiring = await wire({ config, clock, log, signal, stock, answersAlways: false, readOnly: dryRun });
  try {
    const result = await passOn(wiring, config, { ...wish, dryRun }, ['command']);
    reportPass(result, undefined, log);
    return result;
  } finally {
    await wiring.close();
  }
}

/** A pass of the loop, which outlives whatever happens in it. @returns the result before when it was stopped */
async function passOrFailure(
  wiring: Wiring,
  { config, clock, signal }: Running,
  {
    forced,
    before,
    reasons,
  }: { forced: boolean; before: PassResult | undefined; reasons: readonly string[] },
): Promise<PassResult | undefined> {
  try {
    return await passOn(wiring, config, { forced, dryRun: false }, reasons);
  } catch (error) {
    return signal.aborted ? before : failedPass(asCertathonError(error), before, new Date(clock.nowMs()));
  }
}

/** What every balancer serves is looked at again after a while, whatever else is due. */
function probeOrSooner(due: Date | undefined, probeMs: number): Date {
  return new Date(Math.min(probeMs, due?.getTime() ?? probeMs));
}
