// pure
import { printable, quoted } from '../lib/printable.ts';
import type { App } from '../marathon/app-schema.ts';
import { type AppDefinitionJson, appOf } from './definition.ts';
import { COLOUR_LABELS } from './definition-faults.ts';
import { frontPortsOf } from './service-port.ts';

const LONGEST_SHOWN = 80;
const LATER =
  'marathon-lb takes it when the old colour is gone, and at moments before, while that was scaled last';

/** What marathon-lb keeps taking from the old colour while both exist, and takes from the new one when that is alone:
 * labels, the ports of its frontends, and what HAProxy checks. Pure.
 * @param next the JSON of the new colour
 * @returns sentences for the operator, e.g. `HAPROXY_0_VHOST changes from "a.com" to "b.com": marathon-lb takes …`
 * @source marathon-lb marathon_lb.py, get_apps (the older app keeps its labels, ports and checks) */
export function changedLabels(last: App, next: AppDefinitionJson): string[] {
  const after = appOf(next);
  const names = [...new Set([...Object.keys(last.labels), ...Object.keys(after.labels)])]
    .filter(isRead)
    .sort();
  return [
    ...names.flatMap((name) => changed(name, last.labels[name], after.labels[name])),
    ...changedPorts(frontPortsOf(last), frontPortsOf(after)),
    ...changedChecks(last, after),
  ];
}

/** Labels that marathon-lb reads; the ports are compared by what they come to, not by how they are written. */
function isRead(name: string): boolean {
  return (
    /^HAPROXY_/.test(name) && !/^HAPROXY_(DEPLOYMENT_|\d+_PORT$)/.test(name) && !COLOUR_LABELS.includes(name)
  );
}

function changed(name: string, before: string | undefined, after: string | undefined): string[] {
  if (before === after) return [];
  const label = printable(name, LONGEST_SHOWN);
  // Password hashes, and templates of many lines.
  const isShown =
    !/_AUTH$/.test(name) && [before, after].every((value) => (value ?? '').length <= LONGEST_SHOWN);
  const value = (text: string) => (isShown ? ` ${quoted(text)}` : '');
  if (before === undefined) return [`${label}${value(after ?? '')} is new: ${LATER}`];
  if (after === undefined) return [`${label}${value(before)} is no longer there: ${LATER}`];
  return [`${label} changes${isShown ? ` from${value(before)} to${value(after)}` : ''}: ${LATER}`];
}

function changedPorts(before: readonly number[], after: readonly number[]): string[] {
  return Array.from({ length: Math.max(before.length, after.length) }, (_, index) => {
    const [from, to] = [before[index], after[index]];
    if (from === to) return [];
    if (from === undefined) return [`Port ${index} is new, on ${shown(to)}: ${LATER}`];
    if (to === undefined) return [`Port ${index}, on ${shown(from)}, is no longer there: ${LATER}`];
    return [`The frontend of port ${index} moves from ${shown(from)} to ${shown(to)}: ${LATER}`];
  }).flat();
}

function shown(port: number | undefined): string {
  return port ? String(port) : 'a port that Marathon chooses';
}

function changedChecks(last: App, after: App): string[] {
  const [before, now] = [last, after].map(checkedByHaproxy);
  return before === now ? [] : [`HAProxy's own check changes from ${before} to ${now}: ${LATER}`];
}

/** What HAProxy asks for by the first port's check, as marathon-lb writes it down. */
function checkedByHaproxy({ healthChecks }: App): string {
  const check = healthChecks.find(
    ({ protocol, port, portIndex }) =>
      port !== undefined || (protocol !== 'COMMAND' && (portIndex ?? 0) === 0),
  );
  if (check === undefined) return 'none';
  const where = check.port === undefined ? '' : ` at port ${check.port}`;
  const every = `every ${check.intervalSeconds} s, out after ${check.maxConsecutiveFailures + 1}`;
  return `${check.protocol} ${quoted(check.path ?? '/')}${where} (${every})`;
}
