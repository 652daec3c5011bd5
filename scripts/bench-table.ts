import type { CellFigures } from './bench-cells.ts';
import type { Issue, LabFigures } from './bench-lab.ts';
import { TIMES, type Timing } from './bench-start.ts';

export type ProgramFigures = LabFigures & { start: Timing };

export interface Machine {
  day: string;
  processors: number;
  node: string;
  haproxy: string;
}

/** What the program takes by itself, as a markdown table, one row a sentence. */
export function renderProgram(figures: ProgramFigures): string {
  const { start, idleRenew, firstIssue, renewal } = figures;
  return table(
    ['What', 'Figure'],
    [
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
    ],
  );
}

/** Renewals under load, one row a cell. */
export function renderCells(cells: readonly CellFigures[]): string {
  return table(
    [
      ...['Strategy', 'Balancers', 'Front', 'Requests', 'Failed', 'Of new connections', 'Repeated'],
      ...['Longest gap', 'Nobody served', 'Predicted', 'Decision to served by all', 'Reloads'],
    ],
    cells.map(({ strategy, balancers, front, report, ...cell }) => [
      ...[strategy, String(balancers), front, thousands(report.requests), thousands(report.failed)],
      `${thousands(report.perKind.fresh?.failed ?? 0)} of ${thousands(report.perKind.fresh?.requests ?? 0)}`,
      ...[thousands(report.repeated), seconds(report.gaps.longestMs), seconds(cell.nobodyMs)],
      ...[seconds(cell.predictedMs), seconds(cell.servedAfterMs), cell.reloads.join(', ')],
    ]),
  );
}

/** docs/benchmarks.md, whole. */
export function renderBenchmarks(
  program: ProgramFigures,
  cells: readonly CellFigures[],
  machine: Machine,
): string {
  return `# Benchmarks

Written by the command below. It reports; no test depends on these figures. \`--only TEXT\` measures the cells whose
names hold the text, as in \`npm run bench -- --only 'directory, 2'\`, and \`--only program\` the second table.

\`\`\`
npm run bench -- --write
\`\`\`

${machine.day}, ${machine.processors} processors, Node ${machine.node}, HAProxy ${machine.haproxy}; everything runs on this one machine: Marathon,
the balancers, two fronts, Pebble, the load, and the program itself.

## A renewal under load

${renderCells(cells)}

- Requests: HTTPS at a fixed rate at both fronts at once, whatever comes back. Of a hundred 45 have a connection of
  their own, 45 use one that was used before, 4 are answered after 3 s, 3 upload for 3 s, 3 download for 3 s. What
  is cut before it is whole is a failure, and so are a status of 500 or more and an upload that did not arrive as it
  was sent. A request on a reused connection that was closed before any byte of an answer is repeated once on a new
  connection (RFC 9112 9.3.1) and counted apart.
- Fronts: \`retrying\` checks every second and tries another balancer when one refuses; \`slow\` checks every 5 s, takes a
  balancer out after two failures and back after two successes, and tries once.
- Longest gap: the longest time without any good answer at that front; some hundredths of a second are the load's own
  rhythm. Nobody served: the longest time in which no balancer took a TLS connection, by handshakes of the bench.
  Predicted: what the program said about that before it wrote.
- Decision to served by all: from the step \`deliver\` until every balancer showed the new certificate, by the same
  handshakes, about every 25 ms.
- Delivery by environment restarts the balancers one after another, and a balancer that stops cuts its connections:
  what fails here fails for that reason. A single balancer is stopped before the next one starts (minimumHealthCapacity
  0; anything else would never end on a single agent). Marathon checks the balancers every 2.5 s, and starts them
  without an image to pull.

## The program by itself

${renderProgram(program)}

- Start: Marathon and the CA are away; a start waits for neither. The image carries a compile cache.
- Memory: the resident set of the whole Node process with a compile cache, 10 s after a pass had ended. Ordering
  loads \`acme-client\`, which stays loaded. Without a compile cache what strips the types stays loaded too.
- Pebble runs without its sleeps and refuses no nonce. The first certificate includes the trial of the public route
  of the name, which waits until the balancers lead there. The program waits a second before it asks how a
  challenge or an order stands, so two of the seconds are politeness.
- Requests: "N (without directory, first nonce, account, refused nonces)", then all of them by kind.
`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function requestsOf({ counted, requests }: Issue): string {
  const kinds = Object.entries(requests).map(([kind, count]) => `${kind} ${count}`);
  return `${counted} (without directory, first nonce, account, refused nonces): ${kinds.join(', ')}`;
}

function milliseconds(ms: number): string {
  return `${Math.round(ms)} ms`;
}

function seconds(ms: number | undefined): string {
  return ms === undefined ? '-' : `${(ms / 1000).toFixed(2)} s`;
}

function thousands(count: number): string {
  return count.toLocaleString('en-US');
}

function mebibytes(kib: number): string {
  return `${Math.round(kib / 1024)} MiB`;
}
