import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseBundle } from '../../../src/delivery/bundle.ts';
import { type Lab, startLab } from '../../../src/lab/cluster.ts';
import { ask } from '../../support/ask.ts';
import { reloadsOf, shown, stateOf } from '../../support/directory.ts';
import { installed } from '../../support/installed.ts';
import { until } from '../../support/until.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await startLab({ balancers: 2, sharedDirectory: true });
});
afterAll(() => lab?.stop());

const shared = (...parts: string[]): string => join(lab.sharedDirectory ?? 'none', ...parts);

describe('the directory that balancers of the lab share', () => {
  it('is given to them in front of the mode, as marathon-lb wants it', async () => {
    const { body } = await lab.api('GET', '/v2/apps/marathon-lb');
    const { args } = (body as { app: { args: string[] } }).app;

    expect(args.slice(0, 3)).toEqual(['--ssl-certs', `${shared('certs')},${shared('default.pem')}`, 'sse']);
  });

  it('holds no bundle at first, so every name shows the default certificate', async () => {
    const parsed = parseBundle(readFileSync(shared('default.pem'), 'utf8'));

    const fingerprints = await shown(lab, lab.publicAgents, 'shop.example.com');

    expect(parsed.ok && lab.publicAgents.map(() => parsed.bundle.facts.fingerprint)).toEqual(fingerprints);
  });

  it('is read again by usr1 and not by hup', async () => {
    const [host = ''] = lab.publicAgents;
    const { pem, fingerprint } = installed('shop.example.com');
    writeFileSync(shared('certs', 'shop.pem'), pem);
    const signal = (name: string) =>
      ask({ address: host, port: lab.ports.admin, path: `/_mlb_signal/${name}` }, { host });
    const regenerated = async () => (await stateOf(lab, host)).counters.regenerations ?? 0;
    const before = await regenerated();

    await signal('hup');
    await until('it has regenerated', async () => (await regenerated()) > before);
    const afterHup = await shown(lab, [host], 'shop.example.com');
    await signal('usr1');
    await reloadsOf(lab, [host]);

    expect(afterHup).not.toEqual([fingerprint]);
    await until(
      'it serves the file',
      async () => (await shown(lab, [host], 'shop.example.com'))[0] === fingerprint,
    );
  });

  it('is what the sidecar finds under the path inside its container', async () => {
    const env = { CERTATHON_DELIVERY: 'directory', CERTATHON_DIRECTORY: '/var/lib/marathon-acme' };
    await lab.run(lab.sidecar({ env }));
    const [task] = lab.marathon.tasks('/certathon');

    const seen = readFileSync(`/proc/${task?.pid}/environ`, 'utf8').split('\0');

    expect(seen).toContain(`CERTATHON_DIRECTORY=${lab.sharedDirectory}`);
    expect(seen).toContain(`CERTATHON_STORE=${lab.storeDirectory}`);
  });
});
