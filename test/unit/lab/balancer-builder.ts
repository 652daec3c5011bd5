import { type ConfigRules, type GeneratedConfig, generateConfig } from '../../../src/lab/balancer/config.ts';
import { applyDeploymentGroups } from '../../../src/lab/balancer/groups.ts';
import { stockHead } from '../../../src/lab/balancer/head.ts';
import type { MarathonApp } from '../../../src/lab/balancer/marathon-app.ts';
import { readServices, type ServiceRules } from '../../../src/lab/balancer/services.ts';
import { TEMPLATES } from '../../../src/lab/balancer/templates.ts';

/** An app with one service port and one running task. */
export function app(
  id: string,
  port: number,
  labels: Record<string, string> = {},
  more: Partial<MarathonApp> = {},
): MarathonApp {
  return {
    id,
    labels: { HAPROXY_GROUP: 'external', ...labels },
    portDefinitions: [{ port }],
    tasks: [{ id: `${id}.1`, host: '10.0.0.5', state: 'TASK_RUNNING', ports: [31000] }],
    ...more,
  };
}

/** The configuration of these apps, with the ordinary rules unless told otherwise. */
export function generate(
  apps: MarathonApp[],
  rules: Partial<ConfigRules> = {},
  more: Partial<ServiceRules> = {},
): GeneratedConfig {
  const services = readServices(applyDeploymentGroups(structuredClone(apps)), {
    needsHealth: true,
    strict: false,
    ownName: undefined,
    addresses: new Map([
      ['10.0.0.5', '10.0.0.5'],
      ['agent-1.example', '10.0.0.7'],
    ]),
    lastHealth: new Map(),
    assignablePorts: { min: 10050, max: 10100 },
    ...more,
  });
  return generateConfig(services, {
    head: stockHead(),
    texts: TEMPLATES,
    groups: ['external'],
    certificates: ['/etc/ssl/cert.pem'],
    bindsHttpAndHttps: true,
    groupsHttpsByVhost: false,
    mapDirectory: undefined,
    ...rules,
  });
}

/** The lines of one section, without its blank ones. */
export function section(config: GeneratedConfig, head: string): string[] {
  const lines = config.text.split('\n');
  const start = lines.indexOf(head);
  if (start === -1) return [];
  const next = lines.findIndex((line, at) => at > start && /^\S/.test(line));
  return lines.slice(start, next === -1 ? undefined : next).filter((line) => line !== '');
}

export const http = (config: GeneratedConfig): string[] =>
  section(config, 'frontend marathon_http_in').slice(3);
export const https = (config: GeneratedConfig): string[] =>
  section(config, 'frontend marathon_https_in').slice(3);
