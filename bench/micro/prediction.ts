/**
 * Prediction: what a trial costs, and the drawing of random delays that it mostly consists of.
 */
import { LatencySamples, predict, profiles, Trials } from '../../src/predict/index.ts'
import type { Task } from './tasks.ts'

const TRIALS = 10_000
const latencies = profiles['LNKD-DISK']
const LEFT = new Trials({ n: 3, latencies, trials: TRIALS })
LEFT.advance(TRIALS)

const samples = new LatencySamples({ replicas: 3 })
for (let at = 0; at < 1024; at++) {
  samples.wrote(0, { roundTripMs: 1 + (at % 7) })
  samples.read(0, { roundTripMs: 1 + (at % 5) })
}

export const predictionTasks: readonly Task[] = [
  { name: '10,000 trials, n = 3', run: () => predict({ n: 3, r: 1, w: 1, latencies, trials: TRIALS }), runs: 1 },
  { name: '10,000 trials, n = 5', run: () => predict({ n: 5, r: 1, w: 1, latencies, trials: TRIALS }), runs: 1 },
  { name: '10,000 trials, n = 3, all r and w', run: () => all(), runs: 1 },
  { name: 'a cell of 10,000 trials that are done', run: () => LEFT.cell({ r: 1, w: 1 }).tVisibility(0.999), runs: 1 },
  { name: 'keep one measured round trip', run: () => samples.wrote(1, { roundTripMs: 1.5 }) },
  { name: 'split 2,048 round trips into legs', run: () => samples.legs(0), runs: 1 },
]

function all(): Trials {
  const trials = new Trials({ n: 3, latencies, trials: TRIALS })
  trials.advance(TRIALS)
  return trials
}
