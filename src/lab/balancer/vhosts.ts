// pure
import { fillTemplate } from './format.ts';
import { appNamePart, cleaned } from './server-names.ts';
import type { Service } from './services.ts';
import type { TemplateName, TemplateTexts } from './templates.ts';

/** What one service adds to ports 80 and 443: all lines of one weight, kept together when sorted. */
export interface VhostChunk {
  weight: number;
  http: string;
  https: string;
}

/** `--haproxy-map`: one rule per frontend and one line per vhost, instead of lines for each plain app. */
export interface VhostMap {
  directory: string;
  lines: Map<string, { key: string; backend: string }>;
  hasHttpRule: boolean;
  hasHttpsRule: boolean;
}

/** The text of a template for a service: its own by label, else the balancer's. */
export function templateOf(service: Service, name: TemplateName, texts: TemplateTexts): string {
  return service.templates[name] ?? texts[name];
}

/** Lines of one service for ports 80 and 443. Each template gets exactly the placeholders that marathon-lb gives it,
 * since one more in a label is an exception there.
 * @param map filled in map mode, undefined otherwise */
export function vhostChunk(
  service: Service,
  backend: string,
  texts: TemplateTexts,
  map: VhostMap | undefined,
): VhostChunk {
  const vhosts = (service.vhost ?? '').split(',');
  const first = vhosts[0] ?? '';
  const writer: Writer = {
    service,
    backend,
    texts,
    map,
    weight: service.weight,
    acl: `${cleaned(first)}_${appNamePart(service.appId)}`,
    realm: service.auth?.realm,
  };
  const http = vhosts.length > 1 ? severalOnHttp(writer, vhosts, first) : oneOnHttp(writer, first);
  const https = vhosts.length > 1 ? severalOnHttps(writer, vhosts, first) : oneOnHttps(writer, first);
  return { weight: writer.weight, http, https };
}

interface Writer {
  service: Service;
  backend: string;
  texts: TemplateTexts;
  map: VhostMap | undefined;
  weight: number;
  acl: string;
  realm: string | undefined;
}

type Fields = Record<string, string | undefined>;

function write(writer: Writer, name: TemplateName, fields: Fields): string {
  return fillTemplate(templateOf(writer.service, name, writer.texts), fields);
}

function oneOnHttp(writer: Writer, hostname: string): string {
  const { backend, acl: cleanedUpHostname, realm, service } = writer;
  const { path, appId } = service;
  const own = { cleanedUpHostname, hostname, appId, backend };
  if (path !== undefined && path !== '') {
    if (service.redirectToHttps) {
      return (
        write(writer, 'HTTP_FRONTEND_ACL_ONLY', { cleanedUpHostname, hostname }) +
        write(writer, 'HTTP_FRONTEND_ACL_ONLY_WITH_PATH', { cleanedUpHostname, hostname, path, backend }) +
        redirect(writer)
      );
    }
    return realm
      ? write(writer, 'HTTP_FRONTEND_ACL_WITH_AUTH_AND_PATH', { ...own, path, realm })
      : write(writer, 'HTTP_FRONTEND_ACL_WITH_PATH', { ...own, path });
  }
  if (service.redirectToHttps) {
    return write(writer, 'HTTP_FRONTEND_ACL', { cleanedUpHostname, hostname, backend }) + redirect(writer);
  }
  if (realm) return write(writer, 'HTTP_FRONTEND_ACL_WITH_AUTH', { ...own, realm });
  if (writer.map !== undefined) {
    return mapOnHttp(writer, writer.map, hostname, 'MAP_HTTP_FRONTEND_ACL', 'HTTP_FRONTEND_ACL');
  }
  return write(writer, 'HTTP_FRONTEND_ACL', own);
}

function severalOnHttp(writer: Writer, vhosts: string[], first: string): string {
  const { backend, acl: cleanedUpHostname, realm, service, map } = writer;
  const { path } = service;
  let lines = '';
  if (path) {
    lines += realm
      ? write(writer, 'HTTP_FRONTEND_ACL_ONLY_WITH_PATH_AND_AUTH', {
          path,
          cleanedUpHostname,
          hostname: first,
          realm,
          backend,
        })
      : write(writer, 'HTTP_FRONTEND_ACL_ONLY_WITH_PATH', { path, backend });
  }
  for (const hostname of vhosts) {
    lines +=
      map !== undefined && !path && !realm && !service.redirectToHttps
        ? mapOnHttp(writer, map, hostname, 'MAP_HTTP_FRONTEND_ACL_ONLY', 'HTTP_FRONTEND_ACL_ONLY')
        : write(writer, 'HTTP_FRONTEND_ACL_ONLY', { cleanedUpHostname, hostname });
  }
  if (service.redirectToHttps) return lines + redirect(writer);
  const routing = { cleanedUpHostname, backend };
  if (path) {
    return realm
      ? lines + write(writer, 'HTTP_FRONTEND_ROUTING_ONLY_WITH_PATH_AND_AUTH', { ...routing, realm })
      : lines + write(writer, 'HTTP_FRONTEND_ROUTING_ONLY_WITH_PATH', routing);
  }
  if (realm) return lines + write(writer, 'HTTP_FRONTEND_ROUTING_ONLY_WITH_AUTH', { ...routing, realm });
  return map === undefined ? lines + write(writer, 'HTTP_FRONTEND_ROUTING_ONLY', routing) : lines;
}

function redirect(writer: Writer): string {
  const { backend, acl: cleanedUpHostname, service } = writer;
  const fields = { bindAddr: service.bindAddress, cleanedUpHostname };
  return service.path
    ? write(writer, 'BACKEND_REDIRECT_HTTP_TO_HTTPS_WITH_PATH', { ...fields, backend })
    : write(writer, 'BACKEND_REDIRECT_HTTP_TO_HTTPS', fields);
}

function oneOnHttps(writer: Writer, hostname: string): string {
  const { backend, service } = writer;
  const { path } = service;
  if (!path) return hostOnHttps(writer, hostname);
  return (
    write(writer, 'HTTPS_FRONTEND_ACL_ONLY_WITH_PATH', { path, backend }) +
    pathOnHttps(writer, hostname, { path })
  );
}

function severalOnHttps(writer: Writer, vhosts: string[], first: string): string {
  const { backend, acl: cleanedUpHostname, realm, service } = writer;
  const { path } = service;
  if (!path) return vhosts.map((hostname) => hostOnHttps(writer, hostname)).join('');
  const auth = realm ? { cleanedUpHostname, hostname: first, realm } : {};
  return (
    write(writer, 'HTTPS_FRONTEND_ACL_ONLY_WITH_PATH', { path, backend, ...auth }) +
    vhosts.map((hostname) => pathOnHttps(writer, hostname, {})).join('')
  );
}

/** @param withAuth placeholders that the template with AUTH has besides the usual ones */
function pathOnHttps(writer: Writer, hostname: string, withAuth: Fields): string {
  const { backend, acl: cleanedUpHostname, realm, service } = writer;
  const fields = { cleanedUpHostname, hostname, appId: service.appId, backend };
  return realm
    ? write(writer, 'HTTPS_FRONTEND_ACL_WITH_AUTH_AND_PATH', { ...fields, realm, ...withAuth })
    : write(writer, 'HTTPS_FRONTEND_ACL_WITH_PATH', fields);
}

function hostOnHttps(writer: Writer, hostname: string): string {
  const { backend, acl: cleanedUpHostname, realm, service, map } = writer;
  const fields = { cleanedUpHostname, hostname, appId: service.appId, backend };
  if (realm) return write(writer, 'HTTPS_FRONTEND_ACL_WITH_AUTH', { ...fields, realm });
  if (map === undefined) return write(writer, 'HTTPS_FRONTEND_ACL', fields);
  addMapLine(map, hostname, backend);
  if (map.hasHttpsRule) return '';
  map.hasHttpsRule = true;
  return mapRule(writer, 'MAP_HTTPS_FRONTEND_ACL', 'HTTPS_FRONTEND_ACL', {
    hostname,
    haproxy_dir: map.directory,
  });
}

function mapOnHttp(
  writer: Writer,
  map: VhostMap,
  hostname: string,
  rule: TemplateName,
  label: TemplateName,
): string {
  addMapLine(map, hostname, writer.backend);
  if (map.hasHttpRule) return '';
  map.hasHttpRule = true;
  return mapRule(writer, rule, label, { haproxy_dir: map.directory });
}

/** The one map rule of a frontend. It sinks below every chunk of weight 0 or more; and a label for the ordinary
 * template takes its place, which is marathon-lb's mistake (its issue 310). */
function mapRule(writer: Writer, rule: TemplateName, label: TemplateName, fields: Fields): string {
  writer.weight = -1;
  return fillTemplate(writer.service.templates[label] ?? writer.texts[rule], fields);
}

function addMapLine(map: VhostMap, key: string, backend: string): void {
  const id = `${key} ${backend}`;
  if (!map.lines.has(id)) map.lines.set(id, { key, backend });
}
