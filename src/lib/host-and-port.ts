// pure

/** `HOST:PORT` for people, an IPv6 address in brackets as in a URL (RFC 3986 3.2.2). */
export function hostAndPort(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
