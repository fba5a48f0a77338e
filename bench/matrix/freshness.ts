/**
 * P(fresh after t) in virtual time: a write of a new key, and reads that begin exactly t after its acknowledgement,
 * through other coordinators, again and again.
 *
 * Nothing but the legs of a profile is random: no repair, no exchanges, last writer wins, so that a write goes to all
 * replicas at once and a read to the nearest, as the WARS model with `reads: 'quorum'` has it.
 */
import type { Random } from '../../src/core/base/random.ts'
import type { GetResult } from '../../src/core/operation/get.ts'
import type { Host } from '../../src/sim/host.ts'
import { isResult } from '../../src/sim/caller.ts'
import { Lab } from './lab.ts'
import type { Profile } from './profiles.ts'
import { SITUATIONS, type Situation } from './situations.ts'

export interface LegTrials {
  readonly profile: Profile
  readonly r: number
  readonly w: number
  readonly trials: number
  /** Milliseconds after the acknowledgement at which reads begin, rising. */
  readonly tsMs: readonly number[]
  readonly seed: number
}

export interface Freshness {
  /** The share of fresh reads for each t. */
  readonly fresh: readonly number[]
  /** Sorted; milliseconds. */
  readonly writeMs: readonly number[]
  readonly readMs: readonly number[]
}

/** Trials under way at a time: enough to be quick, too few to be in each other's way, which they are not here anyway. */
const BATCH = 50
const PAUSE_MS = 50
const TIMEOUT_MS = 60_000
const HEALTHY = SITUATIONS[0] as Situation

export function legTrials({ profile, r, w, trials, tsMs, seed }: LegTrials): Freshness {
  const keyspace = { mode: 'ap', n: 3, r, w, conflicts: 'lww', repair: 'off' } as const
  const setting = { name: 'trials', about: '', replicas: 3, keyspace, exchanges: false, promises: [] } as const
  const lab = new Lab({ setting, profile, situation: HEALTHY, seed, keys: [] })
  lab.open()
  const random = lab.random.fork()
  const fresh = tsMs.map(() => 0)
  const writeMs: number[] = []
  const readMs: number[] = []
  const under = { way: 0 }
  const trial = (key: string): void => {
    under.way++
    const startUs = lab.simulator.nowUs
    write(lab, pickHost(lab, random), key, () => {
      writeMs.push((lab.simulator.nowUs - startUs) / 1000)
      tsMs.forEach((tMs, at) => {
        lab.simulator.after(tMs, () => {
          const readUs = lab.simulator.nowUs
          read(pickHost(lab, random), key, (found) => {
            readMs.push((lab.simulator.nowUs - readUs) / 1000)
            if (found) fresh[at] = (fresh[at] as number) + 1
            under.way--
          })
        })
      })
      under.way += tsMs.length - 1
    })
  }
  for (let from = 0; from < trials; from += BATCH) {
    for (let index = from; index < Math.min(trials, from + BATCH); index++) trial(`t${index}`)
    while (under.way > 0) lab.simulator.runFor(PAUSE_MS)
  }
  const rising = (values: number[]): number[] => values.toSorted((a, b) => a - b)
  return { fresh: fresh.map((count) => count / trials), writeMs: rising(writeMs), readMs: rising(readMs) }
}

function pickHost(lab: Lab, random: Random): Host {
  return random.pick(lab.clientHosts)
}

function write(lab: Lab, host: Host, key: string, done: () => void): void {
  const value = lab.around.texts.bytesOf('v')
  host.ask(
    ({ keyspace, tag }) => {
      const none = { level: undefined, context: undefined, operation: undefined }
      return { kind: 'put', tag, keyspace, key, value, timeoutMs: TIMEOUT_MS, ...none }
    },
    (result) => {
      if (!isResult(result)) throw new Error('a write of a trial failed')
      done()
    },
  )
}

function read(host: Host, key: string, done: (found: boolean) => void): void {
  host.ask(
    ({ keyspace, tag }) => {
      const none = { level: undefined, repair: undefined, atLeast: undefined }
      return { kind: 'get', tag, keyspace, key, timeoutMs: TIMEOUT_MS, ...none }
    },
    (result) => {
      if (!isResult(result)) throw new Error('a read of a trial failed')
      done((result as GetResult).record !== undefined)
    },
  )
}
