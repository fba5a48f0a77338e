/** Judges of session guarantees, each with what it must let pass and what it must catch. */
import { expect, test } from 'vitest'
import { checkSessions } from '../../src/check/index.ts'
import { caseTable } from './case-table.ts'
import { told } from './recorder.ts'

const LWW = { conflicts: 'lww', skewMs: 0 } as const
/** Sessions are for reads and writes that promise nothing else. */
const s = { session: 's', strict: false } as const
const other = { strict: false } as const

caseTable('read your writes', checkSessions, [
  ['the own write passes', [], (tell) => tell.promise('s', 'ryw').put('v1', s).get(['v1'], s)],
  [
    'a successor by somebody else passes',
    [],
    (tell) =>
      tell
        .promise('s', 'ryw')
        .put('v1', s)
        .put('v2', { ...other, saw: ['v1'] })
        .get(['v2'], s),
  ],
  ['another session need not see it', 'nothing', (tell) => tell.promise('s', 'ryw').put('v1', s).get([], other)],
  ['a session without a line was promised nothing', 'nothing', (tell) => tell.put('v1', s).get([], s)],
  [
    'a session promised something else is not judged',
    'nothing',
    (tell) => tell.promise('s', 'mr').put('v1', s).get([], s),
  ],
  [
    'another key is not judged',
    'nothing',
    (tell) =>
      tell
        .promise('s', 'ryw')
        .put('v1', s)
        .get([], { ...s, key: 'y' }),
  ],
  [
    'a write of unknown outcome may be missing',
    'nothing',
    (tell) => {
      tell.promise('s', 'ryw').startPut('v1', s).info()
      tell.get([], s)
    },
  ],
  [
    'a read that began before the acknowledgement may miss it',
    'nothing',
    (tell) => {
      const get = tell.promise('s', 'ryw').startGet(s)
      tell.put('v1', s)
      get.ok([])
    },
  ],
  ['a missing own write is caught', ['ryw'], (tell) => tell.promise('s', 'ryw').put('v1', s).get([], s)],
  ['a session is caught whose promise comes late', ['ryw'], (tell) => tell.put('v1', s).get([], s).promise('s', 'ryw')],
  [
    'what the own write replaced is caught',
    ['ryw'],
    (tell) =>
      tell
        .promise('s', 'ryw')
        .put('v1')
        .put('v2', { ...s, saw: ['v1'] })
        .get(['v1'], s),
  ],
  [
    'what the own delete removed is caught',
    ['ryw'],
    (tell) =>
      tell
        .promise('s', 'ryw')
        .put('v1')
        .delete('d1', { ...s, saw: ['v1'] })
        .get(['v1'], s),
  ],
])

caseTable('monotonic reads of a session', checkSessions, [
  ['the same value twice passes', [], (tell) => tell.promise('s', 'mr').put('v1').get(['v1'], s).get(['v1'], s)],
  [
    'a read by somebody else is not judged',
    'nothing',
    (tell) => tell.promise('s', 'mr').put('v1').get(['v1'], s).get([], other),
  ],
  ['a value that goes away is caught', ['mr'], (tell) => tell.promise('s', 'mr').put('v1').get(['v1'], s).get([], s)],
  [
    'an old value is caught',
    ['mr'],
    (tell) =>
      tell
        .promise('s', 'mr')
        .put('v1')
        .put('v2', { saw: ['v1'] })
        .get(['v2'], s)
        .get(['v1'], s),
  ],
  [
    'a deleted value that rises is caught',
    ['mr'],
    (tell) => {
      tell
        .promise('s', 'mr')
        .put('v1')
        .startDelete('d1', { saw: ['v1'] })
        .info()
      tell.get(['v1'], s).get([], s).get(['v1'], s)
    },
  ],
])

caseTable('monotonic writes', checkSessions, [
  [
    'a write that saw the one before it passes',
    [],
    (tell) =>
      tell
        .promise('s', 'mw')
        .put('v1', s)
        .put('v2', { ...s, saw: ['v1'] })
        .get(['v2'], other)
        .final(['v2']),
  ],
  [
    'siblings of one session shown together pass',
    [],
    (tell) => tell.promise('s', 'mw').put('v1', s).put('v2', s).get(['v1', 'v2']),
  ],
  [
    'the first alone passes, and proves nothing',
    'nothing',
    (tell) => tell.promise('s', 'mw').put('v1', s).put('v2', s).get(['v1']),
  ],
  [
    'a write after one of unknown outcome passes alone',
    'nothing',
    (tell) => {
      tell.promise('s', 'mw').startPut('v1', s).info()
      tell.put('v2', s).get(['v2'])
    },
  ],
  [
    'the second without the first is caught, at any level',
    ['mw', 'mw'],
    (tell) => tell.promise('s', 'mw').put('v1', s).put('v2', s).get(['v2'], other).final(['v2']),
  ],
  [
    'the second beside what the first deleted is caught',
    ['mw'],
    (tell) =>
      tell
        .promise('s', 'mw')
        .put('v0')
        .delete('d1', { ...s, saw: ['v0'] })
        .put('v2', s)
        .get(['v0', 'v2'], other),
  ],
])

caseTable('writes follow reads', checkSessions, [
  [
    'a write that saw what was read passes',
    [],
    (tell) =>
      tell
        .promise('s', 'wfr')
        .put('v1')
        .get(['v1'], s)
        .put('v2', { ...s, saw: ['v1'] })
        .get(['v2'], other),
  ],
  [
    'a write beside what was read passes',
    [],
    (tell) => tell.promise('s', 'wfr').put('v1').get(['v1'], s).put('v2', s).get(['v1', 'v2'], other),
  ],
  [
    'a write before the read ended passes',
    'nothing',
    (tell) => {
      const get = tell.promise('s', 'wfr').put('v1').startGet(s)
      tell.put('v2', s)
      get.ok(['v1'])
      tell.get(['v2'], other)
    },
  ],
  [
    'a write without what was read is caught',
    ['wfr'],
    (tell) => tell.promise('s', 'wfr').put('v1').get(['v1'], s).put('v2', s).get(['v2'], other),
  ],
])

caseTable(
  'sessions, lww',
  checkSessions,
  [
    ['ryw: the own write passes', [], (tell) => tell.promise('s', 'ryw').put('v1', s).get(['v1'], s)],
    ['ryw: a newer write passes', [], (tell) => tell.promise('s', 'ryw').put('v1', s).put('v2').get(['v2'], s)],
    [
      'ryw: an older write is caught',
      ['ryw'],
      (tell) => tell.promise('s', 'ryw').put('v1').put('v2', s).get(['v1'], s),
    ],
    ['ryw: nothing is caught', ['ryw'], (tell) => tell.promise('s', 'ryw').put('v1', s).get([], s)],
    [
      'mr: a newer write passes',
      [],
      (tell) => tell.promise('s', 'mr').put('v1').get(['v1'], s).put('v2').get(['v2'], s),
    ],
    [
      'mr: an older write is caught',
      ['mr'],
      (tell) => tell.promise('s', 'mr').put('v1').put('v2').get(['v2'], s).get(['v1'], s),
    ],
    [
      'mw: the later write in a final passes',
      [],
      (tell) => tell.promise('s', 'mw').put('v1', s).put('v2', s).final(['v2']),
    ],
    [
      'mw: the earlier write in a final is caught',
      ['mw'],
      (tell) => tell.promise('s', 'mw').put('v1', s).put('v2', s).final(['v1']),
    ],
    [
      'mw: the earlier write in a strict read is caught',
      ['mw'],
      (tell) => tell.promise('s', 'mw').put('v1', { session: 's' }).put('v2', { session: 's' }).get(['v1']),
    ],
    [
      'mw: the earlier write may be read where nothing is promised',
      'nothing',
      (tell) => tell.promise('s', 'mw').put('v1', s).put('v2', s).get(['v1'], other).get(['v1'], s),
    ],
    [
      'wfr: what was read before the write is caught in a final',
      ['wfr'],
      (tell) => {
        tell.promise('s', 'wfr').startPut('v1').info()
        tell.get(['v1'], s).put('v2', s).final(['v1'])
      },
    ],
    [
      'wfr: what was read before a write of unknown outcome may win',
      'nothing',
      (tell) => {
        tell.promise('s', 'wfr').put('v1').get(['v1'], s).startPut('v2', s).info()
        tell.final(['v1'])
      },
    ],
  ],
  LWW,
)

test('sessions, lww: clocks apart hide nothing from a session that reads its writes in order', () => {
  const history = told((tell) => tell.promise('s', 'ryw', 'mw').put('v1', s).put('v2', s).get(['v1'], s))
  const verdict = checkSessions(history, { conflicts: 'lww', skewMs: Infinity })
  expect(verdict.violations.map(({ rule }) => rule)).toEqual(['mw'])
})
