// pure
import { createHash } from 'node:crypto';

const HIGHEST_SERVER_ID = 32767;

/** Backend and service-port frontend of an app (`/prod/web`, 10000 → `prod_web_10000`). */
export function backendName(appId: string, servicePort: number): string {
  return `${appNamePart(appId)}_${servicePort}`;
}

/** The app id inside names: without its first slash, the others as underscores. */
export function appNamePart(appId: string): string {
  return appId.slice(1).replaceAll('/', '_');
}

/** Every character that HAProxy might not take becomes an underscore. */
export function cleaned(text: string): string {
  return text.replaceAll(/[^a-zA-Z0-9-]/g, '_');
}

/** CSV `svname` (`agent-1.example`, 10.0.0.5, 31184 → `agent-1_example_10_0_0_5_31184`; host = ip → ip only). */
export function serverName(host: string, ip: string, port: number): string {
  return cleaned(host === ip ? `${ip}_${port}` : `${host}_${ip}_${port}`);
}

/** A stable id for a server of one backend, so that HAProxy finds its state again after a reload. Adds it to `taken`.
 * SHA-256 as a number, modulo 32767; 0 and taken ones are hashed again with the digest appended. */
export function serverId(name: string, taken: Set<number>): number {
  const digest = createHash('sha256').update(name).digest('hex');
  const id = Number(BigInt(`0x${digest}`) % BigInt(HIGHEST_SERVER_ID));
  if (id === 0 || taken.has(id)) return serverId(`${name} ${digest}`, taken);
  taken.add(id);
  return id;
}

/** Cookie value of a sticky server. */
export function cookieValue(name: string): string {
  return createHash('sha1').update(name).digest('hex').slice(0, 10);
}
