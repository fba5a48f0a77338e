/**
 * Two promises of speed that no other system is needed for, by processor time, which stands on a busy machine as well.
 */
import { predict, profiles } from '../../src/predict/index.ts'
import { play } from '../matrix/run.ts'
import { cellNamed } from '../matrix/selection.ts'
import { GOAL_COLUMNS, goalRow, type Section } from '../section.ts'
import { median } from '../statistics.ts'

const TRIALS = 1_000_000
const TRIALS_SECONDS_MAX = 2
const HISTORIES_MIN = 50
const HISTORIES = 40
const WARM = { quick: 50, full: 120 } as const

export function measureSpeed(quick: boolean): Section {
  const rounds = Array.from({ length: quick ? 2 : 5 }, (_, round) => round)
  const cell = cellNamed('n3-r2-w2/LAN/healthy/ycsb-a', [])
  // Until its code has been compiled.
  for (let seed = 1; seed <= WARM[quick ? 'quick' : 'full']; seed++) play(cell, seed)
  const perSecond = rounds.map((round) => {
    const seconds = cpuSeconds(() => {
      for (let seed = 1; seed <= HISTORIES; seed++) play(cell, round * HISTORIES + seed)
    })
    return HISTORIES / seconds
  })
  const latencies = profiles['LNKD-DISK']
  const trials = rounds.map((seed) => cpuSeconds(() => predict({ n: 3, r: 1, w: 1, latencies, trials: TRIALS, seed })))
  return {
    part: 'micro',
    title: 'Simulator and prediction, by processor time',
    columns: GOAL_COLUMNS,
    rows: [
      goalRow({
        name: 'histories of 400 operations for a second of one core',
        measured: median(perSecond).toFixed(0),
        against: String(HISTORIES_MIN),
        goal: { ratio: median(perSecond) / HISTORIES_MIN, relation: 'at least', bound: 1 },
        figures: { historiesPerSecond: perSecond },
      }),
      goalRow({
        name: 'a million WARS trials of one cell, N = 3',
        measured: `${median(trials).toFixed(2)} s`,
        against: `${TRIALS_SECONDS_MAX} s`,
        goal: { ratio: median(trials) / TRIALS_SECONDS_MAX, relation: 'at most', bound: 1 },
        figures: { seconds: trials },
      }),
    ],
    notes: [],
  }
}

function cpuSeconds(run: () => void): number {
  const before = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}
