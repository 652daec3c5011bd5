import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { CertathonError } from '../../../src/lib/errors.ts';
import { createHttp, type HttpOptions } from '../../../src/lib/http.ts';
import type { Authorization } from '../../../src/lib/http-authorization.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { maskSecrets } from '../../../src/lib/mask.ts';
import { type Answer, cleanups, sendJson, startServer } from './loopback.ts';

const { add, run } = cleanups();
afterEach(run);

async function setup(auth: HttpOptions['auth'], answer: Answer) {
  const server = await startServer(answer);
  add(() => server.close());
  const http = createHttp({
    service: 'Marathon',
    codes: { unreachable: 'MARATHON_UNREACHABLE', invalid: 'MARATHON_ANSWER_INVALID' },
    baseUrls: [server.url],
    auth,
    timeoutMs: 20_000,
    connectTimeoutMs: 5_000,
    userAgent: 'certathon/test',
    clock: systemClock,
    log: silentLog,
  });
  add(() => http.close());
  return { http, seen: server.seen, proofs: () => server.seen.map(({ headers }) => headers.authorization) };
}

/** Hands out these values, one after the other: the first at once, the next ones after a refusal. */
function renewing(...values: string[]): Authorization {
  let at = 0;
  return {
    header: async () => values[at],
    renewed: async (refused) => {
      expect(refused).toBe(values[at]);
      return values[++at];
    },
  };
}

/** Lets in whoever has this value. */
const only =
  (value: string): Answer =>
  (request, response) =>
    sendJson(response, request.headers.authorization === value ? 200 : 401, {});

describe('basic authentication', () => {
  it.each([
    ['plain', 'joe', 'secret-1'],
    ['with colons in the password', 'joe', 'se:cret::2:'],
    ['with letters of several bytes', 'jörg', 'geheim-ß-✓'],
    ['without a user', '', 'secret-3'],
  ])('sends user and password %s', async (_what, user, password) => {
    const { http, proofs } = await setup({ user, password }, (_request, response) =>
      sendJson(response, 200, 1),
    );

    await http.request({ method: 'GET', path: '/' });

    const [, encoded = ''] = /^Basic (.+)$/.exec(proofs()[0] ?? '') ?? [];
    const text = Buffer.from(encoded, 'base64').toString('utf8');
    // The first colon parts them.
    expect([text.slice(0, text.indexOf(':')), text.slice(text.indexOf(':') + 1)]).toEqual([user, password]);
    expect(maskSecrets(`it was ${encoded}`)).toBe('it was [masked]');
  });

  it('lets a 401 stand, asked once', async () => {
    const { http, seen } = await setup({ user: 'joe', password: 'secret-4' }, only('another'));

    expect((await http.request({ method: 'GET', path: '/' })).status).toBe(401);
    expect(seen).toHaveLength(1);
  });
});

describe('an authorization that changes', () => {
  it.each(['GET', 'PUT', 'POST', 'DELETE'] as const)(
    'is renewed after a 401, and the %s sent once more with its body',
    async (method) => {
      const { http, proofs, seen } = await setup(renewing('token=old', 'token=new'), only('token=new'));
      const body = method === 'PUT' || method === 'POST' ? '{"instances":3}' : undefined;

      const answer = await http.request({ method, path: '/v2/apps/a', body });

      expect(answer.status).toBe(200);
      expect(proofs()).toEqual(['token=old', 'token=new']);
      expect(seen.map((each) => each.body)).toEqual([body ?? '', body ?? '']);
    },
  );

  it('is renewed once for a request: a second 401 stands', async () => {
    const { http, proofs } = await setup(renewing('a', 'b', 'c'), only('c'));

    expect((await http.request({ method: 'GET', path: '/' })).status).toBe(401);
    expect(proofs()).toEqual(['a', 'b']);
  });

  it('lets the 401 stand, with its words, when there is no other value', async () => {
    const { http, proofs } = await setup(renewing('a'), (_request, response) =>
      sendJson(response, 401, { message: 'who are you?' }),
    );

    expect(await http.request({ method: 'GET', path: '/' })).toMatchObject({
      status: 401,
      text: '{"message":"who are you?"}',
    });
    expect(proofs()).toEqual(['a']);
  });

  it('is not asked for another value after a 403', async () => {
    const { http, proofs } = await setup(renewing('a', 'b'), (_request, response) =>
      sendJson(response, 403, {}),
    );

    expect((await http.request({ method: 'GET', path: '/' })).status).toBe(403);
    expect(proofs()).toEqual(['a']);
  });

  it('sends nothing when there is no value', async () => {
    const { http, proofs } = await setup(renewing(), (_request, response) => sendJson(response, 200, 1));

    await http.request({ method: 'GET', path: '/' });

    expect(proofs()).toEqual([undefined]);
  });

  it.each(['before the request', 'after a 401'])('ends the request by its own failure, %s', async (when) => {
    const fail = async () => {
      throw new CertathonError('MARATHON_UNAUTHORIZED', 'no login');
    };
    const { http, seen } = await setup(
      when === 'after a 401' ? { header: async () => 'a', renewed: fail } : { header: fail, renewed: fail },
      only('b'),
    );

    await expect(http.request({ method: 'PUT', path: '/', body: '{}' })).rejects.toMatchObject({
      code: 'MARATHON_UNAUTHORIZED',
      message: 'no login',
    });
    expect(seen).toHaveLength(when === 'after a 401' ? 1 : 0);
  });

  it('is renewed for a stream too', async () => {
    const { http, proofs } = await setup(renewing('a', 'b'), only('b'));

    const stream = await http.open({ method: 'GET', path: '/v2/events' });
    for await (const _chunk of stream.body);

    expect(stream.status).toBe(200);
    expect(proofs()).toEqual(['a', 'b']);
  });
});
