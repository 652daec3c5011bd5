// pure
import type { SimulationResult } from './simulate.ts';

const [HOUR_MS, DAY_MS] = [3_600_000, 86_400_000];

/** The report for people. Pure. */
export function simulationText(result: SimulationResult): string {
  const { settings, issued, renewals, outsideWindow, failedOrders, waited, refused, used } = result;
  const { durationMs, lifetimeMs, certificates, failing, seed } = settings;
  const left = result.leastLeft;
  const rows: [string, string][] = [
    ['first certificates', `${issued} of ${certificates}`],
    [
      'renewals',
      `${renewals}, ${outsideWindow === 0 ? 'none' : outsideWindow} outside the window that the CA named`,
    ],
    [
      'orders that failed',
      `${failedOrders}, of which the CA refused ${refused} by its limits; ${waited} waited for a limit`,
    ],
    [
      'deliveries',
      `${result.deliveries} reloads with ${result.delivered} certificates; ${result.failedDeliveries} failed`,
    ],
    ['questions to the CA', `${result.looks} about the time of a renewal; ${result.failedLooks} failed`],
    ['passes', String(result.passes)],
    ...used.map(({ limit, most, of }): [string, string] => [`most ${limit}`, `${most} of ${of}`]),
    [
      'least that was left',
      `${(left * 100).toFixed(1)} % of a lifetime, ${inWords(left * lifetimeMs)}${result.leastLeftOf === undefined ? '' : ` (${result.leastLeftOf})`}`,
    ],
    ['not served at the end', String(result.unserved)],
  ];
  const width = Math.max(...rows.map(([what]) => what.length));
  const head = `${inWords(durationMs)} with ${certificates} certificates of ${inWords(lifetimeMs)}, ${failing === 0 ? 'nothing fails' : `${failing * 100} % of all fails (seed ${seed})`}`;
  return `${[head, ...rows.map(([what, value]) => `  ${what.padEnd(width)}  ${value}`)].join('\n')}\n`;
}

/** Whether every certificate was always served. Pure. */
export function hasLapsed({ leastLeft, unserved }: SimulationResult): boolean {
  return leastLeft <= 0 || unserved > 0;
}

function inWords(ms: number): string {
  if (Math.abs(ms) >= 14 * DAY_MS) return `${Math.round(ms / DAY_MS)} days`;
  return Math.abs(ms) >= HOUR_MS ? `${Math.round(ms / HOUR_MS)} hours` : `${Math.round(ms / 60_000)} minutes`;
}
