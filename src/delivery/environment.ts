import { createHash } from 'node:crypto';
import { CertathonError } from '../lib/errors.ts';
import type { App } from '../marathon/schema.ts';
import { type AppChange, applyChange } from './apply.ts';
import { envChange } from './change.ts';
import type { DeliveryRequest, DeliveryTools, PreviousCertificate } from './delivery.ts';
import { whatIsServed } from './undo.ts';
import { contentMark, readVariable } from './variable.ts';
import { verifyServed } from './verify.ts';

/** Delivers bundles through the environment of the marathon-lb app: write, watch, prove, or take back.
 * May be repeated and may follow a crash at any line: bundles that are already in their variables are not written
 * again, a deployment that this program began is found again and watched to its end.
 * @throws DELIVERY_* and APP_LOCKED with the reason; the old certificates are served then, or the message says
 *   which balancer does not */
export async function deliverByEnvironment(request: DeliveryRequest, tools: DeliveryTools): Promise<void> {
  await applyChange(certificateChange(request, tools), tools);
}

/** Bundles into variables, as a change of the app. */
export function certificateChange(request: DeliveryRequest, tools: DeliveryTools): AppChange {
  const { appId, put, clear, expected, placeholderPem, limits, prediction } = request;
  const variables = [...put, ...clear].map(({ variable }) => variable);
  return {
    appId,
    mark: markOf(request),
    isLook: clear.length === 0 && put.every(({ replaces }) => replaces === undefined),
    subject: variables.join(', '),
    facts: {
      variables,
      names: expected.flatMap(({ names }) => names),
      // Beside what is measured later: the log tells how good predictions are.
      ...(prediction === undefined ? {} : { restart: prediction.kind, predictedGapMs: prediction.gapMs }),
    },
    isHeldBy: (app) =>
      put.every(({ variable, bundle }) => markIn(app, variable) === bundle.facts.fingerprint),
    patchFor: (app) => {
      const change = envChange(app.env, {
        put,
        clear: clear
          .filter((each) => markIn(app, each.variable) === each.replaces)
          .map((each) => each.variable),
        placeholderPem,
        limits,
      });
      if (change.kind === 'none') return undefined;
      if (change.kind === 'too-large') throw new CertathonError('DELIVERY_TOO_LARGE', change.message);
      guardContent(app, request);
      return { env: change.env };
    },
    previousOf: (app) => put.flatMap(({ variable }) => previousIn(app, variable) ?? [])[0],
    verify: () => verifyServed(request, tools),
    servedAgain: (previous) => whatIsServed(appId, expected[0]?.names[0] ?? '', tools, previous),
  };
}

/** One word for what is written; of one bundle its fingerprint. */
function markOf({ put, clear }: DeliveryRequest): string {
  const [only, ...others] = put;
  if (only !== undefined && others.length === 0) return only.bundle.facts.fingerprint;
  const puts = put.map(({ variable, bundle }) => `${variable}=${bundle.facts.fingerprint}`);
  const all = put.length > 0 ? puts.sort() : clear.map(({ variable }) => `${variable}=`).sort();
  return createHash('sha256').update(all.join()).digest('hex');
}

function markIn(app: App, variable: string): string {
  return contentMark(readVariable(app.env[variable]));
}

function previousIn(app: App, variable: string): PreviousCertificate | undefined {
  const held = readVariable(app.env[variable]);
  if (held.kind !== 'certificate') return undefined;
  return { fingerprint: held.facts.fingerprint, names: held.facts.names };
}

/** The plan was made for other content: plan again rather than overwrite it. */
function guardContent(app: App, { appId, put }: DeliveryRequest): void {
  for (const { variable, bundle, replaces } of put) {
    const mark = markIn(app, variable);
    if (mark === replaces || mark === bundle.facts.fingerprint) continue;
    throw new CertathonError(
      'DELIVERY_OVERTAKEN',
      `${variable} of ${appId} was changed by somebody else since it was looked at`,
    );
  }
}
