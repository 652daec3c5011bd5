import { describe, expect, it } from 'vitest';
import { stepDown } from '../../../src/cli/step-down.ts';
import { type Log, silentLog } from '../../../src/lib/log.ts';

/** A process that notes what was done to it. */
function identity(uid: number) {
  const calls: unknown[] = [];
  const note = (name: string) => (id: unknown) => void calls.push([name, id]);
  return { calls, getuid: () => uid, setgroups: note('groups'), setgid: note('gid'), setuid: note('uid') };
}

describe('stepDown()', () => {
  it('gives up groups, group and user, in the order in which root is needed for it', () => {
    const process = identity(0);

    stepDown(process, { uid: 1000, gid: 1001 }, undefined, silentLog);

    expect(process.calls).toEqual([
      ['groups', [1001]],
      ['gid', 1001],
      ['uid', 1000],
    ]);
  });

  it.each([
    ['is not root', 1000, { uid: 1, gid: 1 }],
    ['was told to stay root', 0, { uid: 0, gid: 0 }],
    ['was told nothing', 0, undefined],
  ])('changes nothing where the process %s', (_what, uid, user) => {
    const process = identity(uid);

    stepDown(process, user, undefined, silentLog);

    expect(process.calls).toEqual([]);
  });

  it('says why it stays root', () => {
    const lines: unknown[] = [];
    const log: Log = { ...silentLog, info: (event, fields) => void lines.push([event, fields]) };

    stepDown(identity(0), undefined, 'port 80', log);

    expect(lines).toEqual([['service.user', { uid: 0, reason: 'port 80' }]]);
  });

  it('ends with the configuration where the system does not let it', () => {
    const process = {
      ...identity(0),
      setgid: () => {
        throw new Error('EPERM');
      },
    };

    expect(() => stepDown(process, { uid: 5, gid: 6 }, undefined, silentLog)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: 'Cannot become user 5, group 6' }),
    );
  });
});
