// pure
import { appNamePart, cleaned } from './server-names.ts';
import type { Service } from './services.ts';
import type { TemplateName, TemplateTexts } from './templates.ts';
import {
  addMapLine,
  type GroupedVhosts,
  mapRule,
  type VhostMap,
  type Writer,
  write,
} from './vhost-writer.ts';
import { httpsLines } from './vhosts-https.ts';

/** What one service adds to ports 80 and 443: all lines of one weight, kept together when sorted. */
export interface VhostChunk {
  weight: number;
  http: string;
  https: string;
}

/** Lines of one service for ports 80 and 443.
 * @param map filled in map mode, undefined otherwise
 * @param grouped filled with what belongs to the frontends of single names */
export function vhostChunk(
  service: Service,
  backend: string,
  texts: TemplateTexts,
  map: VhostMap | undefined,
  grouped: GroupedVhosts = new Map(),
): VhostChunk {
  const vhosts = (service.vhost ?? '').split(',');
  const first = vhosts[0] ?? '';
  const writer: Writer = {
    service,
    backend,
    texts,
    map,
    grouped,
    weight: service.weight,
    acl: `${cleaned(first)}_${appNamePart(service.appId)}`,
    realm: service.auth?.realm,
  };
  const http = vhosts.length > 1 ? severalOnHttp(writer, vhosts, first) : oneOnHttp(writer, first);
  const https = httpsLines(writer, vhosts);
  return { weight: writer.weight, http, https };
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
