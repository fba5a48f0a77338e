/**
 * The simulator and the judges: how many whole histories there are in a second.
 */
import { HistoryIndex } from '../../src/check/history-index.ts'
import { checkApHistory } from '../../src/check/ap-history.ts'
import { measureStaleness } from '../../src/check/staleness.ts'
import { simulate } from '../../src/sim/index.ts'
import { play } from '../matrix/run.ts'
import { cellNamed } from '../matrix/selection.ts'
import type { Task } from './tasks.ts'

const CELL = cellNamed('n3-r2-w2/LAN/healthy/ycsb-a', [])
const { history } = play(CELL, 1)

let seed = 0

export const simulationTasks: readonly Task[] = [
  { name: 'a history of 400 operations, nothing wrong', run: () => play(CELL, ++seed), runs: 1 },
  { name: 'a history of `quorate sim`, with its faults', run: () => simulate({ seed: ++seed % 50 }), runs: 1 },
  {
    name: 'staleness of 400 operations',
    run: () => measureStaleness(new HistoryIndex(history, { conflicts: 'lww' })),
    runs: 1,
  },
  { name: 'all judges of AP keys, 400 operations', run: () => checkApHistory(history, { conflicts: 'lww' }), runs: 1 },
]
