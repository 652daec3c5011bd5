// pure
import { fillTemplate } from './format.ts';
import type { Service } from './services.ts';
import type { TemplateName, TemplateTexts } from './templates.ts';

/** `--haproxy-map`: one rule per frontend and one line per vhost, instead of lines for each plain app. */
export interface VhostMap {
  directory: string;
  lines: Map<string, { key: string; backend: string }>;
  hasHttpRule: boolean;
  hasHttpsRule: boolean;
}

/** `--group-https-by-vhost`: what belongs to each name's own frontend. */
export type GroupedVhosts = Map<
  string,
  { lines: { weight: number; text: string }[]; certificates: Set<string>; bindOptions: Set<string> }
>;

/** What is needed to write the lines of one service for ports 80 and 443. */
export interface Writer {
  service: Service;
  backend: string;
  texts: TemplateTexts;
  map: VhostMap | undefined;
  grouped: GroupedVhosts;
  weight: number;
  acl: string;
  realm: string | undefined;
}

export type Fields = Record<string, string | undefined>;

/** The text of a template for a service: its own by label, else the balancer's. */
export function templateOf(service: Service, name: TemplateName, texts: TemplateTexts): string {
  return service.templates[name] ?? texts[name];
}

/** Each template gets exactly the placeholders that marathon-lb gives it, since one more in a label is an exception
 * there. */
export function write(writer: Writer, name: TemplateName, fields: Fields): string {
  return fillTemplate(templateOf(writer.service, name, writer.texts), fields);
}

/** The one map rule of a frontend. It sinks below every chunk of weight 0 or more; and a label for the ordinary
 * template takes its place, which is marathon-lb's mistake (its issue 310). */
export function mapRule(writer: Writer, rule: TemplateName, label: TemplateName, fields: Fields): string {
  writer.weight = -1;
  return fillTemplate(writer.service.templates[label] ?? writer.texts[rule], fields);
}

export function addMapLine(map: VhostMap, key: string, backend: string): void {
  const id = `${key} ${backend}`;
  if (!map.lines.has(id)) map.lines.set(id, { key, backend });
}
