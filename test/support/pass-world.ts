import type { ExecuteTools } from '../../src/certificates/execute.ts';
import { openFileMemory } from '../../src/certificates/file-memory.ts';
import { installFault } from '../../src/certificates/install-gate.ts';
import type { Problem } from '../../src/certificates/model.ts';
import { openStores } from '../../src/certificates/store-set.ts';
import { LARGEST_TOTAL, LARGEST_VARIABLE } from '../../src/delivery/change.ts';
import { SLOTS } from '../../src/delivery/slot-model.ts';
import { readVariable } from '../../src/delivery/variable.ts';
import { silentLog } from '../../src/lib/log.ts';
import { type App, appSchema, type Env } from '../../src/marathon/app-schema.ts';
import { NOT_BEFORE, type TestBundle } from './bundles.ts';
import { manualClock } from './clock.ts';
import { NOW, servedFacts } from './observations.ts';

const DAY_MS = 86_400_000;
const version = (count: number) => new Date(NOT_BEFORE.getTime() + count * 1000).toISOString();

export interface PassWorldOptions {
  env?: Env;
  /** What the CA does, put in the place of the whole order. */
  order?: () => Promise<Problem[]>;
  /** What is read at the n-th look at the app, counted from 0. */
  look?: (count: number, app: App) => App;
  changes?: Partial<ExecuteTools>;
}

/** A real store, and a Marathon that deploys everything at once onto a balancer that serves it. */
export async function passWorld(
  path: string,
  { env = {}, order = async () => [], look = (_count, app) => app, changes = {} }: PassWorldOptions = {},
) {
  const stores = await openStores(path, 3, silentLog);
  const store = stores.of('shop.example.com');
  const clock = manualClock(NOW.getTime());
  const state = { env, versions: [version(0)], looks: 0, writes: 0 };
  const app = () =>
    appSchema.parse({
      id: '/marathon-lb',
      upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 },
      env: state.env,
      version: state.versions.at(-1),
      tasks: [{ id: 'lb.1', host: '10.0.0.11', state: 'TASK_RUNNING', version: state.versions.at(-1) }],
    });
  const marathon = {
    app: async () => {
      state.looks += 1;
      return look(state.looks - 1, app());
    },
    versions: async () => state.versions,
    updateApp: async (_app: App, { env: wanted = {} }: { env?: Env }) => {
      state.writes += 1;
      state.env = wanted;
      state.versions.push(version(state.versions.length));
      return { kind: 'accepted', deploymentId: `d${state.writes}`, version: state.versions.at(-1) };
    },
  };
  const lookAt = {
    balancersOf: () => [
      { id: 'lb.1', host: '10.0.0.11', tlsPort: 443, adminPort: 9090, version: undefined, isAlive: true },
    ],
    // The first slot that has the name, else the first of all.
    handshake: async (_balancer: unknown, name: string) => {
      const held = SLOTS.flatMap((slot) => {
        const content = readVariable(state.env[slot]);
        return content.kind === 'certificate' ? [content.facts] : [];
      });
      const shown = held.find(({ names }) => names.includes(name)) ?? held[0];
      return shown === undefined ? { unreachable: 'nothing' } : servedFacts(shown.fingerprint);
    },
  };
  const signal = new AbortController().signal;
  const wake = { wait: async (ms: number) => clock.advance(ms), hold: () => () => undefined };
  const limits = { stuckMs: 60_000, lockWaitMs: 60_000, pollMs: 1000, verifyMs: 10_000 };
  const tools = {
    marathon,
    stores,
    clock,
    log: silentLog,
    signal,
    appId: undefined,
    strategy: 'environment',
    balancerAppIds: ['/marathon-lb'],
    sharedDirectory: '',
    hasSpareAgent: undefined,
    marathonVersion: async () => '1.8.222',
    variable: 'HAPROXY_SSL_CERT',
    domains: ['shop.example.com'],
    routingHost: 'acme.internal',
    defaultName: undefined,
    variableLimits: { variableBytes: LARGEST_VARIABLE, totalBytes: LARGEST_TOTAL },
    replaceForeign: false,
    keyType: 'ec256',
    files: openFileMemory(path, { nowMs: () => clock.nowMs(), isReadOnly: false }),
    discovery: {
      mode: 'off',
      groups: [],
      allowedDomains: [],
      mostPerApp: 100,
      allowed: { keyTypes: [], profiles: [], cas: [], defaults: {} },
    },
    rules: {
      pack: 'app',
      mostNames: () => 100,
      domainOf: async () => (name: string) => name,
      directoryUrl: 'https://acme.example/directory',
      graceMs: DAY_MS,
    },
    obtain: order,
    faultOf: ({ stored }, bundle, names) =>
      installFault(bundle, {
        names,
        cover: 'at-least',
        nowMs: clock.nowMs(),
        skewMs: undefined,
        trust: { kind: 'any' },
        mostBytes: LARGEST_VARIABLE,
        replaces: stored,
      }),
    revoke: () => Promise.reject(new Error('nobody asked for a revocation')),
    answering: (work: () => Promise<unknown>) => work(),
    ...lookAt,
    delivery: { marathon, wake, clock, log: silentLog, signal, limits, ...lookAt },
    ...changes,
  } satisfies Partial<Record<keyof ExecuteTools, unknown>> &
    Pick<ExecuteTools, 'faultOf'> as unknown as ExecuteTools;
  const issue = async (bundle: TestBundle) => {
    await store.saveRecord({ key: 'own', choice: {} });
    await store.save(bundle.bundle, 'issued', undefined, NOW);
  };
  return { tools, store, targets: stores.targets, state, clock, issue };
}
