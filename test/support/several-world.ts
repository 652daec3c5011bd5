import { cpSync } from 'node:fs';
import type { ExecuteTools } from '../../src/certificates/execute.ts';
import { openFileMemory } from '../../src/certificates/file-memory.ts';
import { openStores } from '../../src/certificates/store-set.ts';
import type { Bundle } from '../../src/delivery/bundle.ts';
import { LARGEST_TOTAL, LARGEST_VARIABLE } from '../../src/delivery/change.ts';
import { readVariable } from '../../src/delivery/variable.ts';
import { type Log, silentLog } from '../../src/lib/log.ts';
import { appSchema, type Env } from '../../src/marathon/app-schema.ts';
import { makeBundle, NOT_BEFORE } from './bundles.ts';
import { manualClock } from './clock.ts';
import { NOW, servedFacts } from './observations.ts';

/** What is outside the store: the variables of marathon-lb, and what the CA was asked for. */
export interface Outside {
  env: Env;
  writes: number;
  /** Certificates that the CA issued, by name. */
  orders: Map<string, number>;
}
/** The world at one moment, with the whole store in a directory of its own. */
export interface Moment extends Outside {
  directory: string;
  after: string;
}

const version = (count: number) => new Date(NOT_BEFORE.getTime() + count * 1000).toISOString();
const made = new Map<string, Bundle>();
/** Keys cost more than everything else here, so that each name has one certificate. */
const bundleFor = (names: readonly string[]): Bundle => {
  const key = names.join();
  const bundle = made.get(key) ?? makeBundle({ names: [...names] }).bundle;
  made.set(key, bundle);
  return bundle;
};

/** A real store, a Marathon that deploys everything at once onto a balancer that serves it, and a CA that issues at
 * once and counts. Each name has a certificate of its own, unless packed otherwise.
 * @param before called before the CA issues for a name, which it may refuse or hold up
 * @param order the same with all names of the order, and whether it is tried at the test CA first
 * @param moments gathers what a kill after each write would leave, in directories that begin with this */
export async function severalWorld(
  directory: string,
  domains: readonly string[],
  {
    outside = { env: {}, writes: 0, orders: new Map() },
    before = async () => undefined,
    order = async () => undefined,
    pack = 'name',
    moments,
  }: {
    outside?: Outside;
    before?: (name: string) => Promise<void>;
    order?: (names: readonly string[], stagingFirst: boolean) => Promise<void>;
    pack?: 'name' | 'all';
    moments?: { at: string; list: Moment[] };
  } = {},
) {
  const state = { env: outside.env, writes: outside.writes, orders: new Map(outside.orders) };
  const keep = (after: string): void => {
    if (moments === undefined) return;
    const copy = `${moments.at}-${moments.list.length}`;
    cpSync(directory, copy, { recursive: true, preserveTimestamps: true });
    moments.list.push({ ...state, orders: new Map(state.orders), directory: copy, after });
  };
  const log: Log = {
    ...silentLog,
    debug: (event, fields) => {
      if (event === 'store.written') keep(String(fields?.file).slice(directory.length));
    },
  };
  const stores = await openStores(directory, 3, log);
  const clock = manualClock(NOW.getTime());
  const versions = Array.from({ length: state.writes + 1 }, (_, count) => version(count));
  const app = () =>
    appSchema.parse({
      id: '/marathon-lb',
      upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 },
      env: state.env,
      version: versions.at(-1),
      tasks: [{ id: 'lb.1', host: '10.0.0.11', state: 'TASK_RUNNING', version: versions.at(-1) }],
    });
  const marathon = {
    app: async () => app(),
    versions: async () => versions,
    updateApp: async (_app: unknown, { env = {} }: { env?: Env }) => {
      state.writes += 1;
      state.env = env;
      versions.push(version(state.writes));
      keep('the write to Marathon');
      return { kind: 'accepted', deploymentId: `d${state.writes}`, version: versions.at(-1) };
    },
  };
  const lookAt = {
    balancersOf: () => [
      { id: 'lb.1', host: '10.0.0.11', tlsPort: 443, adminPort: 9090, version: undefined, isAlive: true },
    ],
    handshake: async (_balancer: unknown, name: string) => {
      const held = Object.values(state.env).flatMap((value) => {
        const content = readVariable(value);
        return content.kind === 'certificate' ? [content.facts] : [];
      });
      const shown = held.find(({ names }) => names.includes(name)) ?? held[0];
      return shown === undefined ? { unreachable: 'nothing' } : servedFacts(shown.fingerprint);
    },
  };
  const directoryUrl = 'https://acme.example/directory';
  const obtain: ExecuteTools['obtain'] = async ({ id }, names, _dueByClock, stagingFirst) => {
    const [name = ''] = names;
    const store = stores.of(id);
    const begun = { directoryUrl, names: [...names], keyPem: 'KEY' };
    const url = `https://acme.example/order/${name}`;
    await before(name);
    await order(names, stagingFirst);
    if ((await store.order())?.url === undefined) {
      await store.saveOrder(begun);
      await store.saveOrder({ ...begun, url });
      // An order that is known to the CA alone costs nothing; a certificate does.
      state.orders.set(name, (state.orders.get(name) ?? 0) + 1);
    }
    await store.save(bundleFor(names), 'issued', url, NOW);
    await store.removeOrder();
    return [];
  };
  const signal = new AbortController().signal;
  const wake = { wait: async (ms: number) => clock.advance(ms), hold: () => () => undefined };
  const limits = { stuckMs: 60_000, lockWaitMs: 60_000, pollMs: 1000, verifyMs: 10_000 };
  const shared = { marathon, clock, log, signal };
  const tools = {
    ...shared,
    ...lookAt,
    ...{ stores, domains, obtain },
    ...{ appId: undefined, strategy: 'environment', balancerAppIds: ['/marathon-lb'], sharedDirectory: '' },
    ...{ variable: 'HAPROXY_SSL_CERT', defaultName: undefined, replaceForeign: false, keyType: 'ec256' },
    ...{ hasSpareAgent: undefined, routingHost: 'acme.internal' },
    marathonVersion: async () => '1.8.222',
    variableLimits: { variableBytes: LARGEST_VARIABLE, totalBytes: LARGEST_TOTAL },
    files: openFileMemory(directory, { nowMs: () => clock.nowMs(), isReadOnly: false }),
    discovery: {
      ...{ mode: 'off', groups: [], allowedDomains: [], mostPerApp: 100 },
      allowed: { keyTypes: [], profiles: [], cas: [], defaults: {} },
    },
    rules: {
      ...{ pack, mostNames: () => 100, directoryUrl, graceMs: 86_400_000 },
      domainOf: async () => (name: string) => name,
    },
    answering: (work: () => Promise<unknown>) => work(),
    delivery: { ...shared, wake, limits, ...lookAt },
  } as unknown as ExecuteTools;
  return { tools, state, stores, clock };
}
