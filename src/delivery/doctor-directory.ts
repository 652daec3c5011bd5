// pure
import type { DirectoryContent } from './directory-files.ts';
import type { Check } from './doctor-checks.ts';

/** What was found out about one balancer that has to take signals. */
export interface SignalledBalancer {
  id: string;
  /** Its admin port, for people. */
  place: string;
  /** Whether that port tells its processes, as marathon-lb does. */
  answers: boolean;
}

/** What a delivery by directory depends on, beside the marathon-lb apps. Pure.
 * @param directory undefined when it could not be read: that is a failure of its own */
export function directoryChecks(
  path: string,
  directory: Pick<DirectoryContent, 'missing' | 'files'> | undefined,
  balancers: readonly SignalledBalancer[],
  unknown: readonly string[],
): Check[] {
  return [
    ...(directory === undefined ? [] : fileChecks(path, directory)),
    ...balancers.map(signalCheck),
    ...unknown.map(
      (sentence): Check => ({
        level: 'fail',
        code: 'BALANCERS',
        sentence,
        hint: WHERE,
        error: 'BALANCERS_UNKNOWN',
      }),
    ),
    ...(balancers.length + unknown.length > 0
      ? []
      : [
          {
            level: 'fail' as const,
            code: 'BALANCERS',
            sentence: 'No balancer was found',
            hint: WHERE,
            error: 'BALANCERS_UNKNOWN' as const,
          },
        ]),
  ];
}

const WHERE = 'Look at --marathon-lb-app, --balancer-urls or --balancer-dns.';

function fileChecks(path: string, { missing, files }: Pick<DirectoryContent, 'missing' | 'files'>): Check[] {
  const unreadable = files.filter(({ content }) => content.kind !== 'certificate');
  const ready: Check =
    missing.length === 0
      ? {
          level: 'ok',
          code: 'DIRECTORY',
          sentence: `${path} is prepared and holds ${files.length === 1 ? '1 file' : `${files.length} files`}`,
        }
      : {
          level: 'note',
          code: 'DIRECTORY',
          sentence: `${path} lacks ${missing.join(', ')}`,
          hint: 'The next pass makes it; let marathon-lb load the directory after that.',
        };
  return [
    ready,
    ...unreadable.map(
      ({ file, content }): Check => ({
        level: 'warn',
        code: 'DIRECTORY_FILE',
        sentence: `certs/${file} is no bundle${'problem' in content ? `: ${content.problem}` : ''}`,
        hint: 'HAProxy may refuse every configuration as long as it is there; take it out or mend it.',
      }),
    ),
  ];
}

function signalCheck({ id, place, answers }: SignalledBalancer): Check {
  if (answers) return { level: 'ok', code: 'SIGNALS', sentence: `${id} answers at its admin port ${place}` };
  return {
    level: 'fail',
    code: 'SIGNALS',
    sentence: `${id} does not answer at its admin port ${place}, where it would be asked to reload`,
    hint: 'Open that port for this program, or name it by --balancer-admin-port.',
    error: 'DELIVERY_NOT_SERVED',
  };
}
