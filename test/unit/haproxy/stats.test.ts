import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseStats, type StatsRow } from '../../../src/haproxy/stats.ts';
import { COLUMNS, type CsvRow, csvOf } from '../../support/haproxy-csv.ts';

const NAMES = 'pxname,svname,qcur,scur,status';
const UP = {
  pxname: 'web_10000',
  svname: '10_0_0_5_31000',
  qcur: 0,
  scur: 2,
  stot: 71,
  status: 'UP',
  weight: 1,
  lastchg: 12,
  check_status: 'L7OK',
};
const READ: StatsRow = {
  backend: 'web_10000',
  server: '10_0_0_5_31000',
  status: 'UP',
  queued: 0,
  sessions: 2,
  weight: 1,
  lastChangeS: 12,
  checkStatus: 'L7OK',
  totalSessions: 71,
};
/** `backend/server status sessions`, as one would say it. */
const said = (csv: string) =>
  parseStats(csv).map(
    ({ backend, server, status, sessions }) => `${backend}/${server} ${status} ${sessions}`,
  );

describe('parseStats()', () => {
  it.each(Object.entries(COLUMNS))('reads what HAProxy %s writes', (_version, columns) => {
    const rows = [
      { pxname: 'stats', svname: 'FRONTEND', scur: 1, stot: 4, status: 'OPEN', '-': '-' },
      { ...UP, '-': '-' },
      { ...UP, svname: 'm', status: 'MAINT', check_status: '', last_chk: 'a, "b"\nc', '-': '-' },
    ];

    const read = parseStats(csvOf(rows, columns));

    expect(read).toEqual([
      {
        ...{ backend: 'stats', server: 'FRONTEND', status: 'OPEN', queued: 0, sessions: 1, totalSessions: 4 },
        ...{ weight: undefined, lastChangeS: undefined, checkStatus: undefined },
      },
      READ,
      { ...READ, server: 'm', status: 'MAINT', checkStatus: undefined },
    ]);
  });

  it.each([
    'UP',
    'UP 1/3',
    'DOWN',
    'DOWN 1/2',
    'DOWN (agent)',
    'MAINT',
    'MAINT (via b/s)',
    'NOLB',
    'no check',
  ])('hands the status %j on as it is', (status) => {
    expect(said(csvOf([{ ...UP, status }]))).toEqual([`web_10000/10_0_0_5_31000 ${status} 2`]);
  });

  it.each<[string, string, string[]]>([
    [
      'columns in another order, and unknown ones',
      '# pxname,svname,x,status,scur,-,qcur,\na,s,1,UP,7,-,0,\n',
      ['a/s UP 7'],
    ],
    ['names without the mark in front, lines without the last comma', `${NAMES}\na,s,0,3,UP\n`, ['a/s UP 3']],
    ['a last line that is not ended', `# ${NAMES}\na,s,0,3,UP`, ['a/s UP 3']],
    ['lines ended as on Windows', `# ${NAMES},\r\na,s,0,3,UP,\r\nb,s,0,4,UP,\r\n`, ['a/s UP 3', 'b/s UP 4']],
    ['empty lines', `\n# ${NAMES}\n\na,s,0,3,UP\n\n\n`, ['a/s UP 3']],
    ['no row at all', `# ${NAMES}\n`, []],
    ['quotes around any field', `# ${NAMES}\n"a","s","0","3","UP"\n`, ['a/s UP 3']],
    [
      'a comma, a doubled quote and a new line in quotes',
      `# ${NAMES}\n"a,""b""\nc",s,0,3,UP\n`,
      ['a,"b"\nc/s UP 3'],
    ],
    ['an apostrophe, which quotes nothing', `# ${NAMES}\n'a,s',0,3,UP\n`, ["'a/s' UP 3"]],
    [
      'two balancers one after the other, of two versions',
      `${csvOf([UP], COLUMNS['2.0'])}${csvOf([{ ...UP, scur: 5 }], COLUMNS['3.2'])}`,
      ['web_10000/10_0_0_5_31000 UP 2', 'web_10000/10_0_0_5_31000 UP 5'],
    ],
    [
      'names that every object has',
      `# ${NAMES},__proto__,\n__proto__,constructor,0,1,UP,x,\n`,
      ['__proto__/constructor UP 1'],
    ],
  ])('reads %s', (_what, csv, expected) => {
    expect(said(csv)).toEqual(expected);
  });

  it.each<[string, string, string]>([
    ['nothing', '', 'they are empty'],
    ['a page', '<html>\n<body>503</body></html>', 'they begin with "<html>"'],
    ['rows without names', 'a,s,0,3,UP\n', 'they begin with "a,s,0,3,UP"'],
    [
      'names without a column that is needed',
      '# pxname,svname,scur\na,s,1\n',
      'they have no column status, qcur',
    ],
    [
      'a row that was cut',
      csvOf([UP]).replace(/L7OK.*$/s, ''),
      'they are cut short at "web_10000/10_0_0_5_31000"',
    ],
    [
      'a status that was cut',
      '# pxname,svname,qcur,scur,status,x,\na,s,0,0,MAI',
      'they are cut short at "a/s"',
    ],
    ['quotes that stay open', `# ${NAMES}\n"a,s,0,3,UP\n`, 'quotes are open at "\\"a,s,0,3,UP\\n"'],
    ['text after quotes', `# ${NAMES}\n"a"b,s,0,3,UP\n`, 'quotes are open at "\\"a\\"b,s,0,3,UP\\n"'],
    ['sessions that are no number', `# ${NAMES}\na,s,0,many,UP\n`, '"many" in the column scur is no number'],
    ['rows without end', `# ${NAMES}\n${'a,s,0,0,UP\n'.repeat(200_001)}`, 'they have more than 200000 rows'],
    ['a row without end', `# ${NAMES}${',x'.repeat(3_000)}`, 'a row has more than 2000 fields'],
  ])('refuses %s', (_what, csv, why) => {
    expect(() => parseStats(csv)).toThrow(
      expect.objectContaining({
        code: 'ROLLOUT_BALANCERS_UNREADABLE',
        message: `The statistics of HAProxy can not be read: ${why}`,
      }),
    );
  });

  it('reads back whatever a HAProxy may write, and never more than it wrote', () => {
    const text = fc.string({ unit: 'binary', maxLength: 20 });
    const number = fc.option(fc.nat(1_000_000), { nil: undefined });
    const row = fc.record({
      ...{ backend: text, server: text, status: text, queued: fc.nat(9), sessions: fc.nat(99_999) },
      ...{ weight: number, lastChangeS: number, totalSessions: number },
      checkStatus: fc.option(
        text.filter((it) => it !== ''),
        { nil: undefined },
      ),
    });
    const columns = fc.shuffledSubarray(
      ['svname', 'qcur', 'scur', 'status', 'weight', 'lastchg', 'check_status', 'stot', '-', 'addr', 'more'],
      { minLength: 11 },
    );
    fc.assert(
      fc.property(
        fc.array(row, { maxLength: 6 }),
        columns,
        fc.constantFrom('\n', '\r\n'),
        text,
        (rows, order, end, other) => {
          fc.pre(rows.every(({ backend, server }) => !(backend.endsWith('pxname') && server === 'svname')));
          // The second column is always the name of the server; so HAProxy keeps it, whatever is added behind.
          const names = ['pxname', 'svname', ...order.filter((name) => name !== 'svname')];

          const read = parseStats(
            csvOf(
              rows.map((each) => ({ ...fieldsOf(each), addr: other, more: 'x' })),
              names,
              end,
            ),
          );

          expect(read).toEqual(rows);
        },
      ),
    );
  });

  it('takes any text without falling over anything but its own refusal', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('"', ',', '\n', '\r', 'a', '# pxname,svname,qcur,scur,status\n') }),
        (text) => {
          let code: unknown;
          try {
            parseStats(text);
          } catch (error) {
            code = (error as { code?: unknown }).code;
          }
          expect([undefined, 'ROLLOUT_BALANCERS_UNREADABLE']).toContain(code);
        },
      ),
    );
  });
});

function fieldsOf(row: StatsRow): CsvRow {
  return {
    ...{ pxname: row.backend, svname: row.server, qcur: row.queued, scur: row.sessions, status: row.status },
    ...{ weight: row.weight ?? '', lastchg: row.lastChangeS ?? '', check_status: row.checkStatus ?? '' },
    stot: row.totalSessions ?? '',
  };
}
