import { CertathonError } from '../lib/errors.ts';
import type { App } from '../marathon/schema.ts';
import { type AppChange, applyChange } from './apply.ts';
import { envChange, LARGEST_TOTAL, LARGEST_VARIABLE } from './change.ts';
import type { DeliveryRequest, DeliveryTools } from './delivery.ts';
import { whatIsServed } from './undo.ts';
import { contentMark, readVariable } from './variable.ts';
import { verifyServed } from './verify.ts';

/** Delivers a bundle through the environment of the marathon-lb app: write, watch, prove, or take back.
 * May be repeated and may follow a crash at any line: a bundle that is already in the variable is not written
 * again, a deployment that this program began is found again and watched to its end.
 * @throws DELIVERY_* and APP_LOCKED with the reason; the old certificate is served then, or the message says
 *   which balancer does not */
export async function deliverByEnvironment(request: DeliveryRequest, tools: DeliveryTools): Promise<void> {
  await applyChange(certificateChange(request, tools), tools);
}

/** A bundle into a variable, as a change of the app. */
export function certificateChange(request: DeliveryRequest, tools: DeliveryTools): AppChange {
  const { appId, variable, bundle, names, prediction } = request;
  const { fingerprint } = bundle.facts;
  return {
    appId,
    mark: fingerprint,
    subject: variable,
    facts: {
      variable,
      names,
      // Beside what is measured later: the log tells how good predictions are.
      ...(prediction === undefined ? {} : { restart: prediction.kind, predictedGapMs: prediction.gapMs }),
    },
    isHeldBy: (app) => contentMark(readVariable(app.env[variable])) === fingerprint,
    patchFor: (app) => {
      const change = envChange(app.env, {
        put: [{ variable, bundle }],
        clear: [],
        placeholderPem: request.placeholderPem,
        limits: { variableBytes: LARGEST_VARIABLE, totalBytes: LARGEST_TOTAL },
      });
      if (change.kind === 'none') return undefined;
      if (change.kind === 'too-large') throw new CertathonError('DELIVERY_TOO_LARGE', change.message);
      guardContent(app, request);
      return { env: change.env };
    },
    previousOf: (app) => {
      const held = readVariable(app.env[variable]);
      return held.kind === 'certificate'
        ? { fingerprint: held.facts.fingerprint, names: held.facts.names }
        : undefined;
    },
    verify: () => verifyServed(request, tools),
    servedAgain: (previous) => whatIsServed(appId, names[0] ?? '', tools, previous),
  };
}

/** The plan was made for other content: plan again rather than overwrite it. */
function guardContent(app: App, request: DeliveryRequest): void {
  const mark = contentMark(readVariable(app.env[request.variable]));
  if (mark === request.replaces || mark === request.bundle.facts.fingerprint) return;
  throw new CertathonError(
    'DELIVERY_OVERTAKEN',
    `${request.variable} of ${request.appId} was changed by somebody else since it was looked at`,
  );
}
