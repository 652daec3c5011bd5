import type { Issue, LabFigures } from './bench-lab.ts';
import { TIMES, type Timing } from './bench-start.ts';

export type Figures = LabFigures & { start: Timing };

export interface Machine {
  day: string;
  processors: number;
  node: string;
  haproxy: string;
}

/** The figures as a markdown table, one row a sentence. */
export function renderTable(figures: Figures): string {
  const { start, idleRenew, firstIssue, renewal } = figures;
  const rows: [string, string][] = [
    [
      `Start of \`serve\` until both ports answer, median of ${TIMES}`,
      `${milliseconds(start.withCacheMs)} with a compile cache, ${milliseconds(start.withoutCacheMs)} without`,
    ],
    ['Memory at rest (VmRSS), started with a valid certificate', mebibytes(figures.restAfterStartKib)],
    ['Memory at rest (VmRSS), after it has ordered a certificate', mebibytes(figures.restAfterIssueKib)],
    [
      `\`renew\` with nothing due, median of ${TIMES}`,
      `${milliseconds(idleRenew.withCacheMs)} with a compile cache, ${milliseconds(idleRenew.withoutCacheMs)} without`,
    ],
    [
      'First certificate for one name, from the step `order` until it is stored',
      milliseconds(firstIssue.wallMs),
    ],
    ['Renewal for one name, from the step `order` until it is stored', milliseconds(renewal.wallMs)],
    ['Requests to the CA for the first certificate', requestsOf(firstIssue)],
    ['Requests to the CA for a renewal', requestsOf(renewal)],
    ...figures.fronts.map(({ front, report }): [string, string] => [
      `Requests during a renewal, 2 balancers, front that ${front}`,
      `${report.requests} sent, ${report.failed} failed, ${report.repeated} repeated on a new connection; ${report.latencyMs.p50} ms median, ${report.latencyMs.p99} ms p99`,
    ]),
  ];
  return [
    '| What | Figure |',
    '| --- | --- |',
    ...rows.map(([what, figure]) => `| ${what} | ${figure} |`),
  ].join('\n');
}

/** docs/benchmarks.md, whole. */
export function renderBenchmarks(figures: Figures, machine: Machine): string {
  return `# Benchmarks

Written by the command below. It reports; no test depends on these figures.

\`\`\`
npm run bench -- --write
\`\`\`

${machine.day}, ${machine.processors} processors, Node ${machine.node}, HAProxy ${machine.haproxy}; everything runs on this one machine: Marathon,
two balancers, two fronts, Pebble, the load, and the program itself.

${renderTable(figures)}

- Start: Marathon and the CA are away; a start waits for neither. The image carries a compile cache.
- Memory: the resident set of the whole Node process with a compile cache, 10 s after a pass had ended. Ordering
  loads \`acme-client\`, which stays loaded. Without a compile cache what strips the types stays loaded too.
- Pebble runs without its sleeps and refuses no nonce. The first certificate includes the trial of the public route
  of the name, which waits until the balancers lead there. The program waits a second before it asks how a
  challenge or an order stands, so two of the seconds are politeness.
- Requests: "N (without directory, first nonce, account, refused nonces)", then all of them by kind.
- Load: 100 requests a second over HTTPS at each front for 30 s, once over new and once over kept connections, one renewal in it. A
  request on a reused connection that was closed before any byte of an answer is repeated once on a new
  connection (RFC 9112 9.3.1) and counted apart; everything else that goes wrong is a failure, and so is a
  status of 500 or more. Delivery by environment restarts the balancers one after another, and a balancer that
  stops cuts its connections: what fails here fails for that reason.
`;
}

function requestsOf({ counted, requests }: Issue): string {
  const kinds = Object.entries(requests).map(([kind, count]) => `${kind} ${count}`);
  return `${counted} (without directory, first nonce, account, refused nonces): ${kinds.join(', ')}`;
}

function milliseconds(ms: number): string {
  return `${Math.round(ms)} ms`;
}

function mebibytes(kib: number): string {
  return `${Math.round(kib / 1024)} MiB`;
}
