import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { GeneratedConfig } from './config.ts';
import type { Haproxy } from './haproxy.ts';
import type { MarathonApp } from './marathon-app.ts';
import type { BalancerOptions } from './options.ts';
import type { Counters, Switches } from './switches.ts';

const QUIET_MS = 300_000;

export interface UpdaterParts {
  options: Pick<
    BalancerOptions,
    'skipsValidation' | 'skipsCleanup' | 'maxReloadRetries' | 'reloadIntervalMs'
  >;
  directory: string;
  haproxy: Haproxy;
  switches: Switches;
  counters: Counters;
  fetchApps(): Promise<MarathonApp[]>;
  /** @throws when marathon-lb would: nothing is changed then, for no app */
  generate(apps: readonly MarathonApp[]): Promise<GeneratedConfig>;
  log(message: string, error?: unknown): void;
}

/** marathon-lb's worker thread. Two flags wait for it; a waiting regeneration swallows a waiting reload, which is how a
 * USR1 gets lost there. */
export class Updater {
  readonly #parts: UpdaterParts;
  #wantsRegeneration = true;
  #wantsReload = false;
  #isWorking = false;
  #wake: () => void = () => undefined;
  #lastError: string | undefined;

  constructor(parts: UpdaterParts) {
    this.#parts = parts;
  }

  get lastError(): string | undefined {
    return this.#lastError;
  }

  /** Nothing runs and nothing waits. */
  get isResting(): boolean {
    return !(this.#isWorking || this.#wantsRegeneration || this.#wantsReload);
  }

  requestRegeneration(): void {
    this.#wantsRegeneration = true;
    this.#wake();
  }

  requestReload(): void {
    this.#wantsReload = true;
    this.#wake();
  }

  /** A switch was changed: a frozen updater may go on. */
  lookAgain(): void {
    this.#wake();
  }

  /** Works until the process ends; 300 s without a request are a request. */
  async run(): Promise<never> {
    for (;;) {
      while (this.#parts.switches.isFrozen || !(this.#wantsRegeneration || this.#wantsReload)) {
        const isQuiet = await this.#nextWake();
        if (isQuiet) this.#wantsRegeneration = true;
      }
      const regenerates = this.#wantsRegeneration;
      this.#wantsRegeneration = false;
      this.#wantsReload = false;
      this.#isWorking = true;
      await (regenerates ? this.regenerate() : this.#reloadCurrent());
      this.#isWorking = false;
    }
  }

  /** Apps to configuration text; validate, write and reload when it differs from the file. */
  async regenerate(): Promise<void> {
    const { counters, fetchApps, generate, options, log } = this.#parts;
    try {
      const apps = await fetchApps();
      const outcome = await this.#apply(await generate(apps));
      if (outcome === 'invalid' && !options.skipsCleanup) await this.#rescue(apps);
      this.#lastError = outcome === 'invalid' ? 'haproxy refused the configuration' : undefined;
    } catch (error) {
      counters.failedGenerations += 1;
      this.#lastError = error instanceof Error ? error.message : String(error);
      log('Unexpected error! The configuration stays as it is', error);
    } finally {
      counters.regenerations += 1;
    }
  }

  /** @returns true when nothing was asked for during 300 s */
  #nextWake(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(true), QUIET_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve(false);
      };
    });
  }

  async #apply(config: GeneratedConfig): Promise<'unchanged' | 'reloaded' | 'invalid'> {
    const { configFile, domainMapFile, appMapFile } = this.#files();
    const isSame =
      readIfThere(configFile) === config.text &&
      readIfThere(domainMapFile) === config.domainMap &&
      readIfThere(appMapFile) === config.appMap;
    if (isSame) return 'unchanged';
    if (!(await this.#isValid(config))) {
      this.#parts.log('skipping reload: config not valid');
      return 'invalid';
    }
    mkdirSync(this.#parts.directory, { recursive: true });
    replaceFile(domainMapFile, config.domainMap);
    replaceFile(appMapFile, config.appMap);
    replaceFile(configFile, config.text);
    await this.#reload();
    return 'reloaded';
  }

  /** Adds one app after the other, in Marathon's order, and leaves out those that make it invalid. */
  async #rescue(apps: readonly MarathonApp[]): Promise<void> {
    const { counters, generate, log } = this.#parts;
    counters.rescues += 1;
    const valid: MarathonApp[] = [];
    for (const app of apps) {
      valid.push(app);
      if (await this.#isValid(await generate(valid))) continue;
      log(`invalid configuration caused by app ${app.id}; it will be excluded`);
      valid.pop();
    }
    if (valid.length > 0) await this.#apply(await generate(valid));
    else log('A valid config file could not be generated after excluding all apps! skipping reload');
  }

  /** `haproxy -c` on a copy whose maps are copies too. A refused text is kept for a look. */
  async #isValid(config: GeneratedConfig): Promise<boolean> {
    if (this.#parts.options.skipsValidation) return true;
    const { configFile, domainMapFile, appMapFile } = this.#files();
    const copies = [domainMapFile, appMapFile].map((path) => `${path}.tmp`);
    writeFileSync(copies[0] ?? '', config.domainMap);
    writeFileSync(copies[1] ?? '', config.appMap);
    const checked = `${configFile}.tmp`;
    const text = config.text
      .replaceAll(domainMapFile, `${domainMapFile}.tmp`)
      .replaceAll(appMapFile, `${appMapFile}.tmp`);
    writeFileSync(checked, text, { mode: 0o600 });
    const isValid = await this.#accepts(checked);
    if (!isValid) copyFileSync(checked, join(this.#parts.directory, 'haproxy_tmp_conf_fail'));
    for (const path of [...copies, checked]) rmSync(path, { force: true });
    return isValid;
  }

  async #accepts(configFile: string): Promise<boolean> {
    const { counters, switches, haproxy } = this.#parts;
    counters.validations += 1;
    const isSpoilt = switches.failValidations > 0;
    if (isSpoilt) switches.failValidations -= 1;
    const isValid = !isSpoilt && (await haproxy.accepts(configFile));
    if (!isValid) counters.failedValidations += 1;
    return isValid;
  }

  /** USR1: no Marathon call; an unreadable certificate means no reload and one log line. */
  async #reloadCurrent(): Promise<void> {
    const { configFile } = this.#files();
    const { options, log } = this.#parts;
    if (!existsSync(configFile)) return log('No configuration exists yet');
    try {
      if (options.skipsValidation || (await this.#accepts(configFile))) await this.#reload();
      else log('haproxy returned non-zero when checking config');
    } catch (error) {
      log('Unexpected error!', error);
    }
  }

  async #reload(): Promise<void> {
    const { maxReloadRetries, reloadIntervalMs } = this.#parts.options;
    const isUp = await this.#parts.haproxy.reload(maxReloadRetries, reloadIntervalMs);
    if (!isUp) this.#parts.log('reload failed: no new haproxy was seen');
  }

  #files(): { configFile: string; domainMapFile: string; appMapFile: string } {
    const { directory } = this.#parts;
    return {
      configFile: join(directory, 'haproxy.cfg'),
      domainMapFile: join(directory, 'domain2backend.map'),
      appMapFile: join(directory, 'app2backend.map'),
    };
  }
}

function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
