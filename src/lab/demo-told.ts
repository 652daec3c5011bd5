import type { LogLine } from './sidecar-log.ts';

/** The lines of the sidecar that tell the story, in one sentence each; what was just said is not said again. */
export function newTeller(say: (text: string) => void): (line: LogLine) => void {
  let last: string | undefined;
  return (line) => {
    const sentence = sentenceOf(line);
    if (sentence === undefined || sentence === last) return;
    last = sentence;
    say(`    certathon: ${sentence}`);
  };
}

function sentenceOf(line: LogLine): string | undefined {
  const text = (value: unknown): string => (Array.isArray(value) ? value.join(', ') : String(value));
  switch (line.event) {
    case 'service.started':
      return `up, challenges on port ${line.challengePort}, status on port ${line.adminPort}`;
    case 'pass.step':
      return `next: ${line.do} (${line.reason})${line.prediction === undefined ? '' : `; ${line.prediction}`}`;
    case 'route.checked':
      return `the challenge path of ${line.name} ${line.ok ? 'leads here' : `does not lead here: ${line.found}`}`;
    case 'account.registered':
      return 'account registered at the CA';
    case 'challenge.presented':
      return `challenge for ${line.name} is ready`;
    case 'challenge.validated':
      return `the CA reached it through the front and a balancer: ${line.name} is validated`;
    case 'certificate.issued':
      return `certificate issued for ${text(line.names)}, until ${line.expiresAt} (${line.durationMs} ms)`;
    case 'delivery.started':
      return `HAPROXY_SSL_CERT written, Marathon deploys ${line.deployment}`;
    case 'balancer.reload-requested':
      return 'each balancer is asked to reload its certificates';
    case 'delivery.waiting':
      return line.reason === undefined && Number(line.newHealthy) > 0
        ? `${line.newHealthy} of ${line.instances} balancers run with it`
        : undefined;
    case 'delivery.verified':
      return `proven by a TLS handshake with each of ${(line.balancers as unknown[]).length} balancers`;
    default:
      return line.level === 'error'
        ? `${line.event}: ${line.code ?? ''} ${line.reason ?? line.text ?? ''}`
        : undefined;
  }
}
