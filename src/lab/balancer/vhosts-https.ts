// pure
import { addMapLine, type Fields, type GroupedVhosts, mapRule, type Writer, write } from './vhost-writer.ts';

/** Lines of one service for port 443; notes them for the frontends of its names too. */
export function httpsLines(writer: Writer, vhosts: readonly string[]): string {
  const head = writer.service.path ? pathAcl(writer, vhosts) : '';
  // With several names each gets an entry, even when nothing stands for it; with one only what is written.
  if (vhosts.length > 1 || head !== '') for (const vhost of vhosts) note(writer, vhost, head);
  for (const vhost of vhosts) noteBindWords(writer, vhost);
  const lines = vhosts.map((vhost) => {
    const text = hostRule(writer, vhost, vhosts.length > 1);
    if (text !== undefined) note(writer, vhost, text);
    return text ?? '';
  });
  return head + lines.join('');
}

function pathAcl(writer: Writer, [first, ...others]: readonly string[]): string {
  const { backend, acl: cleanedUpHostname, realm, service } = writer;
  const auth: Fields = realm && others.length > 0 ? { cleanedUpHostname, hostname: first, realm } : {};
  return write(writer, 'HTTPS_FRONTEND_ACL_ONLY_WITH_PATH', { path: service.path, backend, ...auth });
}

/** @returns undefined when the map holds the name and its rule is written already */
function hostRule(writer: Writer, hostname: string, isOneOfSeveral: boolean): string | undefined {
  const { backend, acl: cleanedUpHostname, realm, service, map } = writer;
  const { path } = service;
  const fields: Fields = { cleanedUpHostname, hostname, appId: service.appId, backend };
  if (path) {
    if (!realm) return write(writer, 'HTTPS_FRONTEND_ACL_WITH_PATH', fields);
    const own = isOneOfSeveral ? { realm } : { realm, path };
    return write(writer, 'HTTPS_FRONTEND_ACL_WITH_AUTH_AND_PATH', { ...fields, ...own });
  }
  if (realm) return write(writer, 'HTTPS_FRONTEND_ACL_WITH_AUTH', { ...fields, realm });
  if (map === undefined) return write(writer, 'HTTPS_FRONTEND_ACL', fields);
  addMapLine(map, hostname, backend);
  if (map.hasHttpsRule) return undefined;
  map.hasHttpsRule = true;
  const place = { hostname, haproxy_dir: map.directory };
  return mapRule(writer, 'MAP_HTTPS_FRONTEND_ACL', 'HTTPS_FRONTEND_ACL', place);
}

function note(writer: Writer, vhost: string, text: string): void {
  entry(writer, vhost).lines.push({ weight: writer.weight, text });
}

function noteBindWords(writer: Writer, vhost: string): void {
  const { sslCertificate, bindOptions } = writer.service;
  if (sslCertificate !== undefined) entry(writer, vhost).certificates.add(sslCertificate);
  if (bindOptions !== undefined) entry(writer, vhost).bindOptions.add(bindOptions);
}

function entry({ grouped }: Writer, vhost: string): NonNullable<ReturnType<GroupedVhosts['get']>> {
  const found = grouped.get(vhost) ?? { lines: [], certificates: new Set(), bindOptions: new Set() };
  grouped.set(vhost, found);
  return found;
}
