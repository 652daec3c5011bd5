// pure
import { z } from 'zod';

export type {
  App,
  Env,
  EnvValue,
  HealthCheck,
  NetworkMode,
  PortDefinition,
  PortMapping,
  Task,
  TaskFailure,
} from './app-schema.ts';

import { count, list, MOST_ITEMS, maybe, or, text } from './fields.ts';

/** The answer of an accepted write: a deployment was begun. `version` is the app's new version only if the
 * app really changed. Source: S/api/v2/AppsResource.scala, deploymentResult */
export const deploymentResultSchema = z.object({ deploymentId: text.min(1), version: text.min(1) });
export type DeploymentResult = z.output<typeof deploymentResultSchema>;

/** The answer to a new app: its definition with the deployment that starts it.
 * Source: S/api/v2/AppsResource.scala, create */
export const createdAnswerSchema = z
  .object({ version: text.min(1), deployments: z.array(z.object({ id: text.min(1) })).min(1) })
  .transform(({ version, deployments }) => ({
    version,
    deploymentId: (deployments[0] as { id: string }).id,
  }));

const action = z.object({ action: or(text, ''), app: maybe(text) });
export const deploymentSchema = z.object({
  id: text,
  version: or(text, ''),
  affectedApps: list(text),
  currentActions: list(action),
  /** From 1; 0 just before the first step. */
  currentStep: or(count, 0),
  totalSteps: or(count, 0),
});
export type Deployment = z.output<typeof deploymentSchema>;
export const deploymentsSchema = z.array(deploymentSchema).max(MOST_ITEMS);

/** What waits to be launched: the best source of why a deployment is stuck. */
export const queueSchema = z
  .object({
    queue: list(
      z.object({
        app: maybe(z.object({ id: text })),
        count: or(count, 0),
        delay: or(z.object({ timeLeftSeconds: or(z.number(), 0), overdue: or(z.boolean(), false) }), {
          timeLeftSeconds: 0,
          overdue: false,
        }),
        since: maybe(text),
        processedOffersSummary: maybe(
          z.object({
            rejectSummaryLastOffers: list(
              z.object({ reason: text, declined: or(count, 0), processed: or(count, 0) }),
            ),
          }),
        ),
      }),
    ),
  })
  .transform(({ queue }) =>
    queue.flatMap(({ app, delay, processedOffersSummary, ...entry }) =>
      app === undefined
        ? []
        : {
            ...entry,
            appId: app.id,
            delayMs: delay.timeLeftSeconds * 1_000,
            /** true: waits for offers of agents. false: backs off after failures. */
            overdue: delay.overdue,
            /** Reasons for which agents were passed over, those that count first. */
            rejections: (processedOffersSummary?.rejectSummaryLastOffers ?? []).filter(
              (each) => each.declined > 0,
            ),
          },
    ),
  );
export type QueueEntry = z.output<typeof queueSchema>[number];

export const infoSchema = z.object({
  name: maybe(text),
  version: text.min(1),
  /** `host:port`; missing while there is none. */
  leader: maybe(text),
  elected: maybe(z.boolean()),
  frameworkId: maybe(text),
  marathon_config: or(z.object({ features: list(text), ha: maybe(z.boolean()) }), {
    features: [],
    ha: undefined,
  }),
});
export type Info = z.output<typeof infoSchema>;

export const appAnswerSchema = z.object({ app: z.unknown() });
export const appsAnswerSchema = z.object({ apps: z.array(z.unknown()).max(MOST_ITEMS) });
export const versionsAnswerSchema = z.object({ versions: list(text) });
export const leaderAnswerSchema = z.object({ leader: text.min(1) });
export const killedAnswerSchema = z.object({ tasks: list(z.object({ id: text })) });
export const lockedAnswerSchema = z.object({
  message: or(text, ''),
  deployments: list(z.object({ id: text })),
});
