// pure
import { fillTemplate } from './format.ts';
import type { MarathonHealthCheck } from './marathon-app.ts';
import { cookieValue, serverId, serverName } from './server-names.ts';
import type { Server, Service } from './services.ts';
import type { TemplateTexts } from './templates.ts';
import { templateOf } from './vhost-writer.ts';

/** `backend NAME` with its options and servers.
 * @param siblings all services of this generation: a health check may be borrowed from another port of the app */
export function backendSection(
  service: Service,
  backend: string,
  mode: string,
  texts: TemplateTexts,
  siblings: readonly Service[],
): string {
  const head = fillTemplate(templateOf(service, 'BACKEND_HEAD', texts), {
    backend,
    balance: service.balance,
    mode,
  });
  const options = mode === 'http' ? httpOptions(service, texts) : '';
  const sticky = service.sticky ? templateOf(service, 'BACKEND_STICKY_OPTIONS', texts) : '';
  const servers = sortedServers(service);
  const taken = new Set<number>();
  const lines = servers.map((server, index) =>
    serverLine(service, server, taken, texts, healthOptions(service, mode, texts, siblings, index)),
  );
  const check = backendHealthOptions(service, mode, texts, siblings);
  return head + options + networkRules(service, mode, texts) + sticky + check + lines.join('');
}

function httpOptions(service: Service, texts: TemplateTexts): string {
  const hostname = service.vhost;
  let lines = service.useHsts ? templateOf(service, 'BACKEND_HSTS_OPTIONS', texts) : '';
  lines += templateOf(service, 'BACKEND_HTTP_OPTIONS', texts);
  if (service.proxyPath) {
    const fields = { hostname, proxypath: service.proxyPath };
    lines += fillTemplate(templateOf(service, 'HTTP_BACKEND_PROXYPASS_GLUE', texts), fields);
  }
  if (service.reverseProxyPath) {
    const fields = { hostname, rootpath: service.reverseProxyPath };
    lines += fillTemplate(templateOf(service, 'HTTP_BACKEND_REVPROXY_GLUE', texts), fields);
  }
  if (service.redirectPath) {
    const fields = { hostname, redirpath: service.redirectPath };
    lines += fillTemplate(templateOf(service, 'HTTP_BACKEND_REDIR', texts), fields);
  }
  return lines;
}

function networkRules(service: Service, mode: string, texts: TemplateTexts): string {
  if (!service.networkAllowed || (mode !== 'http' && mode !== 'tcp')) return '';
  const kind = mode === 'http' ? 'HTTP' : 'TCP';
  const acl = templateOf(service, `${kind}_BACKEND_NETWORK_ALLOWED_ACL`, texts);
  const networks = service.networkAllowed.split(/\s+/).filter((network) => network !== '');
  const rules = networks.map((network) => fillTemplate(acl, { network_allowed: network }));
  return rules.join('') + texts[`${kind}_BACKEND_ACL_ALLOW_DENY`];
}

function serverLine(
  service: Service,
  server: Server,
  taken: Set<number>,
  texts: TemplateTexts,
  health: string,
): string {
  const name = serverName(server.host, server.ip, server.port);
  return fillTemplate(templateOf(service, 'BACKEND_SERVER_OPTIONS', texts), {
    host: server.host,
    host_ipv4: server.ip,
    port: server.port,
    serverName: name,
    serverId: serverId(name, taken),
    cookieOptions: service.sticky ? ` check cookie ${cookieValue(name)}` : '',
    healthCheckOptions: health,
    otherOptions: server.isDraining ? ' disabled' : '',
  });
}

/** Also for HTTPS checks it is a plain HTTP one; a COMMAND check never gets here, it has no port. */
function backendHealthOptions(
  service: Service,
  mode: string,
  texts: TemplateTexts,
  siblings: readonly Service[],
): string {
  const { healthCheck } = service;
  const kind = checkKind(service, mode);
  if (healthCheck === undefined || kind === undefined) return '';
  const template = templateOf(service, `BACKEND_${kind}_HEALTHCHECK_OPTIONS`, texts);
  if (template === '') return '';
  return fillTemplate(template, healthFields(healthCheck, checkedPort(service, siblings, 0)));
}

function healthOptions(
  service: Service,
  mode: string,
  texts: TemplateTexts,
  siblings: readonly Service[],
  index: number,
): string {
  const { healthCheck } = service;
  const kind = checkKind(service, mode);
  if (healthCheck === undefined || kind === undefined) return '';
  const template = templateOf(service, `BACKEND_SERVER_${kind}_HEALTHCHECK_OPTIONS`, texts).trim();
  if (template === '') return '';
  const port =
    service.healthCheckPortIndex === undefined
      ? (healthCheck.port ?? undefined)
      : checkedPort(service, siblings, index);
  return fillTemplate(` ${template}`, healthFields(healthCheck, port));
}

function checkKind(service: Service, mode: string): 'TCP' | 'HTTP' | undefined {
  const protocol = service.healthCheck?.protocol;
  if (mode === 'tcp' || protocol === 'TCP' || protocol === 'MESOS_TCP') return 'TCP';
  return mode === 'http' ? 'HTTP' : undefined;
}

function healthFields(
  check: MarathonHealthCheck,
  port: number | undefined,
): Record<string, string | number | undefined> {
  return {
    healthCheckPortIndex: check.portIndex ?? undefined,
    healthCheckPort: port,
    healthCheckProtocol: check.protocol,
    healthCheckPath: check.path ?? '/',
    healthCheckTimeoutSeconds: check.timeoutSeconds,
    // Whole in a real Marathon; the lab's takes fractions for quick tests, which HAProxy does not know.
    healthCheckIntervalSeconds: Math.ceil(check.intervalSeconds),
    healthCheckGracePeriodSeconds: check.gracePeriodSeconds,
    healthCheckMaxConsecutiveFailures: check.maxConsecutiveFailures,
    healthCheckFalls: check.maxConsecutiveFailures + 1,
    healthCheckPortOptions: port ? ` port ${port}` : '',
  };
}

/** Port of the nth server, taken from the port index that HAPROXY_{n}_BACKEND_HEALTHCHECK_PORT_INDEX names; a
 * nonsensical index means the service's own port. */
function checkedPort(service: Service, siblings: readonly Service[], index: number): number {
  const ports = siblings.filter(({ appId }) => appId === service.appId).sort(byServicePort);
  const wanted = service.healthCheckPortIndex;
  const source = wanted === undefined || Math.abs(wanted) > ports.length ? service : ports.at(wanted);
  const server = source === undefined ? undefined : sortedServers(source)[index];
  if (server === undefined) throw new Error('IndexError: health check port index out of range');
  return server.port;
}

function sortedServers(service: Service): Server[] {
  return [...service.servers].sort((a, b) => (a.host < b.host ? -1 : a.host > b.host ? 1 : a.port - b.port));
}

function byServicePort(a: Service, b: Service): number {
  return a.servicePort - b.servicePort;
}
