// pure

const CIPHERS = [
  'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384',
  'DHE-RSA-AES128-SHA256:DHE-RSA-AES256-SHA256:AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA256',
  'AES256-SHA256:!aNULL:!MD5:!DSS',
].join(':');

export const DEFAULT_OPTIONS = 'redispatch,http-server-close,dontlognull';

/** The stock head (template HEAD): global, defaults and `listen stats`, as marathon-lb writes it. `places.ts` puts it
 * on this machine afterwards.
 * @param defaultOptions `HAPROXY_GLOBAL_DEFAULT_OPTIONS`, a comma list */
export function stockHead(defaultOptions = DEFAULT_OPTIONS): string {
  const options = defaultOptions.split(',').map((option) => `  option            ${option.trim()}\n`);
  return `\
global
  log /dev/log local0
  log /dev/log local1 notice
  spread-checks 5
  max-spread-checks 15000
  maxconn 50000
  tune.ssl.default-dh-param 2048
  ssl-default-bind-ciphers ${CIPHERS}
  ssl-default-bind-options no-sslv3 no-tlsv10 no-tls-tickets
  ssl-default-server-ciphers ${CIPHERS}
  ssl-default-server-options no-sslv3 no-tlsv10 no-tls-tickets
  stats socket /var/run/haproxy/socket expose-fd listeners
  server-state-file global
  server-state-base /var/state/haproxy/
  lua-load /marathon-lb/getpids.lua
  lua-load /marathon-lb/getconfig.lua
  lua-load /marathon-lb/getmaps.lua
  lua-load /marathon-lb/signalmlb.lua
defaults
  load-server-state-from-file global
  log               global
  retries                   3
  backlog               10000
  maxconn               10000
  timeout connect          3s
  timeout client          30s
  timeout server          30s
  timeout tunnel        3600s
  timeout http-keep-alive  1s
  timeout http-request    15s
  timeout queue           30s
  timeout tarpit          60s
${[...new Set(options)].sort().join('')}\
listen stats
  bind 0.0.0.0:9090
  balance
  mode http
  stats enable
  http-request use-service prometheus-exporter if { path /metrics }
  monitor-uri /_haproxy_health_check
${ADMIN_SERVICES.map(serviceRule).join('')}`;
}

function serviceRule({ acl, lua, path }: { acl: string; lua: string; path: string }): string {
  const blank = lua === 'getconfig' ? '\n' : '';
  return `  acl ${acl} path ${path}\n  http-request use-service lua.${lua} if ${acl}\n${blank}`;
}

/** What marathon-lb answers by Lua, and the stand-in by its own server (`admin.ts`). */
const ADMIN_SERVICES = [
  { acl: 'getpid', lua: 'getpids', path: '/_haproxy_getpids' },
  { acl: 'getvhostmap', lua: 'getvhostmap', path: '/_haproxy_getvhostmap' },
  { acl: 'getappmap', lua: 'getappmap', path: '/_haproxy_getappmap' },
  { acl: 'getconfig', lua: 'getconfig', path: '/_haproxy_getconfig' },
  { acl: 'signalmlbhup', lua: 'signalmlbhup', path: '/_mlb_signal/hup' },
  { acl: 'signalmlbusr1', lua: 'signalmlbusr1', path: '/_mlb_signal/usr1' },
];
