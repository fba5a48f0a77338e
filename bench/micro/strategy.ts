/**
 * The analysis of quorum systems: seldom run, but a person waits for it.
 */
import { grid, majority } from '../../src/quorum/index.ts'
import type { Task } from './tasks.ts'

const GRID = grid([
  ['a', 'b', 'c'],
  ['d', 'e', 'f'],
  ['g', 'h', 'i'],
])
const NINE = majority(9)

export const strategyTasks: readonly Task[] = [
  { name: 'strategy of a 3 × 3 grid', run: () => GRID.strategy({ readFraction: 0.9 }), runs: 1 },
  { name: 'strategy of a majority of nine', run: () => NINE.strategy({ readFraction: 0.9 }), runs: 1 },
]
