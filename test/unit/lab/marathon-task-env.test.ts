import { expect, test } from 'vitest';
import { dialectOf } from '../../../src/lab/marathon/dialect.ts';
import { completeApp } from '../../../src/lab/marathon/normalize.ts';
import type { AppUpdate } from '../../../src/lab/marathon/schema.ts';
import { taskEnv } from '../../../src/lab/marathon/task-env.ts';

const port = (number: number, name?: string) => ({
  port: number,
  protocol: 'tcp',
  labels: {},
  ...(name === undefined ? {} : { name }),
});
const envOf = (update: AppUpdate, ports: number[] = []) =>
  taskEnv(completeApp('/prod/web', { cmd: 'x', portDefinitions: [], ...update }, dialectOf('1.8.222')), {
    taskId: 't1',
    host: '127.0.0.11',
    ports,
    sandbox: '/box',
  });

test('a task without ports gets no port variables at all', () => {
  expect(Object.keys(envOf({})).filter((name) => name.startsWith('PORT'))).toEqual([]);
});

test('ports are named by index, by declared port and by name with its dashes', () => {
  expect(envOf({ portDefinitions: [port(8080, 'http-api'), port(0)] }, [31_001, 31_002])).toMatchObject({
    PORT: '31001',
    PORT0: '31001',
    PORT1: '31002',
    PORTS: '31001,31002',
    PORT_8080: '31001',
    'PORT_HTTP-API': '31001',
    PORT_31002: '31002',
  });
});

test('labels become variables with upper-case names, unless they are too long', () => {
  const env = envOf({ labels: { 'a.b-c': '1', long: 'x'.repeat(512), ['k'.repeat(493)]: '2' } });

  expect(env.MARATHON_APP_LABELS).toBe('A_B_C');
  expect(env.MARATHON_APP_LABEL_A_B_C).toBe('1');
  expect(Object.keys(env).filter((name) => name.startsWith('MARATHON_APP_LABEL_'))).toHaveLength(1);
});

test("the user's own variables win over everything", () => {
  const own = { HOST: 'h', PORT0: 'p', MESOS_SANDBOX: 's', MARATHON_APP_ID: 'i' };

  expect(envOf({ env: own, portDefinitions: [port(0)] }, [31_001])).toMatchObject(own);
});

test('resources are printed as Scala prints them', () => {
  expect(envOf({ cpus: 0.1, mem: 128 })).toMatchObject({
    MARATHON_APP_RESOURCE_CPUS: '0.1',
    MARATHON_APP_RESOURCE_MEM: '128.0',
    MARATHON_APP_RESOURCE_DISK: '0.0',
    MARATHON_APP_RESOURCE_GPUS: '0',
  });
});
