import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startAdmin } from './admin.ts';
import { prepareCertificates } from './certificates.ts';
import { type GeneratedConfig, generateConfig } from './config.ts';
import { applyDeploymentGroups } from './groups.ts';
import { Haproxy } from './haproxy.ts';
import { stockHead } from './head.ts';
import { fetchApps, followEvents, resolveHosts } from './marathon.ts';
import type { MarathonApp } from './marathon-app.ts';
import type { BalancerOptions } from './options.ts';
import { type Places, putInPlace } from './places.ts';
import { readServices } from './services.ts';
import { CALM, newCounters, readSwitches, type Switches } from './switches.ts';
import { TEMPLATE_NAMES, TEMPLATES, type TemplateTexts } from './templates.ts';
import { Updater } from './updater.ts';

/** Highest number of connections that a lab needs; the memory for more would only be wasted. */
const MOST_CONNECTIONS = 4000;

export interface RunningBalancer {
  /** Cuts every connection at once, as the end of marathon-lb's container does. */
  kill(): void;
  regenerate(): void;
}

/** Starts one balancer: files, HAProxy, updater, event stream. Nothing is served before the first valid generation.
 * @param env the task's environment: certificates and templates are read now and never again */
export async function startBalancer(
  options: BalancerOptions,
  env: NodeJS.ProcessEnv,
  log: (message: string, error?: unknown) => void,
): Promise<RunningBalancer> {
  const directory = resolve(options.sandbox, 'marathon-lb');
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(join(directory, 'state'), { recursive: true, mode: 0o700 });
  const sandbox = resolve(options.sandbox);
  process.chdir(directory);
  const places = choosePlaces(options, directory);
  const certificates = prepareCertificates(
    env,
    places.certificateDirectory,
    options.listedCertificates,
    options.overridingCertificates,
  );
  const templates = readTemplates(env, sandbox);
  const switches: Switches = { ...CALM, ...(env.LAB_SWITCHES ? readSwitches(env.LAB_SWITCHES) : {}) };
  const counters = newCounters();
  const lastHealth = new Map<string, boolean>();
  const haproxy = new Haproxy(
    {
      directory,
      configFile: join(directory, 'haproxy.cfg'),
      statsSocket: places.statsSocket,
      stateFile: join(places.stateDirectory, 'global'),
      logFile: join(directory, 'haproxy.log'),
    },
    counters,
  );

  async function generate(apps: readonly MarathonApp[]): Promise<GeneratedConfig> {
    const services = readServices(applyDeploymentGroups(apps), {
      needsHealth: options.needsHealth,
      strict: options.strict,
      ownName: options.ownName,
      addresses: await resolveHosts(apps),
      lastHealth,
      assignablePorts: options.assignablePorts,
    });
    const config = generateConfig(services, {
      head: templates.head ?? stockHead(options.defaultOptions),
      texts: templates.texts,
      groups: options.groups,
      certificates,
      bindsHttpAndHttps: options.bindsHttpAndHttps,
      groupsHttpsByVhost: options.groupsHttpsByVhost,
      mapDirectory: options.usesMap ? directory : undefined,
    });
    return { ...config, text: putInPlace(config.text, places) };
  }

  const updater = new Updater({
    options,
    directory,
    haproxy,
    switches,
    counters,
    fetchApps: () => fetchApps(options),
    generate,
    log,
  });
  await startAdmin(places.adminSocket, {
    directory,
    haproxy,
    switches,
    counters,
    takesSignals: () => options.mode === 'sse',
    regenerate: () => updater.requestRegeneration(),
    reload: () => updater.requestReload(),
    switched: () => updater.lookAgain(),
    state: () => ({
      masterPid: haproxy.masterPid,
      pids: haproxy.pids(),
      isResting: updater.isResting,
      lastError: updater.lastError,
    }),
  });
  if (options.mode === 'poll') void pollForEver(updater, options.pollIntervalMs);
  else {
    void updater.run();
    void followStream(options, updater, switches, counters, log);
  }
  return {
    kill: () => haproxy.kill(),
    regenerate: () => updater.requestRegeneration(),
  };
}

async function pollForEver(updater: Updater, intervalMs: number): Promise<never> {
  for (;;) {
    await updater.regenerate();
    await delay(intervalMs);
  }
}

async function followStream(
  options: BalancerOptions,
  updater: Updater,
  switches: Switches,
  counters: { streams: number; events: number },
  log: (message: string, error?: unknown) => void,
): Promise<void> {
  const regenerate = (): void => {
    if (switches.delayEventsMs === 0) updater.requestRegeneration();
    else setTimeout(() => updater.requestRegeneration(), switches.delayEventsMs);
  };
  const listener = {
    attached: () => {
      counters.streams += 1;
      regenerate();
    },
    event: () => {
      counters.events += 1;
      regenerate();
    },
    failed: (error: unknown) => log('Caught exception in the event stream; reconnecting', error),
  };
  await followEvents(options, listener, new AbortController().signal);
}

function choosePlaces(options: BalancerOptions, directory: string): Places {
  return {
    address: options.address,
    ports: options.ports,
    // Socket paths end at 108 bytes and sandboxes are deep, so these count from the working directory.
    statsSocket: 'haproxy.sock',
    adminSocket: 'admin.sock',
    stateDirectory: join(directory, 'state'),
    certificateDirectory: join(directory, 'ssl'),
    mostConnections: Math.min(MOST_CONNECTIONS, Math.floor((openFileLimit() - 500) / 2)),
  };
}

/** Node raises its own soft limit to the hard one at its start, and children inherit it. */
function openFileLimit(): number {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const limit = /^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1];
  return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
}

/** Templates of the whole balancer: environment (backslash-n is a newline), else a file in templates/, else stock. */
function readTemplates(
  env: NodeJS.ProcessEnv,
  sandbox: string,
): { head: string | undefined; texts: TemplateTexts } {
  const find = (name: string): string | undefined =>
    env[`HAPROXY_${name}`]?.replaceAll('\\n', '\n') ||
    readOptional(join(sandbox, 'templates', `HAPROXY_${name}`));
  const own = TEMPLATE_NAMES.flatMap((name) => {
    const text = find(name);
    return text === undefined ? [] : [[name, text] as const];
  });
  return { head: find('HEAD'), texts: { ...TEMPLATES, ...Object.fromEntries(own) } };
}

function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
