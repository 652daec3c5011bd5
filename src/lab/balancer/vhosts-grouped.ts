// pure
import { fillTemplate } from './format.ts';
import { cleaned } from './server-names.ts';
import type { TemplateTexts } from './templates.ts';
import type { GroupedVhosts } from './vhost-writer.ts';

/** Port 443 of `--group-https-by-vhost`: it passes TLS on by SNI, over a socket for each name, to a frontend of that
 * name with certificates of its own; a name that no app has is passed nowhere.
 * @param certificates for names whose apps bring none */
export function groupedHttps(
  grouped: GroupedVhosts,
  texts: TemplateTexts,
  certificates: readonly string[],
): string {
  const names = [...grouped.keys()].sort();
  const routes = names.map((host) =>
    fillTemplate(texts.HTTPS_GROUPED_VHOST_FRONTEND_ACL, { backend: cleaned(host), host }),
  );
  const ends = names.map((host) => oneName(host, grouped, texts, certificates));
  return texts.HTTPS_GROUPED_FRONTEND_HEAD + routes.join('') + ends.join('');
}

function oneName(
  host: string,
  grouped: GroupedVhosts,
  texts: TemplateTexts,
  certificates: readonly string[],
): string {
  const name = cleaned(host);
  const found = grouped.get(host);
  const own = [...(found?.certificates ?? [])];
  const head = fillTemplate(texts.HTTPS_GROUPED_VHOST_FRONTEND_HEAD, {
    name,
    sslCerts: [...(own.length > 0 ? own : new Set(certificates))].map((entry) => `crt ${entry}`).join(' '),
    bindOpts: [...(found?.bindOptions ?? [])].map((words) => ` ${words}`).join(' '),
  });
  const lines = [...(found?.lines ?? [])].sort((a, b) => b.weight - a.weight);
  return (
    fillTemplate(texts.HTTPS_GROUPED_VHOST_BACKEND_HEAD, { name }) +
    head +
    lines.map(({ text }) => text).join('')
  );
}
