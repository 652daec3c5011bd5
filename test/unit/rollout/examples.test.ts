import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { appOf, readDefinition } from '../../../src/rollout/definition.ts';
import { nextColour } from '../../../src/rollout/next-colour.ts';
import { preflight } from '../../../src/rollout/preflight.ts';
import { targetOf } from '../../../src/rollout/target.ts';

const FOLDER = resolve(import.meta.dirname, '../../../deploy/rollout');
const readExample = (name: string) => readDefinition(readFileSync(join(FOLDER, name), 'utf8'), name);
const NAMES = ['nginx.json', 'nginx-marathon-1.4.json'];
const BALANCER = { id: '/marathon-lb', groups: ['external'], checksHealth: true };

describe('the examples of deploy/rollout', () => {
  it.each(NAMES)('%s can be rolled out twice without a word of warning', (name) => {
    const { definition, notices } = readExample(name);
    const wish = {
      definition,
      target: 10,
      newInstances: 2,
      initialInstances: 1,
      nowMs: Date.UTC(2026, 0, 1),
    };
    const first = appOf(nextColour({ ...wish, last: undefined, newInstances: 0 }));
    const second = appOf(nextColour({ ...wish, last: first }));

    expect(notices).toEqual([]);
    expect(targetOf({ definition, last: first, keepInstances: false, newInstances: 2 })).toEqual({
      kind: 'target',
      target: 10,
      newInstances: 2,
      notices: [],
    });
    expect(
      [first, second].flatMap((next, at) =>
        preflight({ next, last: [undefined, first][at], apps: [], balancers: [BALANCER], accept: new Set() }),
      ),
    ).toEqual([]);
    expect([first, second].map(({ id, portMappings }) => [id, portMappings[0]?.servicePort])).toEqual([
      ['/nginx-blue', 10000],
      ['/nginx-green', 10001],
    ]);
  });

  it('are the same app in two forms', () => {
    const [newer, older] = NAMES.map((name) => appOf(readExample(name).definition));

    expect(newer).toEqual(older);
    expect(newer).toMatchObject({
      instances: 10,
      network: 'bridge',
      image: 'nginx:stable',
      healthChecks: [{ protocol: 'HTTP', path: '/health', intervalSeconds: 2 }],
    });
  });
});
