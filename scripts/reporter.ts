import { writeSync } from 'node:fs';
import type { TestModule, TestRunEndReason } from 'vitest/node';
import { DefaultReporter } from 'vitest/node';

/** Vitest's own report, then one closing line `N passed, N failed[, N skipped]` that machines read.
 * A file that could not be loaded, an error outside any test and a run without tests count as failures. */
export default class ClosingLineReporter extends DefaultReporter {
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
    count.failed += unhandled.length;
    if (reason === 'interrupted' && count.failed === 0) count.failed = 1;
    if (count.passed + count.failed + count.skipped === 0) count.failed = 1;
    if (count.failed > 0) process.exitCode = 1;
    const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : '';
    // Written at once: what is buffered may be lost or overtaken when the process ends.
    process.on('exit', () => writeSync(1, `${count.passed} passed, ${count.failed} failed${skipped}\n`));
  }
}
