import { type ServerResponse, STATUS_CODES } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

/** An answer as a value. `body` is JSON; `html` is a page of the servlet container, `text` is plain. */
export interface Answer {
  status: number;
  body?: unknown;
  html?: string;
  text?: string;
  headers?: Record<string, string>;
}

const compress = promisify(gzip);

export const json = (body: unknown, status = 200, headers: Record<string, string> = {}): Answer => ({
  status,
  body,
  headers,
});

/** The page that Jetty writes for errors that happen before Marathon's own code. */
export const htmlError = (status: number, reason: string, headers: Record<string, string> = {}): Answer => ({
  status,
  html: `<html>
<head>
<meta http-equiv="Content-Type" content="text/html;charset=utf-8"/>
<title>Error ${status} ${reason}</title>
</head>
<body><h2>HTTP ERROR ${status}</h2>
<p>Problem accessing the page. Reason:
<pre>    ${reason}</pre></p>
</body>
</html>
`,
  headers,
});

/** Writes an answer. JSON goes chunked and, when the client can read it, compressed, as Marathon's does. */
export async function writeAnswer(
  response: ServerResponse,
  answer: Answer,
  own: { leader: string; acceptsGzip: boolean },
): Promise<void> {
  const headers: Record<string, string> = {
    'Cache-Control': 'no-cache, no-store, must-revalidate',
    Pragma: 'no-cache',
    Expires: '0',
    'X-Marathon-Leader': own.leader,
    ...answer.headers,
  };
  const reason = STATUS_CODES[answer.status] ?? '';
  if (answer.html !== undefined || answer.text !== undefined) {
    const isHtml = answer.html !== undefined;
    headers['Content-Type'] = isHtml ? 'text/html;charset=utf-8' : 'text/plain;charset=utf-8';
    const bytes = Buffer.from(answer.html ?? answer.text ?? '');
    response.writeHead(answer.status, reason, { ...headers, 'Content-Length': String(bytes.length) });
    response.end(bytes);
    return;
  }
  if (answer.body === undefined) {
    response.writeHead(
      answer.status,
      reason,
      answer.status === 204 ? headers : { ...headers, 'Content-Length': '0' },
    );
    response.end();
    return;
  }
  let bytes = Buffer.from(JSON.stringify(answer.body));
  headers['Content-Type'] = 'application/json';
  if (own.acceptsGzip) {
    bytes = await compress(bytes);
    headers['Content-Encoding'] = 'gzip';
    headers.Vary = 'Accept-Encoding';
  }
  response.writeHead(answer.status, reason, headers);
  response.write(bytes);
  response.end();
}
