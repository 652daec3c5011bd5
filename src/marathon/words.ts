// pure
const LONGEST = 500;

/** What a refusing answer says, in one line: Marathon's `message` and `details`, DC/OS's words, or the text of the HTML
 * page of the server below it. Source: S/api/MarathonExceptionMapper.scala, S/Exception.scala */
export function marathonWords(text: string): string {
  const json = parseJson(text);
  const words = json === undefined ? htmlWords(text) : jsonWords(json);
  return oneLine(words).slice(0, LONGEST) || 'no words';
}

/** @returns undefined when the text is no JSON */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function jsonWords(json: unknown): string {
  if (typeof json !== 'object' || json === null) return String(json);
  // DC/OS, which may stand before Marathon, says title and description.
  const { message, title, description, details } = json as Record<string, unknown>;
  const parts = [message, title, description].filter((part) => typeof part === 'string');
  if (typeof details === 'string') parts.push(details);
  if (Array.isArray(details)) parts.push(...details.slice(0, 5).map(detailWords));
  return parts.length > 0 ? parts.join('; ') : JSON.stringify(json);
}

function detailWords(detail: unknown): string {
  const { path, errors } = (detail ?? {}) as { path?: unknown; errors?: unknown };
  const words = Array.isArray(errors) ? errors.map(String).join(', ') : JSON.stringify(detail);
  return typeof path === 'string' ? `${path}: ${words}` : words;
}

function htmlWords(text: string): string {
  return text
    .slice(0, 20_000)
    .replace(/<(style|script)[^>]*>[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<[^>]*>/g, ' ');
}

function oneLine(text: string): string {
  // Control characters of an answer must not steer a terminal.
  return text
    .replace(/\p{Cc}/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}
