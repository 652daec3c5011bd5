import { describe, expect, it } from 'vitest';
import { createNoncePool } from '../../../src/acme/nonces.ts';
import { manualClock } from '../../support/clock.ts';

function pool() {
  const clock = manualClock();
  let fetched = 0;
  const nonces = createNoncePool(clock, async () => {
    fetched += 1;
    return `fetched-${fetched}`;
  });
  return { clock, nonces, fetched: () => fetched };
}

describe('createNoncePool()', () => {
  it('hands out the freshest first and each only once, and asks the CA only when there is none', async () => {
    const { nonces, fetched } = pool();
    nonces.put('one');
    nonces.put('two');

    const taken = [await nonces.take(), await nonces.take(), await nonces.take()];

    expect(taken).toEqual(['two', 'one', 'fetched-1']);
    expect(fetched()).toBe(1);
  });

  it('gives no two concurrent takers the same nonce', async () => {
    const { nonces } = pool();
    nonces.put('one');

    const taken = await Promise.all([nonces.take(), nonces.take(), nonces.take()]);

    expect(new Set(taken).size).toBe(3);
  });

  it('drops those older than ten minutes', async () => {
    const { nonces, clock } = pool();
    nonces.put('old');
    await clock.advance(5 * 60_000);
    nonces.put('young');
    await clock.advance(5 * 60_000 + 1);

    expect([await nonces.take(), await nonces.take()]).toEqual(['young', 'fetched-1']);
  });

  it.each([undefined, '', 'with blank', 'a+b=', 'x'.repeat(600)])(
    'ignores %j, which is no nonce',
    async (nonce) => {
      const { nonces } = pool();

      nonces.put(nonce);

      expect(await nonces.take()).toBe('fetched-1');
    },
  );

  it('keeps a bounded number, the freshest', async () => {
    const { nonces, fetched } = pool();
    for (let number = 0; number < 1000; number++) nonces.put(`n${number}`);

    const taken: string[] = [];
    while (fetched() === 0) taken.push(await nonces.take());

    expect(taken.slice(0, 2)).toEqual(['n999', 'n998']);
    expect(taken.length).toBe(65);
  });
});
