// pure

/** Fills a template the way marathon-lb does (Python's `str.format`, the part of it that templates use).
 * `{name}` is replaced, `{{` and `}}` are braces; everything else is an error, because there it is an
 * exception that stops the generation for all apps.
 * @throws Error on a placeholder that this template does not have, and on a lonely brace */
export function fillTemplate(template: string, fields: Record<string, string | number | undefined>): string {
  let filled = '';
  for (let at = 0; at < template.length; at += 1) {
    const character = template.charAt(at);
    if (character !== '{' && character !== '}') {
      filled += character;
    } else if (template.charAt(at + 1) === character) {
      filled += character;
      at += 1;
    } else if (character === '}') {
      throw new Error("Single '}' encountered in format string");
    } else {
      const end = template.indexOf('}', at);
      if (end === -1) throw new Error("Single '{' encountered in format string");
      const name = template.slice(at + 1, end);
      if (!Object.hasOwn(fields, name)) throw new Error(`KeyError: '${name}'`);
      // What is not set prints as Python prints it: an app without VHOST has the hostname "None".
      filled += String(fields[name] ?? 'None');
      at = end;
    }
  }
  return filled;
}
