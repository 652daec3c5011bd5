import { writeSync } from 'node:fs';
import type { TestModule, TestRunEndReason } from 'vitest/node';
import { DefaultReporter } from 'vitest/node';

/** Vitest's own report, then one closing line `N passed, N failed[, N skipped]` that machines read.
 * A file that could not be loaded, an error outside any test, a run without tests and every failed check before
 * the tests (types, lint) count as failures. */
export default class ClosingLineReporter extends DefaultReporter {
  readonly #failedChecks = takeFailedChecks();

  override onTestRunEnd(
    modules: readonly TestModule[],
    unhandled: Parameters<DefaultReporter['onTestRunEnd']>[1],
    reason: TestRunEndReason,
  ): void {
    super.onTestRunEnd(modules as never, unhandled as never, reason as never);
    const count = { passed: 0, failed: 0, skipped: 0 };
    for (const module of modules) {
      let tests = 0;
      for (const test of module.children.allTests()) {
        tests += 1;
        const state = test.result().state;
        if (state === 'passed' || state === 'failed' || state === 'skipped') count[state] += 1;
        else count.failed += 1; // never ran to its end
      }
      if (module.errors().length > 0 || tests === 0) count.failed += 1;
      for (const suite of module.children.allSuites()) if (suite.errors().length > 0) count.failed += 1;
    }
    count.failed += unhandled.length + this.#failedChecks;
    if (reason === 'interrupted' && count.failed === 0) count.failed = 1;
    if (count.passed + count.failed + count.skipped === 0) count.failed = 1;
    if (count.failed > 0) process.exitCode = 1;
    const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : '';
    // Written at once: what is buffered may be lost or overtaken when the process ends.
    process.on('exit', () => writeSync(1, `${count.passed} passed, ${count.failed} failed${skipped}\n`));
  }
}

/** Told by scripts/test.ts. Taken away before the workers start: programs under test inherit their environment
 * and refuse unknown variables of this prefix. */
function takeFailedChecks(): number {
  const told = Number(process.env.CERTATHON_FAILED_CHECKS ?? 0);
  delete process.env.CERTATHON_FAILED_CHECKS;
  return told;
}
