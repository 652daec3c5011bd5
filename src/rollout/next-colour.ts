// pure
import type { App } from '../marathon/app-schema.ts';
import type { AppDefinitionJson } from './definition.ts';
import { HISTORY_LABEL, historyLabelAfter } from './history.ts';
import type { Colour } from './model.ts';
import { firstSize } from './scale.ts';
import { frontPortsOf, portLabel, servicePortOf, servicePortsOf, withServicePort } from './service-port.ts';
import { startedAtAfter } from './started-at.ts';

export interface NextColourWish {
  definition: AppDefinitionJson;
  /** The app that serves now, and is replaced; undefined at the first rollout. */
  last: App | undefined;
  /** How many instances there shall be in the end, of both colours together. */
  target: number;
  /** How many of the new colour stay beside the old one; 0: it alone. */
  newInstances: number;
  initialInstances: number;
  nowMs: number;
}

/** The complete app JSON of the next colour, to be created. Every field of the definition stays as it is and where it
 * is, but `id`, `instances`, the labels that tell marathon-lb and other deployers of the rollout, and the first service
 * port, which alternates with HAPROXY_DEPLOYMENT_ALT_PORT. Pure.
 *   nginx after /nginx-green on 10000 → /nginx-blue on 10001, HAPROXY_0_PORT 10000
 * @param wish from readDefinition() and targetOf()
 * @source zdd.py, prepare_deploy */
export function nextColour(wish: NextColourWish): AppDefinitionJson {
  const { definition, last, target, newInstances, nowMs } = wish;
  const colour = colourAfter(last, definition);
  const goal = newInstances > 0 ? newInstances : target;
  const ports = portsOf(definition, last);
  const placed = ports.service === undefined ? definition : withServicePort(definition, ports.service);
  return {
    ...placed,
    id: colouredId(definition.id, colour),
    // The first one has nobody to take turns with.
    instances:
      last === undefined ? target : firstSize(wish.initialInstances, { goal, isSplit: newInstances > 0 }),
    labels: {
      ...definition.labels,
      HAPROXY_APP_ID: definition.id,
      ...(ports.front === undefined ? {} : { HAPROXY_0_PORT: String(ports.front) }),
      HAPROXY_DEPLOYMENT_TARGET_INSTANCES: String(target),
      HAPROXY_DEPLOYMENT_NEW_INSTANCES: String(newInstances),
      HAPROXY_DEPLOYMENT_COLOUR: colour,
      HAPROXY_DEPLOYMENT_STARTED_AT: startedAtAfter(nowMs, last?.labels.HAPROXY_DEPLOYMENT_STARTED_AT),
      ...(last === undefined ? {} : { [HISTORY_LABEL]: historyLabelAfter(last) }),
    },
  };
}

/** `nginx`, blue → `/nginx-blue`. */
export function colouredId(id: string, colour: Colour): string {
  return `${id.startsWith('/') ? '' : '/'}${id}-${colour}`;
}

/** Blue first, then in turns. An app without a colour that has the name of one leaves it the other. */
function colourAfter(last: App | undefined, { id }: AppDefinitionJson): Colour {
  const next = last?.labels.HAPROXY_DEPLOYMENT_COLOUR === 'blue' ? 'green' : 'blue';
  if (last?.id !== colouredId(id, next)) return next;
  return next === 'blue' ? 'green' : 'blue';
}

/** The service port of the next colour, and the one that its frontend shall have once it is alone.
 *
 * A definition that leaves the choice to Marathon (0) gets no label at first: the port is not known, and marathon-lb
 * takes the one that Marathon chose. The next colour repeats it, so that the frontend stays where it is.
 * @returns `service` undefined where the definition's own, or Marathon's choice, is right */
function portsOf(
  definition: AppDefinitionJson,
  last: App | undefined,
): { service: number | undefined; front: number | undefined } {
  const given = servicePortOf(definition)?.port || undefined;
  const front =
    portLabel(definition, 'HAPROXY_0_PORT') ?? given ?? ((last && frontPortsOf(last)[0]) || undefined);
  if (last === undefined) return { service: undefined, front };
  const base = given ?? front;
  const alternative = portLabel(definition, 'HAPROXY_DEPLOYMENT_ALT_PORT');
  if (alternative === undefined) return { service: base, front };
  if (servicePortsOf(last)[0] !== alternative) return { service: alternative, front };
  // Marathon's own choice may have been the alternative port: then it chooses again.
  return { service: base === alternative ? undefined : base, front };
}
