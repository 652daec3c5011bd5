import { type BundleKeyType, estimatedBytes } from '../delivery/bundle-size.ts';
import { predictRestart } from '../delivery/preflight.ts';
import { type RefusedSlot, SLOTS, type SlotContent, type SlotRequest } from '../delivery/slot-model.ts';
import { planSlots } from '../delivery/slots.ts';
import { contentMark, readVariable, type VariableContent } from '../delivery/variable.ts';
import type { App, EnvValue } from '../marathon/app-schema.ts';
import { lookAtBalancers } from './look.ts';
import type { PlaceState } from './model.ts';
import { certificateState, isDelivered, type Known, type TargetTools } from './observe-targets.ts';
import { probedNames } from './probe.ts';
import { takenOver } from './take-over.ts';
import type { CertificatePlace, ObservedCertificate, ObservedTarget, Refusal } from './world.ts';

/** A marathon-lb app whose variables hold bundles, as it is now. */
export async function environmentTarget(
  app: App,
  names: readonly string[],
  known: Known,
  tools: TargetTools,
): Promise<ObservedTarget> {
  const { targets } = tools.stores;
  const served = new Set(names);
  const held = slotsOf(app);
  const holds = new Set(held.flatMap(({ content }) => ownerIn(content, known.owners) ?? []));
  // What nobody asks for any more stays where it is, and comes to no other app.
  const here = known.certificates.filter(({ life, ...each }) =>
    life === 'wanted'
      ? each.names.some((name) => served.has(name))
      : holds.has(each.id) && isDelivered({ life, ...each }, known.now),
  );
  for (const { names: own, life } of here) if (life !== 'wanted') for (const name of own) served.add(name);
  const [deliveredAt, hold, marathonVersion, balancers] = await Promise.all([
    targets.deliveredAt(app.id),
    targets.hold(app.id),
    tools.marathonVersion(tools.signal),
    lookAtBalancers(tools.balancersOf(app), probedNames(here, served, known.now), tools),
  ]);
  return {
    id: app.id,
    strategy: 'environment',
    names: served,
    ...placesIn({ app, held, here }, known, tools),
    holds,
    balancers,
    unknownBalancers: [],
    deployments: app.deployments,
    missing: [],
    restart: predictRestart(app, { marathonVersion, hasSpareAgent: tools.hasSpareAgent }),
    deliveredAt,
    hold,
  };
}

interface Held {
  variable: string;
  value: EnvValue;
  content: VariableContent;
}

function slotsOf({ env }: App): Held[] {
  return SLOTS.flatMap((variable) => {
    const value = env[variable];
    return value === undefined ? [] : [{ variable, value, content: readVariable(value) }];
  });
}

/** The certificate of which a variable holds a version. */
function ownerIn(content: VariableContent, { ownerOf }: Known['owners']): string | undefined {
  return content.kind === 'certificate' ? ownerOf(content.facts.fingerprint) : undefined;
}

/** In which variable each certificate stands, or is to stand. */
function placesIn(
  { app, held, here }: { app: App; held: readonly Held[]; here: readonly ObservedCertificate[] },
  { owners }: Known,
  tools: TargetTools,
): Pick<ObservedTarget, 'places' | 'refused' | 'clears' | 'marks'> {
  const { variable: first, replaceForeign, variableLimits: limits, defaultName } = tools;
  const stateOf = new Map(held.map((each) => [each.variable, stateIn(each.content, owners)]));
  const marks = new Map(held.map(({ variable, content }) => [variable, contentMark(content)]));
  const blocked = stateOf.get(first);
  // What stands in the first variable decides what clients are shown; without knowing it nothing is delivered.
  if (blocked?.kind === 'secret' || (blocked?.kind === 'unreadable' && !replaceForeign)) {
    const place = placeAt(first, app, blocked, []);
    return {
      places: new Map(here.map(({ id }) => [id, place])),
      marks,
      refused: new Map(),
      clears: [],
    };
  }
  const takes = takenOver(
    held.flatMap(({ variable, content }) =>
      content.kind === 'certificate' && owners.ownerOf(content.facts.fingerprint) === undefined
        ? [{ at: variable, facts: content.facts }]
        : [],
    ),
    here,
    { replaceForeign, first },
  );
  const slots = held.map(({ variable, value, content }) => ({
    variable,
    bytes: Buffer.byteLength(`${variable}=${typeof value === 'string' ? value : ''}`),
    content: slotContent(content, stateOf.get(variable), takes.by.get(variable), owners, replaceForeign),
  }));
  const planFor = (certificates: readonly ObservedCertificate[]) =>
    planSlots({
      slots: [...slots, ...unread(app)],
      certificates: certificates.map((each) => ({ id: each.id, bytes: bytesOf(each, here, tools.keyType) })),
      defaultId: certificates.find(({ names }) => defaultName !== undefined && names.includes(defaultName))
        ?.id,
      firstVariable: first,
      placeholderBytes: PLACEHOLDER_BYTES,
      limits,
    });
  // What is not issued yet can not be written with the others, so it moves none of them.
  const all = planFor(here);
  const issued = planFor(here.filter(({ stored }) => stored !== undefined));
  const refused = new Map([...all.refused, ...issued.refused].map((each) => [each.id, refusal(each, app)]));
  const assigned = new Map([...all.assigned, ...issued.assigned].map(({ id, variable }) => [id, variable]));
  const places = new Map(
    [...assigned].map(([id, variable]): [string, CertificatePlace] => {
      // HAProxy shows the first of equal names.
      const before = (takes.rivals.get(id) ?? []).filter(
        ({ at }) => SLOTS.indexOf(at) < SLOTS.indexOf(variable),
      );
      const rivals = before.map(({ at, facts }) => ({ place: `${at} of ${app.id}`, facts }));
      return [id, placeAt(variable, app, stateOf.get(variable) ?? { kind: 'empty' }, rivals)];
    }),
  );
  return { places, marks, refused, clears: issued.clears };
}

/** RSA, with a chain of nothing. */
const PLACEHOLDER_BYTES = 3_200;

function slotContent(
  content: VariableContent,
  state: PlaceState | undefined,
  takenOverBy: string | undefined,
  { ownerOf }: Known['owners'],
  replaceForeign: boolean,
): SlotContent {
  if (content.kind === 'unreadable' && replaceForeign) return { kind: 'empty' };
  if (content.kind !== 'certificate') return { kind: content.kind };
  return {
    kind: 'certificate',
    owner: ownerOf(content.facts.fingerprint),
    isPlaceholder: state?.kind === 'certificate' && state.placeholder,
    takenOverBy,
  };
}

/** Variables that begin like a slot but are none: they count by their size. */
function unread({ env }: App): SlotRequest['slots'] {
  return Object.entries(env).flatMap(([variable, value]) =>
    !variable.startsWith('HAPROXY_SSL_CERT') || SLOTS.includes(variable)
      ? []
      : [
          {
            variable,
            bytes: Buffer.byteLength(`${variable}=${typeof value === 'string' ? value : ''}`),
            content: { kind: 'secret' } as const,
          },
        ],
  );
}

/** Whatever does not fit alone does not fit in another packing either. */
function refusal({ id, reason, message }: RefusedSlot, app: App): Refusal {
  const words = `${id} gets no place in ${app.id}: ${message}`;
  return { code: 'DELIVERY_TOO_LARGE', message: words, isFull: reason !== 'too-large' };
}

function placeAt(
  at: string,
  app: App,
  state: PlaceState,
  rivals: CertificatePlace['rivals'],
): CertificatePlace {
  return { at, place: `${at} of ${app.id}`, state, superfluous: [], rivals };
}

function stateIn(content: VariableContent, owners: Known['owners']): PlaceState {
  return content.kind === 'certificate' ? certificateState(content.facts, owners) : content;
}

/** What is not issued yet is estimated, best by another one of ours. */
function bytesOf(
  { stored, names, choice }: ObservedCertificate,
  here: readonly ObservedCertificate[],
  keyType: string,
): number {
  const covers = stored !== undefined && names.every((name) => stored.names.includes(name));
  if (covers && stored.bytes !== undefined) return stored.bytes;
  const type = (choice.keyType ?? keyType) as BundleKeyType;
  const like = here.find((each) => each.stored?.chainBytes !== undefined)?.stored;
  return estimatedBytes(type, names, like?.chainBytes);
}
