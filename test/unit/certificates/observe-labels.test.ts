import { describe, expect, it } from 'vitest';
import { hiddenOwner, readLabels } from '../../../src/certificates/observe-labels.ts';
import type { StoredEntry } from '../../../src/certificates/store-catalogue.ts';
import { CertathonError } from '../../../src/lib/errors.ts';
import { daysFrom } from '../../support/observations.ts';

const refused = new CertathonError('MARATHON_UNAUTHORIZED', 'No');
const missing = new CertathonError('APP_MISSING', 'Gone');
const app = (id: string, labels: Record<string, string> = {}) => ({ id, labels, portCount: 1 });
const [OWN, LB, SHOP] = [app('/certathon'), app('/marathon-lb'), app('/shop')];

/** What Marathon answers: the list, and one app. */
function tools({
  list = async () => [OWN, LB, SHOP],
  one = async () => SHOP,
  mode = 'labels',
  lbs = ['/marathon-lb'],
}: {
  list?: () => Promise<unknown>;
  one?: () => Promise<unknown>;
  mode?: string;
  lbs?: string[];
} = {}) {
  const asked: string[] = [];
  return {
    asked,
    tools: {
      discovery: { mode },
      strategy: 'environment',
      balancerAppIds: lbs,
      appId: '/certathon',
      signal: new AbortController().signal,
      marathon: {
        labelledApps: list,
        app: async (id: string) => {
          asked.push(id);
          return one();
        },
      },
    } as unknown as Parameters<typeof readLabels>[0],
  };
}

describe('readLabels()', () => {
  it.each([
    ['all apps are shown', {}, { isComplete: true, count: 3, says: [] }],
    [
      'only our own app and marathon-lb are shown',
      { list: async () => [OWN, LB] },
      { isComplete: true, count: 2, says: ['shows no app but our own'] },
    ],
    [
      'the list is refused',
      { list: () => Promise.reject(refused) },
      { isComplete: false, count: undefined, says: ['only our own label and --domains'] },
    ],
    [
      'the list is refused and only tells several marathon-lb apps apart',
      { list: () => Promise.reject(refused), mode: 'off', lbs: ['/a', '/b'] },
      { isComplete: true, count: undefined, says: ['delivered to each of /a, /b'] },
    ],
    ['labels of others do not count', { mode: 'off' }, { isComplete: true, count: undefined, says: [] }],
  ])('when %s', async (_when, given, expected) => {
    const read = await readLabels(tools(given).tools);

    expect([read.isComplete, read.apps?.length]).toEqual([expected.isComplete, expected.count]);
    expect(read.notices).toHaveLength(expected.says.length);
    for (const [index, words] of expected.says.entries())
      expect(read.notices[index]).toMatchObject({
        code: 'APPS_UNREADABLE',
        message: expect.stringContaining(words),
      });
  });

  it('does not take an outage for missing rights', async () => {
    const away = new CertathonError('MARATHON_UNREACHABLE', 'Away');

    await expect(readLabels(tools({ list: () => Promise.reject(away) }).tools)).rejects.toBe(away);
  });
});

describe('hiddenOwner()', () => {
  const entry = (key: string, goneSince?: Date): StoredEntry => ({
    id: 'x',
    record: { key, choice: {}, goneSince },
    stored: undefined,
    issued: [],
    order: undefined,
    hold: undefined,
  });
  it.each<[string, StoredEntry[], (() => Promise<unknown>) | undefined, string[], boolean]>([
    ['every owner is listed', [entry('/shop'), entry('own')], undefined, [], false],
    ['one is gone', [entry('/blog')], () => Promise.reject(missing), ['/blog'], false],
    ['one is hidden', [entry('/blog')], () => Promise.reject(refused), ['/blog'], true],
    ['one was retired before', [entry('/blog', daysFrom(-1))], undefined, [], false],
  ])('when %s', async (_when, entries, one, asked, isHidden) => {
    const made = tools(one === undefined ? {} : { one });

    const found = await hiddenOwner(entries, [OWN, LB, SHOP], made.tools);

    expect(made.asked).toEqual(asked);
    expect(found !== undefined).toBe(isHidden);
  });

  it('asks for no app of the name of a deployment group', async () => {
    const made = tools();

    await hiddenOwner([entry('/web')], [app('/web-blue', { HAPROXY_DEPLOYMENT_GROUP: 'web' })], made.tools);

    expect(made.asked).toEqual([]);
  });
});
