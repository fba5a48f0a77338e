/** Judges of strict reads: they see what was acknowledged before, and with blocking repair what was read before. */
import { checkMonotonic, checkStrictRegular } from '../../src/check/index.ts'
import { caseTable } from './case-table.ts'

const LWW = { conflicts: 'lww', skewMs: 0 } as const

caseTable('strict reads are regular', checkStrictRegular, [
  ['an acknowledged put that is shown passes', [], (tell) => tell.put('v1').get(['v1'])],
  [
    'a successor of unknown outcome passes',
    [],
    (tell) => {
      tell
        .put('v1')
        .startPut('v2', { saw: ['v1'] })
        .info()
      tell.get(['v2'])
    },
  ],
  [
    'a put that is acknowledged too late may be missing',
    'nothing',
    (tell) => {
      const get = tell.startGet()
      tell.put('v1')
      get.ok([])
    },
  ],
  [
    'a put under a delete that began before the read ended may be missing',
    [],
    (tell) => {
      tell.put('v1')
      const get = tell.startGet()
      tell.startDelete('d1', { saw: ['v1'] })
      get.ok([])
    },
  ],
  [
    'a put under a delete before a blind put may be missing',
    [],
    (tell) =>
      tell
        .put('v1')
        .delete('d1', { saw: ['v1'] })
        .put('v2')
        .get(['v2']),
  ],
  ['a read that is not strict is not judged', 'nothing', (tell) => tell.put('v1').get([], { strict: false })],
  ['a put that is not strict may be missing', 'nothing', (tell) => tell.put('v1', { strict: false }).get([])],
  [
    'a read that failed is not judged',
    'nothing',
    (tell) => {
      tell.put('v1').startGet().fail()
      tell.startGet().info()
    },
  ],
  ['an acknowledged put that is missing is caught', ['stale'], (tell) => tell.put('v1').get([])],
  [
    'an old value instead of its successor is caught once',
    ['stale'],
    (tell) =>
      tell
        .put('v1')
        .put('v2', { saw: ['v1'] })
        .get(['v1']),
  ],
  ['a missing sibling is caught', ['stale'], (tell) => tell.put('v1').put('v2').get(['v2'])],
  ['two missing siblings are caught', ['stale', 'stale'], (tell) => tell.put('v1').put('v2').get([])],
  [
    'a put under a delete that failed is caught',
    ['stale'],
    (tell) => {
      tell
        .put('v1')
        .startDelete('d1', { saw: ['v1'] })
        .fail()
      tell.get([])
    },
  ],
  [
    'a put under a delete that began too late is caught',
    ['stale'],
    (tell) =>
      tell
        .put('v1')
        .get([])
        .delete('d1', { saw: ['v1'] }),
  ],
  [
    'a put that gave way to one of unknown outcome that is not shown is caught',
    ['stale'],
    (tell) => {
      tell
        .put('v1')
        .startPut('v2', { saw: ['v1'] })
        .info()
      tell.get([])
    },
  ],
])

caseTable(
  'strict reads are regular, lww',
  checkStrictRegular,
  [
    ['the last put passes', [], (tell) => tell.put('v1').put('v2').get(['v2'])],
    [
      'either of two concurrent puts passes',
      [],
      (tell) => {
        const put = tell.startPut('v1')
        tell.put('v2')
        put.ok()
        tell.get(['v1']).get(['v2'])
      },
    ],
    [
      'a newer put of unknown outcome passes',
      [],
      (tell) => {
        tell.put('v1').startPut('v2').info()
        tell.get(['v2']).get(['v1'])
      },
    ],
    ['an empty answer after a delete passes', [], (tell) => tell.put('v1').delete('d1').get([])],
    ['a put over a delete passes', [], (tell) => tell.delete('d1').put('v1').get(['v1'])],
    ['a made-up value is for another judge', [], (tell) => tell.put('v1').get(['v9'])],
    ['an older put is caught', ['stale'], (tell) => tell.put('v1').put('v2').get(['v1'])],
    ['an empty answer without any delete is caught', ['stale'], (tell) => tell.put('v1').get([])],
    ['an empty answer after an older delete is caught', ['stale'], (tell) => tell.delete('d1').put('v1').get([])],
    ['an empty answer before a delete is caught', ['stale'], (tell) => tell.put('v1').get([]).delete('d1')],
  ],
  LWW,
)

caseTable('monotonic reads', checkMonotonic, [
  ['the same value twice passes', [], (tell) => tell.put('v1').get(['v1']).get(['v1'])],
  [
    'a value of unknown outcome once shown stays',
    [],
    (tell) => {
      tell.startPut('v1').info()
      tell.get([]).get(['v1']).get(['v1'])
    },
  ],
  [
    'a successor passes',
    [],
    (tell) =>
      tell
        .put('v1')
        .get(['v1'])
        .put('v2', { saw: ['v1'] })
        .get(['v2']),
  ],
  [
    'a delete of unknown outcome passes, and holds',
    [],
    (tell) => {
      tell
        .put('v1')
        .get(['v1'])
        .startDelete('d1', { saw: ['v1'] })
        .info()
      tell.get(['v1']).get([]).get([])
    },
  ],
  [
    'reads that overlap pass in either order',
    [],
    (tell) => {
      tell.startPut('v1').info()
      const late = tell.startGet()
      tell.get(['v1'])
      late.ok([])
      tell.get(['v1'])
    },
  ],
  [
    'a read that is not strict is not judged',
    'nothing',
    (tell) => {
      tell.startPut('v1').info()
      tell.get(['v1'], { strict: false }).get([])
    },
  ],
  [
    'a value that goes away is caught',
    ['backwards'],
    (tell) => {
      tell.startPut('v1').info()
      tell.get(['v1']).get([])
    },
  ],
  [
    'an old value after its successor was shown is caught',
    ['backwards'],
    (tell) => {
      tell
        .put('v1')
        .startPut('v2', { saw: ['v1'] })
        .info()
      tell.get(['v2']).get(['v1'])
    },
  ],
  [
    'an old value after its deleted successor was shown is caught',
    ['backwards'],
    (tell) => {
      tell.startPut('v1').info()
      tell.startPut('v2', { saw: ['v1'] }).info()
      tell.startDelete('d1', { saw: ['v2'] }).info()
      tell.get(['v2']).get(['v1'])
    },
  ],
  [
    'a sibling that goes away is caught',
    ['backwards'],
    (tell) => {
      tell.put('v1').startPut('v2').info()
      tell.get(['v1', 'v2']).get(['v1'])
    },
  ],
  [
    'a shown value that rises after a half-done delete is caught',
    ['risen'],
    (tell) => {
      tell
        .put('v1')
        .startDelete('d1', { saw: ['v1'] })
        .info()
      tell.get(['v1']).get([]).get(['v1'])
    },
  ],
  [
    'an acknowledged value that rises after a half-done delete is caught',
    ['risen'],
    (tell) => {
      tell
        .put('v1')
        .put('v2')
        .startDelete('d1', { saw: ['v1'] })
        .info()
      tell.get(['v2']).get(['v1', 'v2'])
    },
  ],
  [
    'a stale read is not held against those that come after it',
    [],
    (tell) => tell.put('v1').put('v2').get(['v1']).get(['v1', 'v2']),
  ],
])

caseTable(
  'monotonic reads, lww',
  checkMonotonic,
  [
    ['a newer value passes', [], (tell) => tell.put('v1').get(['v1']).put('v2').get(['v2'])],
    [
      'concurrent puts may win in either order',
      [],
      (tell) => {
        tell.startPut('v1').info()
        tell.startPut('v2').info()
        tell.get(['v2']).get(['v1'])
      },
    ],
    [
      'an older value is caught',
      ['backwards'],
      (tell) => {
        tell.put('v1').startPut('v2').info()
        tell.get(['v2']).get(['v1'])
      },
    ],
    [
      'nothing after something without a delete is caught',
      ['backwards'],
      (tell) => {
        tell.startPut('v1').info()
        tell.get(['v1']).get([])
      },
    ],
    [
      'concurrent puts that win by turns are caught',
      ['risen'],
      (tell) => {
        tell.startPut('v1').info()
        tell.startPut('v2').info()
        tell.get(['v1']).get(['v2']).get(['v1'])
      },
    ],
    [
      'a value that rises after a half-done delete is caught',
      ['risen'],
      (tell) => {
        tell.startDelete('d1').info()
        tell.startPut('v1').info()
        tell.get(['v1']).get([]).get(['v1'])
      },
    ],
  ],
  LWW,
)
