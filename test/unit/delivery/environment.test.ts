import { describe, expect, it } from 'vitest';
import type { DeliveryRequest, DeliveryTools } from '../../../src/delivery/delivery.ts';
import { certificateChange } from '../../../src/delivery/environment.ts';
import { readVariable, toVariable } from '../../../src/delivery/variable.ts';
import { appSchema, type Env } from '../../../src/marathon/app-schema.ts';
import { makeBundle } from '../../support/bundles.ts';

const [mine, second, theirs] = [makeBundle(), makeBundle({ names: ['www.example.com'] }), makeBundle()];
const [FIRST, NUMBERED] = ['HAPROXY_SSL_CERT', 'HAPROXY_SSL_CERT0'];
const limits = { variableBytes: 120_000, totalBytes: 400_000 };
const app = (env: Env) => appSchema.parse({ id: '/marathon-lb', env, version: '2026-01-01T00:00:00.000Z' });
const change = (request: Partial<DeliveryRequest>) =>
  certificateChange(
    {
      appId: '/marathon-lb',
      put: [],
      clear: [],
      expected: [],
      placeholderPem: undefined,
      limits,
      ...request,
    },
    {} as DeliveryTools,
  );
const put = (variable: string, { bundle }: typeof mine) => ({ variable, bundle, replaces: 'empty' });
const there = { variable: FIRST, bundle: mine.bundle, replaces: undefined };
const both = [put(FIRST, mine), put(NUMBERED, second)];
const markOf = (env: Env | undefined, variable: string) => {
  const held = readVariable(env?.[variable]);
  return held.kind === 'certificate' ? held.facts.fingerprint : held.kind;
};

describe('certificateChange()', () => {
  it('writes several bundles at once, and takes out what is as it was planned', () => {
    const old = {
      [`${FIRST}1`]: toVariable(theirs.pem),
      [`${FIRST}2`]: toVariable(theirs.pem),
      OTHER: 'kept',
    };
    const clear = [1, 2].map((number) => ({
      variable: `${FIRST}${number}`,
      replaces: number === 1 ? theirs.bundle.facts.fingerprint : 'empty',
    }));

    const patch = change({ put: both, clear }).patchFor(app(old));

    expect(Object.keys(patch?.env ?? {}).sort()).toEqual([FIRST, NUMBERED, `${FIRST}2`, 'OTHER'].sort());
    expect([FIRST, NUMBERED].map((variable) => markOf(patch?.env, variable))).toEqual(
      [mine, second].map((each) => each.bundle.facts.fingerprint),
    );
  });

  it('is overtaken when any of the variables holds what it was not planned for', () => {
    expect(() => change({ put: both }).patchFor(app({ [NUMBERED]: toVariable(theirs.pem) }))).toThrow(
      expect.objectContaining({ code: 'DELIVERY_OVERTAKEN', message: expect.stringContaining(NUMBERED) }),
    );
  });

  it('writes nothing where all are held already, one of them in another spelling', () => {
    const env = { [FIRST]: toVariable(mine.pem), [NUMBERED]: second.pem };

    const { isHeldBy, patchFor } = change({ put: both });

    expect([isHeldBy(app(env)), patchFor(app(env))]).toEqual([true, undefined]);
    expect(isHeldBy(app({ ...env, [NUMBERED]: '' }))).toBe(false);
  });

  it.each([
    ['it puts something', { put: both }, false],
    ['what it puts is known to be there', { put: [there] }, true],
    ['one of two is', { put: [there, put(NUMBERED, second)] }, false],
    ['it only takes something out', { clear: [{ variable: NUMBERED, replaces: 'empty' }] }, false],
  ])('knows whether it is a mere look: %s', (_what, request, isLook) => {
    const made = change(request as Partial<DeliveryRequest>);

    expect(made.isLook).toBe(isLook);
  });

  it('has one mark whatever the order, the fingerprint where there is only one, and another for what is taken out', () => {
    const marks = [
      { put: both },
      { put: both.toReversed() },
      { put: both.slice(0, 1) },
      ...[NUMBERED, `${FIRST}1`].map((variable) => ({ clear: [{ variable, replaces: 'x' }] })),
    ].map((request) => change(request).mark);

    expect(marks[0]).toBe(marks[1]);
    expect(marks[2]).toBe(mine.bundle.facts.fingerprint);
    expect(new Set(marks).size).toBe(4);
  });
});
