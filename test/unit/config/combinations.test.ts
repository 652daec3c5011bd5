import { describe, expect, it } from 'vitest';
import { combinationProblems } from '../../../src/config/combinations.ts';

const ENVIRONMENT = { delivery: 'environment' };

describe('combinationProblems()', () => {
  it.each<[string, Record<string, unknown>, Record<string, string>, string[]]>([
    ['nothing that is given', ENVIRONMENT, {}, []],
    ['a default', ENVIRONMENT, { lifetime: 'default', fileMode: 'default' }, []],
    [
      'an option of directories without them',
      ENVIRONMENT,
      { fileMode: '--file-mode' },
      ['fileMode (--file-mode) means nothing without --delivery directory'],
    ],
    [
      'directories without a directory',
      { delivery: 'directory' },
      {},
      ['directory is not set: delivery by directory needs the directory that the balancers share'],
    ],
    [
      'options of a simulation without one',
      ENVIRONMENT,
      { lifetime: '--lifetime', seed: 'CERTATHON_SEED' },
      [
        'lifetime (--lifetime) means nothing without --simulate',
        'seed (CERTATHON_SEED) means nothing without --simulate',
      ],
    ],
    ['them with one', ENVIRONMENT, { simulate: '--simulate', lifetime: '--lifetime' }, []],
  ])('tells of %s', (_what, values, sources, problems) => {
    expect(combinationProblems(values, sources)).toEqual(problems);
  });
});
