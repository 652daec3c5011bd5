import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// The long tests run only when they are asked for. Taken away before the workers start: programs under test
// inherit their environment and refuse unknown variables of this prefix.
const isLong = process.env.CERTATHON_LONG !== undefined;
delete process.env.CERTATHON_LONG;

// What fails under load has to be the balancers' doing, so nothing else runs beside it.
const UNDER_LOAD = 'test/e2e/load.test.ts';

// Of these `npm test` runs a part, and the long tests the whole (test/support/whole.ts).
const PARTLY = [
  'test/e2e/{challenge-routes,doctor,kill,kill-directory,rollout-faults}.test.ts',
  'test/e2e/{load,names-by-label,several-apps}.test.ts',
  'test/integration/delivery/{directory-faults,marathon-away,others,variables,writing}.test.ts',
  'test/integration/lab/balancer/{restarts,signals}.test.ts',
];

// Hundreds of programs are started from the same sources: compiling them anew would be a third of their time.
const COMPILE_CACHE = fileURLToPath(new URL('node_modules/.cache/certathon-tests', import.meta.url));

// Two cores: more workers only make the real parts (HAProxy, Pebble, Node) wait for each other.
export default defineConfig({
  test: {
    reporters: ['./scripts/reporter.ts'],
    maxWorkers: 2,
    env: { NODE_COMPILE_CACHE: COMPILE_CACHE },
    provide: { isWhole: false },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/*.test.ts'],
          // Properties are a matter of processor time, and CI machines have other work.
          testTimeout: 60_000,
          // Plain values in, plain values out: nothing that one file could leave to another.
          isolate: false,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // They wait for real programs for half of their time.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: [UNDER_LOAD],
          testTimeout: 180_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'load',
          include: [UNDER_LOAD],
          testTimeout: 180_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 3 },
        },
      },
      ...(isLong
        ? [
            {
              extends: true as const,
              test: {
                name: 'long',
                include: ['test/long/**/*.test.ts', ...PARTLY],
                provide: { isWhole: true },
                testTimeout: 420_000,
                hookTimeout: 120_000,
                // One after the other: each has its machine to itself.
                maxWorkers: 1,
                sequence: { groupOrder: 4 },
              },
            },
          ]
        : []),
    ],
  },
});
