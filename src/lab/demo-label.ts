import type { Lab } from './cluster.ts';
import { webApp } from './definitions.ts';
import { issuerAt } from './demo-issuer.ts';
import type { SidecarLog } from './sidecar-log.ts';

/** From the event of the new app on, on a slow machine too. */
const PATIENCE_MS = 120_000;
const NAME = 'blog.example.com';

/** An app that asks for a certificate by a label, as its owner would deploy it: no setting of ours changes.
 * @returns what its name shows over HTTPS, and how long that took from the deployment on */
export async function askByLabel(
  lab: Lab,
  log: SidecarLog,
  root: string,
): Promise<{ shows: string; tookMs: number }> {
  const [startedMs, from] = [Date.now(), log.lines().length];
  await lab.run(webApp('/blog', NAME, 1, { CERTATHON_0_DOMAIN: NAME }));
  await log.next((line) => line.event === 'certificate.issued', PATIENCE_MS, from);
  await log.next((line) => line.event === 'delivery.verified', PATIENCE_MS, from);
  return { shows: await issuerAt(lab, NAME, root), tookMs: Date.now() - startedMs };
}
