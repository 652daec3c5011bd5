// pure
import { backendSection } from './backends.ts';
import { fillTemplate } from './format.ts';
import { backendName, cleaned } from './server-names.ts';
import type { Service } from './services.ts';
import type { TemplateTexts } from './templates.ts';
import { type GroupedVhosts, templateOf, type VhostMap } from './vhost-writer.ts';
import { type VhostChunk, vhostChunk } from './vhosts.ts';
import { groupedHttps } from './vhosts-grouped.ts';

export interface ConfigRules {
  head: string;
  texts: TemplateTexts;
  /** `--group`; `*` takes every app. */
  groups: readonly string[];
  /** Entries of the 443 bind line, first = default certificate. */
  certificates: readonly string[];
  /** false: `--dont-bind-http-https`. */
  bindsHttpAndHttps: boolean;
  /** `--group-https-by-vhost`. */
  groupsHttpsByVhost: boolean;
  /** Directory of the map files in map mode, undefined otherwise. */
  mapDirectory: string | undefined;
}

export interface GeneratedConfig {
  text: string;
  /** Contents of domain2backend.map and app2backend.map; empty without map mode. */
  domainMap: string;
  appMap: string;
}

/** haproxy.cfg as marathon-lb generates it: head, userlists, port 80, app ids, port 443, one frontend per service port,
 * all backends.
 * @throws Error on a template that cannot be filled and on a head without `expose-fd listeners`: nothing is
 * generated then, for no app */
export function generateConfig(services: readonly Service[], rules: ConfigRules): GeneratedConfig {
  if (rules.head.split(/\s+/).includes('daemon') || !rules.head.includes('expose-fd listeners')) {
    throw new Error('Error in custom HAPROXY_HEAD template: no "daemon", but "expose-fd listeners"');
  }
  const map = newMap(rules.mapDirectory);
  const appMap = newMap(rules.mapDirectory);
  const chunks: VhostChunk[] = [];
  const grouped: GroupedVhosts = new Map();
  const parts = { userlists: '', appIds: '', frontends: '', backends: '' };
  const seenApps = new Set<string>();
  for (const service of [...services].filter((each) => isWanted(each, rules.groups)).sort(byAppAndPort)) {
    const backend = backendName(service.appId, service.servicePort);
    const mode = service.mode ?? (service.vhost ? 'http' : 'tcp');
    parts.userlists += userlist(service, backend, rules.texts);
    parts.frontends += frontendSection(service, backend, mode, rules.texts);
    if (rules.bindsHttpAndHttps && service.vhost) {
      chunks.push(vhostChunk(service, backend, rules.texts, map, grouped));
    }
    if (mode === 'http' && !seenApps.has(service.appId)) {
      seenApps.add(service.appId);
      parts.appIds += appIdRule(service, backend, rules.texts, appMap);
    }
    parts.backends += backendSection(service, backend, mode, rules.texts, services);
  }
  chunks.sort((a, b) => (a.weight === b.weight ? 0 : a.weight > b.weight ? -1 : 1));
  const text =
    rules.head +
    parts.userlists +
    (rules.bindsHttpAndHttps
      ? rules.texts.HTTP_FRONTEND_HEAD + chunks.map(({ http }) => http).join('')
      : '') +
    rules.texts.HTTP_FRONTEND_APPID_HEAD +
    parts.appIds +
    (rules.bindsHttpAndHttps ? httpsSection(rules, chunks, grouped) : '') +
    parts.frontends +
    parts.backends;
  return { text, domainMap: mapText(map), appMap: mapText(appMap) };
}

/** A port's own groups win over those of its app; an app without any is taken by `*` only. */
function isWanted(service: Service, groups: readonly string[]): boolean {
  if (!service.enabled) return false;
  const own = service.groups ?? service.appGroups;
  return groups.includes('*') || own.some((group) => groups.includes(group));
}

function byAppAndPort(a: Service, b: Service): number {
  return a.appId === b.appId ? a.servicePort - b.servicePort : a.appId < b.appId ? -1 : 1;
}

function userlist(service: Service, backend: string, texts: TemplateTexts): string {
  if (!service.auth?.user) return '';
  const { user, password } = service.auth;
  return fillTemplate(templateOf(service, 'USERLIST_HEAD', texts), { backend, user, passwd: password });
}

function frontendSection(service: Service, backend: string, mode: string, texts: TemplateTexts): string {
  const head = fillTemplate(templateOf(service, 'FRONTEND_HEAD', texts), {
    bindAddr: service.bindAddress,
    backend,
    servicePort: service.servicePort,
    mode,
    sslCert: service.sslCertificate ? ` ssl crt ${service.sslCertificate}` : '',
    bindOptions: service.bindOptions ? ` ${service.bindOptions}` : '',
  });
  return head + fillTemplate(templateOf(service, 'FRONTEND_BACKEND_GLUE', texts), { backend });
}

function httpsSection(rules: ConfigRules, chunks: readonly VhostChunk[], grouped: GroupedVhosts): string {
  const { texts, certificates, groupsHttpsByVhost } = rules;
  if (groupsHttpsByVhost) return groupedHttps(grouped, texts, certificates);
  const sslCerts = certificates.map((entry) => `crt ${entry}`).join(' ');
  return fillTemplate(texts.HTTPS_FRONTEND_HEAD, { sslCerts }) + chunks.map(({ https }) => https).join('');
}

function appIdRule(
  service: Service,
  backend: string,
  texts: TemplateTexts,
  map: VhostMap | undefined,
): string {
  const { appId } = service;
  if (map === undefined) {
    const fields = { cleanedUpAppId: cleaned(appId), hostname: service.vhost, appId, backend };
    return fillTemplate(templateOf(service, 'HTTP_FRONTEND_APPID_ACL', texts), fields);
  }
  map.lines.set(appId, { key: appId, backend });
  if (map.hasHttpRule) return '';
  map.hasHttpRule = true;
  const template = service.templates.HTTP_FRONTEND_APPID_ACL ?? texts.MAP_HTTP_FRONTEND_APPID_ACL;
  return fillTemplate(template, { haproxy_dir: map.directory });
}

function newMap(directory: string | undefined): VhostMap | undefined {
  if (directory === undefined) return undefined;
  return { directory, lines: new Map(), hasHttpRule: false, hasHttpsRule: false };
}

function mapText(map: VhostMap | undefined): string {
  return [...(map?.lines.values() ?? [])].map(({ key, backend }) => `${key} ${backend}\n`).join('');
}
