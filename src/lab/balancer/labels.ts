// pure
import type { MarathonHealthCheck } from './marathon-app.ts';
import { GLOBAL_TEMPLATES, TEMPLATE_NAMES, type TemplateName } from './templates.ts';

/** One service port of one app, as its labels describe it. */
export interface ServiceLabels {
  /** null: none of its own, the app's HAPROXY_GROUP holds. */
  groups: string[] | null;
  enabled: boolean;
  /** As written, lower-cased; a comma makes it several. */
  vhost: string | undefined;
  path: string | undefined;
  weight: number;
  redirectToHttps: boolean;
  auth: { realm: string; user: string; password: string } | undefined;
  mode: string | undefined;
  servicePort: number;
  bindAddress: string;
  bindOptions: string | undefined;
  sslCertificate: string | undefined;
  sticky: boolean;
  balance: string;
  useHsts: boolean;
  networkAllowed: string | undefined;
  proxyPath: string | undefined;
  reverseProxyPath: string | undefined;
  redirectPath: string | undefined;
  healthCheckPortIndex: number | undefined;
  templates: Partial<Record<TemplateName, string>>;
}

/** Reads the HAPROXY_{index}_… labels. The names are applied in alphabetical order, after the health check has set the
 * mode: an explicit BACKEND_WEIGHT 0 is raised to 1 by PATH, and MODE beats the check.
 * @throws Error on a value that marathon-lb cannot read; there it stops the generation for all apps */
export function readLabels(
  labels: Record<string, string>,
  index: number,
  defaults: { servicePort: number; healthCheck: MarathonHealthCheck | undefined; strict: boolean },
): ServiceLabels {
  const label = (name: string): string | undefined => labels[`HAPROXY_${index}_${name}`];
  const auth = label('AUTH');
  const weight = integer(label('BACKEND_WEIGHT'), 'BACKEND_WEIGHT') ?? 0;
  const path = label('PATH');
  const enabled = label('ENABLED');
  return {
    groups: label('GROUP')?.split(',') ?? null,
    enabled: enabled === undefined ? !defaults.strict : truth(enabled),
    vhost: label('VHOST')?.toLowerCase(),
    path,
    weight: path !== undefined && weight === 0 ? 1 : weight,
    redirectToHttps: truth(label('REDIRECT_TO_HTTPS')),
    auth: auth === undefined ? undefined : readAuth(auth),
    mode: label('MODE')?.toLowerCase() ?? (defaults.healthCheck?.protocol === 'HTTP' ? 'http' : undefined),
    servicePort: integer(label('PORT'), 'PORT') ?? defaults.servicePort,
    bindAddress: label('BIND_ADDR') ?? '*',
    bindOptions: label('BIND_OPTIONS'),
    sslCertificate: label('SSL_CERT'),
    sticky: truth(label('STICKY')),
    balance: label('BALANCE') ?? 'roundrobin',
    useHsts: truth(label('USE_HSTS')),
    networkAllowed: label('BACKEND_NETWORK_ALLOWED_ACL'),
    proxyPath: label('HTTP_BACKEND_PROXYPASS_PATH'),
    reverseProxyPath: label('HTTP_BACKEND_REVPROXY_PATH'),
    redirectPath: label('HTTP_BACKEND_REDIR'),
    healthCheckPortIndex: integer(label('BACKEND_HEALTHCHECK_PORT_INDEX'), 'BACKEND_HEALTHCHECK_PORT_INDEX'),
    templates: ownTemplates(label),
  };
}

function ownTemplates(label: (name: string) => string | undefined): Partial<Record<TemplateName, string>> {
  const own: Partial<Record<TemplateName, string>> = {};
  for (const name of TEMPLATE_NAMES) {
    // One name is both the redirect path of the app and the template it goes into; marathon-lb keeps the path.
    if (GLOBAL_TEMPLATES.has(name) || name === 'HTTP_BACKEND_REDIR') continue;
    const text = label(name);
    if (text !== undefined) own[name] = text.replaceAll('\r\n', '\n');
  }
  return own;
}

function readAuth(value: string): { realm: string; user: string; password: string } {
  const [realm, user, password, ...more] = value.split(':');
  if (realm === undefined || user === undefined || password === undefined || more.length > 0) {
    throw new Error('ValueError: AUTH must be realm:user:hash');
  }
  return { realm, user, password };
}

/** @throws Error where Python's `int` would */
export function integer(value: string | undefined, name: string): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\s*[+-]?\d+\s*$/.test(value)) throw new Error(`ValueError: ${name} is no integer: '${value}'`);
  return Number(value);
}

function truth(value: string | undefined): boolean {
  return ['true', 't', 'yes', 'y'].includes((value ?? '').toLowerCase());
}
