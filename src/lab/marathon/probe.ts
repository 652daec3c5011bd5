import { execFile } from 'node:child_process';
import * as http from 'node:http';
import * as https from 'node:https';
import { connect } from 'node:net';
import type { ProbeOutcome } from './health-record.ts';
import type { HealthCheck } from './schema.ts';

export interface ProbeTarget {
  host: string;
  ports: number[];
  /** For checks that are commands. */
  env: Record<string, string>;
  cwd: string;
}

/** One probe of one task. HTTP passes with 200 to 399 inside the timeout; HTTPS does not verify certificates.
 * Mesos' own checks are probed in the same way as Marathon's. Never rejects. */
export function probe(check: HealthCheck, target: ProbeTarget): Promise<ProbeOutcome> {
  const timeoutMs = check.timeoutSeconds * 1000;
  if (check.protocol === 'COMMAND') return probeCommand(check.command?.value ?? 'false', target, timeoutMs);
  const port = check.port ?? target.ports[check.portIndex ?? 0];
  if (port === undefined) return Promise.resolve({ ok: false, cause: 'The task has no such port' });
  if (check.protocol.endsWith('TCP')) return probeTcp(target.host, port, timeoutMs);
  return fetchStatus(check.protocol.endsWith('HTTPS'), target.host, port, check.path ?? '/', timeoutMs).then(
    ({ status }): ProbeOutcome =>
      status >= 200 && status < 400
        ? { ok: true }
        : { ok: false, cause: `${status} ${http.STATUS_CODES[status]}` },
    (error: Error): ProbeOutcome => ({ ok: false, cause: error.message }),
  );
}

export interface HttpReply {
  status: number;
  contentType: string;
  body: string;
}

const BODY_LIMIT = 4096;

/** A GET over a connection of its own. @throws Error on timeout or when nobody answers */
export function fetchStatus(
  isTls: boolean,
  host: string,
  port: number,
  path: string,
  timeoutMs: number,
): Promise<HttpReply> {
  return new Promise((resolve, reject) => {
    const options = { host, port, path, agent: false, headers: { 'user-agent': 'marathon-lab' } };
    const request = isTls ? https.get({ ...options, rejectUnauthorized: false }) : http.get(options);
    const timer = setTimeout(() => request.destroy(new Error('Health check timed out')), timeoutMs);
    request.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    request.once('response', (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        if (body.length < BODY_LIMIT) body += text.slice(0, BODY_LIMIT - body.length);
      });
      const finish = () => {
        clearTimeout(timer);
        const contentType = response.headers['content-type'] ?? '';
        resolve({ status: response.statusCode ?? 0, contentType, body });
      };
      response.once('end', finish);
      response.once('error', reject);
    });
  });
}

function probeTcp(host: string, port: number, timeoutMs: number): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const finish = (outcome: ProbeOutcome) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(outcome);
    };
    const timer = setTimeout(() => finish({ ok: false, cause: 'Health check timed out' }), timeoutMs);
    socket.once('connect', () => finish({ ok: true }));
    socket.once('error', (error) => finish({ ok: false, cause: error.message }));
  });
}

function probeCommand(command: string, target: ProbeTarget, timeoutMs: number): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    execFile(
      '/bin/sh',
      ['-c', command],
      { cwd: target.cwd, env: target.env, timeout: Math.max(1, timeoutMs), killSignal: 'SIGKILL' },
      (error) => resolve(error ? { ok: false, cause: error.message } : { ok: true }),
    );
  });
}
