// pure

/** Where one balancer lives on this machine. */
export interface Places {
  /** Loopback address that stands for "all addresses of the agent". */
  address: string;
  /** What stands for ports 80, 443, 9090 and 9091. */
  ports: { http: number; https: number; admin: number; appId: number };
  /** Both relative to the working directory of the balancer and its HAProxy. */
  statsSocket: string;
  /** Unix socket of the stand-in's own HTTP server. */
  adminSocket: string;
  stateDirectory: string;
  /** Stands for /etc/ssl. */
  certificateDirectory: string;
  /** Highest `maxconn` that the open-file limit of this process allows. */
  mostConnections: number;
}

const OWN_LUA = /^\s*lua-load \/marathon-lb\/(getpids|getconfig|getmaps|signalmlb)\.lua$/;
/** Files that a start writes, as operators name them in templates of their own. */
const OWN_CERTIFICATE = /\/etc\/ssl\/(cert\d*\.pem)/g;
/** Names of the machine, not of a container: those of several balancers would clash. */
const ABSTRACT_SOCKET = /\babns@/;
const OWN_SERVICE =
  /^(\s*)http-request use-service lua\.\w+ (if (?:getpid|getvhostmap|getappmap|getconfig|signalmlb\w+))$/;

/** A generated configuration put on this machine: the agent's address instead of `*`, sockets and state in the task's
 * directory, no /dev/log, and the admin services at the stand-in's socket instead of Lua. Nothing else changes,
 * so what marathon-lb would have written stays readable line by line. */
export function putInPlace(config: string, places: Places): string {
  const lines: string[] = [];
  for (const line of config.split('\n')) {
    if (/^\s*log \/dev\/log /.test(line) || OWN_LUA.test(line)) continue;
    const service = OWN_SERVICE.exec(line);
    lines.push(
      service === null ? placedLine(line, places) : `${service[1]}use_backend lab_admin ${service[2]}`,
    );
    if (service?.[2] === 'if signalmlbusr1') lines.push('  use_backend lab_admin if { path_beg /_lab/ }');
  }
  return `${lines.join('\n')}
backend lab_admin
  mode http
  server admin unix@${places.adminSocket}
`;
}

function placedLine(line: string, places: Places): string {
  if (/^\s*bind /.test(line)) {
    return line
      .replace(ABSTRACT_SOCKET, `abns@${places.address}-`)
      .replace(
        /(?:\*|0\.0\.0\.0):(\d+)/g,
        (_, port: string) => `${places.address}:${placedPort(port, places)}`,
      )
      .replaceAll(OWN_CERTIFICATE, `${places.certificateDirectory}/$1`);
  }
  const limit = /^(\s*maxconn\s+)(\d+)$/.exec(line);
  if (limit !== null) return `${limit[1]}${Math.min(Number(limit[2]), places.mostConnections)}`;
  return line
    .replace(ABSTRACT_SOCKET, `abns@${places.address}-`)
    .replace('/var/run/haproxy/socket', `unix@${places.statsSocket}`)
    .replaceAll(OWN_CERTIFICATE, `${places.certificateDirectory}/$1`)
    .replace('/var/state/haproxy/', `${places.stateDirectory}/`);
}

function placedPort(port: string, { ports }: Places): number {
  const standard: Record<string, number> = {
    '80': ports.http,
    '443': ports.https,
    '9090': ports.admin,
    '9091': ports.appId,
  };
  return standard[port] ?? Number(port);
}
