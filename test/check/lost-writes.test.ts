/** Judges of the end: no acknowledged write is lost, and what was overwritten or deleted stays away. */
import { checkConverged, checkNoLostWrites, checkNoResurrection } from '../../src/check/index.ts'
import { caseTable } from './case-table.ts'

const LWW = { conflicts: 'lww', skewMs: 0 } as const

caseTable('no lost writes', checkNoLostWrites, [
  ['an acknowledged put in every final passes', [], (tell) => tell.put('v1').final(['v1'], ['v1'])],
  [
    'an overwritten put passes',
    [],
    (tell) =>
      tell
        .put('v1')
        .put('v2', { saw: ['v1'] })
        .final(['v2']),
  ],
  [
    'a put overwritten by way of an unacknowledged one passes',
    [],
    (tell) => {
      tell
        .put('v1')
        .startPut('v2', { saw: ['v1'] })
        .info()
      tell.put('v3', { saw: ['v2'] }).final(['v3'])
    },
  ],
  [
    'a put overwritten by one of unknown outcome passes',
    [],
    (tell) => {
      tell
        .put('v1')
        .startPut('v2', { saw: ['v1'] })
        .info()
      tell.final(['v2'], ['v1'])
    },
  ],
  [
    'a deleted put passes',
    [],
    (tell) =>
      tell
        .put('v1')
        .delete('d1', { saw: ['v1'] })
        .final([]),
  ],
  [
    'a put under a delete of unknown outcome passes, there or not',
    [],
    (tell) => {
      tell
        .put('v1')
        .startDelete('d1', { saw: ['v1'] })
        .info()
      tell.final([], ['v1'])
    },
  ],
  [
    'a put under a delete that never completed passes',
    [],
    (tell) => {
      tell.put('v1').startDelete('d1', { saw: ['v1'] })
      tell.final([])
    },
  ],
  [
    'a put over a delete passes without the delete being named',
    [],
    (tell) =>
      tell
        .put('v1')
        .delete('d1', { saw: ['v1'] })
        .put('v2')
        .final(['v2']),
  ],
  [
    'a put of unknown outcome may be missing, but proves nothing',
    'nothing',
    (tell) => {
      tell.startPut('v1').info()
      tell.final([])
    },
  ],
  ['without finals there is nothing to judge', 'nothing', (tell) => tell.put('v1')],
  ['a put missing from one final is caught', ['lost'], (tell) => tell.put('v1').final(['v1'], [])],
  ['a dropped sibling is caught', ['lost'], (tell) => tell.put('v1').put('v2').final(['v2'])],
  [
    'a lost successor is caught, and its predecessor is not reported again',
    ['lost'],
    (tell) =>
      tell
        .put('v1')
        .put('v2', { saw: ['v1'] })
        .final([]),
  ],
  [
    'the return of its predecessor does not make up for it',
    ['lost'],
    (tell) =>
      tell
        .put('v1')
        .put('v2', { saw: ['v1'] })
        .final(['v1']),
  ],
  [
    'a put overwritten by one that failed is caught',
    ['lost'],
    (tell) => {
      tell
        .put('v1')
        .startPut('v2', { saw: ['v1'] })
        .fail()
      tell.final([])
    },
  ],
  [
    'a put overwritten by one of unknown outcome that is nowhere is caught',
    ['lost'],
    (tell) => {
      tell
        .put('v1')
        .startPut('v2', { saw: ['v1'] })
        .info()
      tell.final([])
    },
  ],
  ['a put under a delete that did not see it is caught', ['lost'], (tell) => tell.put('v1').delete('d1').final([])],
  [
    'a put acknowledged at the second attempt is caught',
    ['lost'],
    (tell) => {
      tell.startPut('v1', { op: 'o1' }).info()
      tell.put('v1', { op: 'o1' }).final([])
    },
  ],
  [
    'keys are judged apart',
    ['lost'],
    (tell) => tell.put('v1').put('w1', { key: 'y' }).final(['v1']).finalOf('y', ['v1']),
  ],
])

caseTable(
  'no lost writes, lww',
  checkNoLostWrites,
  [
    ['the last put passes', [], (tell) => tell.put('v1').put('v2').final(['v2'])],
    [
      'either of two concurrent puts passes',
      [],
      (tell) => {
        const put = tell.startPut('v1')
        tell.put('v2')
        put.ok()
        tell.final(['v1'], ['v2'])
      },
    ],
    [
      'a put of unknown outcome passes, however old',
      [],
      (tell) => {
        tell.startPut('v1').info()
        tell.put('v2').final(['v1'])
      },
    ],
    ['an empty final after a delete passes', [], (tell) => tell.put('v1').delete('d1').final([])],
    [
      'an empty final with a delete of unknown outcome passes',
      [],
      (tell) => {
        tell.startDelete('d1').info()
        tell.put('v1').final([])
      },
    ],
    ['an empty final without any delete is caught', ['lost'], (tell) => tell.put('v1').final([])],
    ['an empty final after an older delete is caught', ['lost'], (tell) => tell.delete('d1').put('v1').final([])],
    ['an older put is caught', ['lost'], (tell) => tell.put('v1').put('v2').final(['v1'])],
    ['a put older than a delete is caught', ['lost'], (tell) => tell.put('v1').delete('d1').final(['v1'])],
    [
      'a predecessor of unknown outcome is caught',
      ['lost'],
      (tell) => {
        tell.startPut('v1').info()
        tell.put('v2', { saw: ['v1'] }).final(['v1'])
      },
    ],
  ],
  LWW,
)

caseTable(
  'no lost writes, lww with clocks apart',
  checkNoLostWrites,
  [
    ['an older put within the skew passes', [], (tell) => tell.put('v1').wait(9).put('v2').final(['v1'])],
    ['an older put beyond the skew is caught', ['lost'], (tell) => tell.put('v1').wait(10).put('v2').final(['v1'])],
    [
      'an older put that the last one saw is caught',
      ['lost'],
      (tell) =>
        tell
          .put('v1')
          .put('v2', { saw: ['v1'] })
          .final(['v1']),
    ],
  ],
  { conflicts: 'lww', skewMs: 10 },
)

caseTable('no resurrection', checkNoResurrection, [
  [
    'an overwritten value before the acknowledgement passes, and proves nothing',
    'nothing',
    (tell) => {
      tell.startPut('v1').info()
      const put = tell.startPut('v2', { saw: ['v1'] })
      tell.get(['v1'])
      put.ok()
    },
  ],
  [
    'a read that began before the acknowledgement passes',
    [],
    (tell) => {
      tell.put('v1')
      const put = tell.startPut('v2', { saw: ['v1'] })
      const get = tell.startGet()
      put.ok()
      get.ok(['v1'])
    },
  ],
  [
    'a read that is not strict passes',
    [],
    (tell) =>
      tell
        .put('v1')
        .put('v2', { saw: ['v1'] })
        .get(['v1'], { strict: false })
        .final(['v2']),
  ],
  [
    'a strict read after a write that was not strict passes',
    [],
    (tell) =>
      tell
        .put('v1')
        .put('v2', { saw: ['v1'], strict: false })
        .get(['v1']),
  ],
  [
    'a value under a delete of unknown outcome passes',
    [],
    (tell) => {
      tell
        .put('v1')
        .startDelete('d1', { saw: ['v1'] })
        .info()
      tell.get([]).get(['v1'])
    },
  ],
  [
    'a deleted value in a strict read is caught',
    ['resurrected'],
    (tell) =>
      tell
        .put('v1')
        .delete('d1', { saw: ['v1'] })
        .get(['v1']),
  ],
  [
    'a deleted value in a final is caught, strict or not',
    ['resurrected'],
    (tell) =>
      tell
        .put('v1')
        .delete('d1', { saw: ['v1'], strict: false })
        .final([], ['v1']),
  ],
  [
    'an overwritten value is caught, also beside its successor',
    ['resurrected', 'resurrected'],
    (tell) =>
      tell
        .put('v1')
        .put('v2', { saw: ['v1'] })
        .get(['v1'])
        .get(['v1', 'v2']),
  ],
  [
    'a value overwritten by way of an unacknowledged put is caught',
    ['resurrected'],
    (tell) => {
      tell
        .put('v1')
        .startPut('v2', { saw: ['v1'] })
        .info()
      tell.delete('d1', { saw: ['v2'] }).get(['v1'])
    },
  ],
  [
    'a late copy of an attempt that came before a retry is caught',
    ['resurrected'],
    (tell) => {
      tell.startPut('v1', { op: 'o1' }).info()
      tell
        .put('v1', { op: 'o1' })
        .delete('d1', { saw: ['v1'] })
        .final(['v1'])
    },
  ],
])

caseTable(
  'no resurrection, lww',
  checkNoResurrection,
  [
    ['a value put after the delete passes', [], (tell) => tell.delete('d1').put('v1').get(['v1']).final(['v1'])],
    [
      'a value deleted without being seen is caught',
      ['resurrected'],
      (tell) => tell.put('v1').delete('d1').get(['v1']),
    ],
    ['an older value in a final is caught', ['resurrected'], (tell) => tell.put('v1').put('v2').final(['v1'])],
  ],
  LWW,
)

caseTable('converged', checkConverged, [
  ['equal finals pass, in any order', [], (tell) => tell.put('v1').put('v2').final(['v1', 'v2'], ['v2', 'v1'])],
  ['empty finals pass', [], (tell) => tell.final([], [], [])],
  ['keys are compared apart', [], (tell) => tell.final(['v1'], ['v1']).finalOf('y', [], [])],
  ['a single final is nothing to judge', 'nothing', (tell) => tell.put('v1').final(['v1'])],
  ['a missing sibling is caught', ['diverged'], (tell) => tell.final(['v1', 'v2'], ['v1', 'v2'], ['v1'])],
  ['another value is caught', ['diverged'], (tell) => tell.final(['v1'], ['v2'])],
  [
    'each replica that differs from the first is named',
    ['diverged', 'diverged'],
    (tell) => tell.final(['v1'], [], ['v2']),
  ],
])
