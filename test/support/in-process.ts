import type { CertificatePolicy } from '../../src/certificates/model.ts';
import { runPass } from '../../src/certificates/pass.ts';
import type { PassResult } from '../../src/certificates/pass-result.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { LogLine } from '../../src/lab/sidecar-log.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import type { MarathonClient } from '../../src/marathon/client.ts';
import { policyOf } from '../../src/policy.ts';
import { wire } from '../../src/wiring.ts';

/** One pass inside this process, so that a test can stand between the program and Marathon.
 * @param disturb gets the client to replace methods of it */
export async function passInProcess(
  env: Record<string, string>,
  disturb: (marathon: MarathonClient) => void,
  { clock = systemClock, ...policy }: Partial<CertificatePolicy> & { clock?: Clock } = {},
): Promise<{ result: PassResult; lines: LogLine[] }> {
  const { config } = loadConfig({ command: 'renew', env });
  const lines: LogLine[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as LogLine) };
  const log = createLog({ level: 'debug', format: 'json', destination });
  const { signal } = new AbortController();
  const wiring = await wire({
    config,
    clock,
    log,
    signal,
    answersAlways: false,
    readOnly: false,
  });
  try {
    disturb(wiring.tools.delivery.marathon);
    const usual = { ...policyOf(config), forced: false };
    return { result: await runPass(wiring.tools, { ...usual, ...policy }, false), lines };
  } finally {
    await wiring.close();
  }
}
