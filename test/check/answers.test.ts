/** Judges of single answers: nothing made up, nothing twice, nothing beside its own successor. */
import { checkNoDominated, checkNoInvented } from '../../src/check/index.ts'
import { caseTable } from './case-table.ts'

caseTable('no invented values', checkNoInvented, [
  ['a value that was put passes', [], (tell) => tell.put('v1').get(['v1']).final(['v1'])],
  [
    'a value whose put is under way passes',
    [],
    (tell) => {
      const put = tell.startPut('v1')
      tell.get(['v1'])
      put.ok()
    },
  ],
  [
    'a put of unknown outcome passes',
    [],
    (tell) => {
      tell.startPut('v1').info()
      tell.get(['v1'])
    },
  ],
  [
    'a put that began while the get was under way passes',
    [],
    (tell) => {
      const get = tell.startGet()
      tell.startPut('v1').info()
      get.ok(['v1'])
    },
  ],
  [
    'a put that failed once and was tried again passes',
    [],
    (tell) => {
      tell.startPut('v1').fail()
      tell.put('v1').get(['v1'])
    },
  ],
  ['an empty answer is nothing to judge', 'nothing', (tell) => tell.get([]).final([])],
  ['a value that nobody put is caught', ['invented'], (tell) => tell.put('v1').get(['v2'])],
  ['a value that nobody put is caught in a final', ['invented'], (tell) => tell.put('v1').final(['v1', 'v2'])],
  ['a value of another key is caught', ['invented'], (tell) => tell.put('v1', { key: 'y' }).get(['v1'])],
  [
    'a value of a put that failed is caught',
    ['invented', 'invented'],
    (tell) => {
      tell.startPut('v1').fail()
      tell.get(['v1']).final(['v1'])
    },
  ],
  ['a value shown before its put began is caught', ['invented'], (tell) => tell.get(['v1']).put('v1')],
  [
    'a value shown before the attempt that did not fail is caught',
    ['invented'],
    (tell) => {
      tell.startPut('v1').fail()
      tell.get(['v1']).put('v1')
    },
  ],
  [
    "a delete's name is caught",
    ['invented'],
    (tell) =>
      tell
        .put('v1')
        .delete('d1', { saw: ['v1'] })
        .get(['d1']),
  ],
])

caseTable('no dominated values', checkNoDominated, [
  ['siblings pass', [], (tell) => tell.put('v1').put('v2').get(['v1', 'v2'])],
  [
    'a successor beside a sibling passes',
    [],
    (tell) =>
      tell
        .put('v1')
        .put('v2')
        .put('v3', { saw: ['v1'] })
        .get(['v2', 'v3']),
  ],
  ['one value is nothing to judge', 'nothing', (tell) => tell.put('v1').get(['v1'])],
  [
    'a value beside its successor is caught',
    ['dominated'],
    (tell) =>
      tell
        .put('v1')
        .put('v2', { saw: ['v1'] })
        .get(['v1', 'v2']),
  ],
  [
    'a value beside the successor of its successor is caught',
    ['dominated'],
    (tell) =>
      tell
        .put('v1')
        .put('v2', { saw: ['v1'] })
        .put('v3', { saw: ['v2'] })
        .final(['v3', 'v1']),
  ],
  [
    'a value beside a successor of unknown outcome is caught',
    ['dominated'],
    (tell) => {
      tell
        .put('v1')
        .startPut('v2', { saw: ['v1'] })
        .info()
      tell.get(['v1', 'v2'])
    },
  ],
  [
    'a value beside the successor of the delete that saw it is caught',
    ['dominated'],
    (tell) =>
      tell
        .put('v1')
        .delete('d1', { saw: ['v1'] })
        .put('v2', { saw: ['d1'] })
        .get(['v1', 'v2']),
  ],
  ['a value shown twice is caught', ['twice'], (tell) => tell.put('v1').get(['v1', 'v1'])],
  [
    'a retry that became a second sibling is caught',
    ['twice'],
    (tell) => {
      tell.startPut('v1', { op: 'o1' }).info()
      tell.put('v1', { op: 'o1' }).final(['v1', 'v1'])
    },
  ],
])

caseTable(
  'no dominated values, lww',
  checkNoDominated,
  [
    ['one value passes', [], (tell) => tell.put('v1').get(['v1'])],
    ['two values are caught', ['many'], (tell) => tell.put('v1').put('v2').get(['v1', 'v2'])],
    ['two values are caught in a final', ['many'], (tell) => tell.put('v1').put('v2').final(['v1', 'v2'])],
    ['no value is nothing to judge', 'nothing', (tell) => tell.get([])],
  ],
  { conflicts: 'lww' },
)
