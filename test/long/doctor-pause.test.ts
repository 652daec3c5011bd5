import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Lab, startLab } from '../../src/lab/cluster.ts';
import { removeDirectories, run } from '../support/certathon.ts';
import { installed } from '../support/installed.ts';
import { settled, shownByAll } from '../support/lab.ts';

const NAME = 'shop.example.com';
const held = installed(NAME);
let lab: Lab;
beforeAll(async () => {
  lab = await startLab({ balancerApp: { env: { HAPROXY_SSL_CERT: held.variable } } });
});
afterAll(async () => {
  await lab?.stop();
  removeDirectories();
});

test('a pause between the balancers of a restart is proposed, set, and kept from then on', async () => {
  const doctor = (...words: string[]) => run(['doctor', '--front-detection', '3s', ...words], lab.settings);
  const before = await shownByAll(lab, '/marathon-lb', NAME);

  const first = await doctor();
  const printed = await doctor('--fix');
  const applied = await doctor('--apply', '--yes');

  expect([first.exit, printed.exit, applied.exit], applied.stdout + applied.stderr).toEqual([0, 0, 0]);
  expect(first.stdout).toMatch(/^warn {2}FRONT .*does not wait the 3 s/m);
  const [body = ''] = printed.stdout.split('\n').filter((line) => line.startsWith('{'));
  expect(JSON.parse(body)).toMatchObject({ readinessChecks: [{ intervalSeconds: 3, portName: 'admin' }] });
  expect(applied.stdout).toContain('readinessChecks none → /_haproxy_health_check at port admin every 3 s');
  await settled(lab, '/marathon-lb');
  expect(await shownByAll(lab, '/marathon-lb', NAME)).toEqual(before);

  expect((await doctor()).stdout).toMatch(/^ok {4}FRONT .*pauses 3 s/m);
  expect((await doctor('--apply', '--yes')).stdout).toContain('Nothing to apply');
});
