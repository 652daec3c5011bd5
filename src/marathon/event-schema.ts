// pure
import { z } from 'zod';
import { parseJson } from './words.ts';

/** An event of Marathon. The known parts are lifted out; `data` is the whole of it, unvalidated: an event is
 * only ever a hint to look again. */
export interface MarathonEvent {
  /** `deployment_success`, `status_update_event`, …; also types that are not known here. */
  type: string;
  /** Marathon's own time, when it says one. */
  timestamp: string | undefined;
  /** Every app that the event names, without repetition. */
  appIds: string[];
  /** Of deployment events. */
  deploymentId: string | undefined;
  data: Record<string, unknown>;
}

const idOf = z.string().max(4_096).optional().catch(undefined);
const action = z.object({ app: idOf });
const step = z.object({ actions: z.array(action).max(20_000) });
const plan = z.object({ id: idOf, steps: z.array(step).max(1_000).catch([]) });

/** Where the event types keep the ids. Source: S/api/v2/json/Formats.scala, EventFormats */
const eventSchema = z.object({
  eventType: idOf,
  timestamp: idOf,
  id: idOf,
  appId: idOf,
  runSpecId: idOf,
  appDefinition: z.object({ id: idOf }).optional().catch(undefined),
  plan: plan.optional().catch(undefined),
  currentStep: step.optional().catch(undefined),
});

/** @param name of the frame's `event:` line   @param data of its `data:` line
 * @returns undefined when the data is no JSON object or nothing names a type */
export function parseEvent(name: string | undefined, data: string): MarathonEvent | undefined {
  const json = parseJson(data);
  const known = eventSchema.safeParse(json);
  if (!known.success) return undefined;
  const { eventType, timestamp, id, appId, runSpecId, appDefinition, plan: of, currentStep } = known.data;
  const type = name ?? eventType;
  if (type === undefined || type.length > 200) return undefined;
  const steps = [...(of?.steps ?? []), ...(currentStep === undefined ? [] : [currentStep])];
  const apps = [
    appId,
    runSpecId,
    appDefinition?.id,
    ...steps.flatMap(({ actions }) => actions.map((each) => each.app)),
  ];
  return {
    type,
    timestamp,
    appIds: [...new Set(apps.filter((each) => each !== undefined))],
    deploymentId: type.startsWith('deployment_') ? (id ?? of?.id) : undefined,
    data: json as Record<string, unknown>,
  };
}
