import { describe, inject, test } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** Whether `npm run test:long` runs. */
    isWhole: boolean;
  }
}

/** `npm test` takes the cases that differ most; `npm run test:long` runs these files again, with each of their cases. */
export const isWhole = inject('isWhole');

/** A test that only `npm run test:long` runs, because `npm test` has its neighbours and ten minutes. */
export const longTest = (name: string, run: () => Promise<void>): void => {
  if (isWhole) test(name, run);
};

/** The same for what stands together. */
export const longDescribe = (name: string, body: () => void): void => {
  if (isWhole) describe(name, body);
};
