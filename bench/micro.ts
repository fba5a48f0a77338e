/**
 * The pieces that every call is made of, one at a time, in nanoseconds.
 *
 * A task is run many times inside each sample, because one run is shorter than the clock can tell.
 */
import { Bench } from 'tinybench'
import { causalityTasks } from './micro/causality.ts'
import { codecTasks } from './micro/codec.ts'
import { machineTasks } from './micro/machines.ts'
import { predictionTasks } from './micro/prediction.ts'
import { quorumTasks } from './micro/quorum.ts'
import { simulationTasks } from './micro/simulation.ts'
import { measureSpeed } from './micro/speed.ts'
import { storageTasks } from './micro/storage.ts'
import { strategyTasks } from './micro/strategy.ts'
import type { Task } from './micro/tasks.ts'
import type { Part, Row, Section } from './section.ts'

const RUNS_PER_SAMPLE = 200

const GROUPS: Readonly<Record<string, readonly Task[]>> = {
  'Codec, per message': codecTasks,
  Causality: causalityTasks,
  'Quorums and placement': quorumTasks,
  'Quorum strategies': strategyTasks,
  Prediction: predictionTasks,
  'Machines, per call': machineTasks,
  'Storage in memory, round trips': storageTasks,
  'Simulator and judges': simulationTasks,
}

export const micro: Part = {
  name: 'micro',
  about: 'codec, causality, quorums, machines, storage, prediction and simulator, piece by piece',
  run: async ({ quick }, progress) => {
    progress.part('micro', Object.keys(GROUPS).length)
    const sections: Section[] = []
    for (const [title, tasks] of Object.entries(GROUPS)) {
      progress.step(title)
      const rows = await measure(tasks, quick ? 30 : 250)
      sections.push({ part: 'micro', title, columns: ['', 'median', 'fastest', 'margin'], rows, notes: [] })
    }
    sections.push(measureSpeed(quick))
    return sections
  },
}

/** What the tasks gave last, kept so that their work cannot be dropped. */
const sink: { last: unknown } = { last: undefined }

async function measure(tasks: readonly Task[], timeMs: number): Promise<Row[]> {
  const least = { iterations: 12, warmupIterations: 3 }
  const bench = new Bench({ ...least, time: timeMs, warmupTime: timeMs / 2, throws: true })
  for (const { name, run, runs = RUNS_PER_SAMPLE } of tasks) {
    bench.add(name, () => {
      for (let i = 0; i < runs; i++) sink.last = run()
    })
  }
  await bench.run()
  return bench.tasks.map(({ name, result }, index) => {
    if (result.state !== 'completed') throw new Error(`${name} did not run: ${result.state}`)
    const { latency } = result
    const perRun = (ms: number): number => (ms * 1e6) / (tasks[index]?.runs ?? RUNS_PER_SAMPLE)
    const figures = {
      nsMedian: perRun(latency.p50),
      nsFastest: perRun(latency.min),
      nsP99: perRun(latency.p99),
      nsMean: perRun(latency.mean),
      marginPercent: latency.rme,
      samples: latency.samplesCount,
    }
    const cells = [nanoseconds(figures.nsMedian), nanoseconds(figures.nsFastest), `± ${latency.rme.toFixed(1)} %`]
    return { name, cells, figures }
  })
}

function nanoseconds(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} ms`
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ns`
}
