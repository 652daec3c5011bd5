import { isDrawable } from '../config/terminal.ts';
import { maskSecrets } from '../lib/mask.ts';
import type { RolloutProgress } from '../rollout/progress.ts';
import { endJson, endLine, isNews, jsonLine, plainLine, type RolloutEnd } from './rollout-lines.ts';
import { liveView } from './rollout-view.ts';
import { createScreen, type ScreenOutput } from './screen.ts';

/** Tells how a rollout goes, in the way that fits whoever reads it. */
export interface RolloutReporter {
  progress(progress: RolloutProgress): void;
  /** For people only. */
  say(text: string): void;
  /** For programs only: one line of JSON. */
  event(json: string): void;
  /** Log lines, which must not stand in the middle of a drawing. */
  log: { write(line: string): void };
  /** Makes room for a question, which is then put below everything. */
  pause(): void;
  /** The last line, which names the colour that serves. */
  end(end: RolloutEnd): void;
}

export interface ReporterOptions {
  json: boolean;
  output?: ScreenOutput & { isTTY?: boolean };
  errors?: { write(text: string): unknown };
  env?: Readonly<Record<string, string | undefined>>;
}

/** With JSON one line an event; on a terminal that can be drawn on a live view; else one line whenever there is
 * something new. */
export function createReporter({
  json,
  output = process.stdout,
  errors = process.stderr,
  env,
}: ReporterOptions): RolloutReporter {
  const masked: ScreenOutput = {
    write: (text) => output.write(maskSecrets(text)),
    get columns() {
      return output.columns ?? 0;
    },
    get rows() {
      return output.rows ?? 0;
    },
  };
  if (!json && isDrawable(output, env)) return liveReporter(masked);
  let last: RolloutProgress | undefined;
  return {
    progress: (progress) => {
      if (!isNews(last, progress)) return;
      last = progress;
      masked.write(`${json ? jsonLine(progress) : plainLine(progress)}\n`);
    },
    say: (text) => {
      if (!json) masked.write(`${text}\n`);
    },
    event: (line) => {
      if (json) masked.write(`${line}\n`);
    },
    log: { write: (line) => void errors.write(line) },
    pause: () => undefined,
    end: (end) => void masked.write(`${json ? endJson(end) : endLine(end)}\n`),
  };
}

function liveReporter(output: ScreenOutput): RolloutReporter {
  const screen = createScreen(output);
  let last: RolloutProgress | undefined;
  return {
    progress: (progress) => {
      // What was done stays to be read; waiting is only drawn.
      if (progress.step.do !== 'wait' && isNews(last, progress)) screen.above(plainLine(progress));
      last = progress;
      screen.draw(liveView(progress, screen.columns()));
    },
    say: (text) => screen.above(text),
    event: () => undefined,
    log: { write: (line) => screen.above(line) },
    pause: () => screen.clear(),
    end: (end) => {
      // The last picture stays, and the last line is below it.
      if (last !== undefined) screen.draw(liveView(last, screen.columns()));
      output.write(`${endLine(end)}\n`);
    },
  };
}
