/**
 * What the runs of one cell showed together, and which guarantees broke in them, each with the first seed that shows it.
 */
import { LatencyRecorder } from '../latency-recorder.ts'
import { measure, type Linearizability, type Seen } from './measure.ts'
import type { Cell, Observed } from './run.ts'
import type { Guarantee } from './settings.ts'

export interface LatencySummary {
  readonly samples: number
  readonly p50Us: number
  readonly p99Us: number
  readonly p999Us: number
}

/** One stretch of time, counted from when clients began. */
export interface TimeSlice {
  readonly atMs: number
  readonly ok: number
  readonly failed: number
  readonly reads: number
  readonly stale: number
  readonly p99Us: number
}

export interface AgeSlice {
  /** At most so long after the latest acknowledged write of the key. */
  readonly ageMs: number
  readonly reads: number
  readonly stale: number
}

export interface Breach {
  readonly guarantee: Guarantee
  /** The first run that shows it. */
  readonly seed: number
  readonly runs: number
  /** Whether the store had promised it. */
  readonly promised: boolean
}

export interface CellResult {
  readonly setting: string
  readonly profile: string
  readonly situation: string
  readonly workload: string
  readonly runs: number
  readonly firstSeed: number
  readonly calls: number
  readonly conflicts: number
  readonly unavailableShare: number
  readonly all: LatencySummary
  readonly read: LatencySummary
  readonly write: LatencySummary
  readonly readsChecked: number
  readonly staleShare: number
  /** Versions that stale reads were behind. */
  readonly versionsBehindMean: number
  readonly versionsBehindMax: number
  readonly behindP50Ms: number
  readonly behindMaxMs: number
  readonly nonMonotonicShare: number
  readonly ownMissedShare: number
  readonly acknowledged: number
  readonly lostShare: number
  readonly overwrittenShare: number
  readonly siblingReadShare: number
  readonly siblingsMax: number
  readonly linearizable: Linearizability
  /** From healing until the last call failed or the last read missed what was acknowledged before; the median run. */
  readonly recoveryMs: number | undefined
  readonly breaches: readonly Breach[]
  /** Latencies of all calls by rising share. */
  readonly distribution: readonly { readonly share: number; readonly us: number }[]
  readonly byAge: readonly AgeSlice[]
  readonly byTime: readonly TimeSlice[]
}

const SLICE_MS = 250
const AGES_MS = Array.from({ length: 26 }, (_, step) => 0.1 * 10 ** (step / 5))
const SHARES = Array.from({ length: 49 }, (_, step) => 1 - 10 ** (-step / 14))
/** Runs whose histories are searched for an order; until one has none. */
const SEARCHED = 8

export class Tally {
  readonly #cell: Cell
  readonly #firstSeed: number
  #runs = 0
  readonly #latencies = { read: new LatencyRecorder(), write: new LatencyRecorder() }
  readonly #behind = new LatencyRecorder()
  readonly #sums = {
    calls: 0,
    failed: 0,
    conflicts: 0,
    reads: 0,
    stale: 0,
    versions: 0,
    backwards: 0,
    ownMissed: 0,
    sessionReads: 0,
    acknowledged: 0,
    lost: 0,
    overwritten: 0,
    siblingReads: 0,
  }
  #versionsMax = 0
  #siblingsMax = 0
  #linearizable: Linearizability = 'undecided'
  #searched = 0
  readonly #recoveriesMs: number[] = []
  readonly #breaches = new Map<Guarantee, { readonly seed: number; runs: number }>()
  readonly #ages = AGES_MS.map((ageMs) => ({ ageMs, reads: 0, stale: 0 }))
  readonly #times = new Map<
    number,
    { ok: number; failed: number; reads: number; stale: number; took: LatencyRecorder }
  >()

  constructor(cell: Cell, firstSeed: number) {
    this.#cell = cell
    this.#firstSeed = firstSeed
  }

  add(seed: number, observed: Observed): Seen {
    const informed = this.#cell.workload.mix.some(([kind]) => kind === 'modify')
    const linearizability = this.#searched < SEARCHED && this.#linearizable !== 'no'
    const seen = measure(observed, { informed, linearizability })
    this.#runs++
    this.#addCalls(seen, observed)
    this.#addReads(seen, observed)
    const sums = this.#sums
    for (const field of ['backwards', 'ownMissed', 'sessionReads', 'acknowledged', 'lost', 'overwritten'] as const) {
      sums[field] += seen[field]
    }
    sums.siblingReads += seen.siblingReads
    this.#siblingsMax = Math.max(this.#siblingsMax, seen.siblingsMax)
    if (seen.linearizable !== undefined) {
      this.#searched++
      if (this.#searched === 1 || seen.linearizable !== 'yes') this.#linearizable = seen.linearizable
    }
    if (observed.healedNs !== undefined) this.#recoveriesMs.push(recoveryMs(seen, observed.healedNs))
    for (const guarantee of brokenIn(seen)) this.#break(guarantee, seed)
    return seen
  }

  result(): CellResult {
    const { setting, profile, situation, workload } = this.#cell
    const { read, write } = this.#latencies
    const sums = this.#sums
    const all = new LatencyRecorder()
    all.add(read)
    all.add(write)
    return {
      setting: setting.name,
      profile: profile.name,
      situation: situation.name,
      workload: workload.name,
      runs: this.#runs,
      firstSeed: this.#firstSeed,
      calls: sums.calls,
      conflicts: sums.conflicts,
      unavailableShare: share(sums.failed, sums.calls),
      all: summaryOf(all),
      read: summaryOf(read),
      write: summaryOf(write),
      readsChecked: sums.reads,
      staleShare: share(sums.stale, sums.reads),
      versionsBehindMean: share(sums.versions, sums.stale),
      versionsBehindMax: this.#versionsMax,
      behindP50Ms: this.#behind.samples === 0 ? 0 : this.#behind.quantileUs(0.5) / 1000,
      behindMaxMs: this.#behind.summary().maxUs / 1000,
      nonMonotonicShare: share(sums.backwards, sums.sessionReads),
      ownMissedShare: share(sums.ownMissed, sums.sessionReads),
      acknowledged: sums.acknowledged,
      lostShare: share(sums.lost, sums.acknowledged),
      overwrittenShare: share(sums.overwritten, sums.acknowledged),
      siblingReadShare: share(sums.siblingReads, sums.reads),
      siblingsMax: this.#siblingsMax,
      linearizable: this.#linearizable,
      recoveryMs: medianOf(this.#recoveriesMs),
      breaches: [...this.#breaches].map(([guarantee, found]) => {
        return { guarantee, ...found, promised: this.#isPromised(guarantee) }
      }),
      distribution: all.samples === 0 ? [] : SHARES.map((at) => ({ share: at, us: all.quantileUs(at) })),
      byAge: this.#ages.filter(({ reads }) => reads > 0),
      byTime: [...this.#times]
        .toSorted(([a], [b]) => a - b)
        .map(([slice, { took, ...counts }]) => ({
          atMs: slice * SLICE_MS,
          ...counts,
          p99Us: took.quantileUs(0.99) || 0,
        })),
    }
  }

  #addCalls({ calls }: Seen, { startNs }: Observed): void {
    for (const { isRead, startNs: atNs, tookNs, end } of calls) {
      this.#sums.calls++
      const slice = this.#sliceAt((atNs - startNs) / 1e6)
      if (end === 'failed') {
        this.#sums.failed++
        slice.failed++
        continue
      }
      slice.ok++
      if (end === 'conflict') this.#sums.conflicts++
      this.#latencies[isRead ? 'read' : 'write'].record(tookNs / 1000)
      slice.took.record(tookNs / 1000)
    }
  }

  #addReads({ reads }: Seen, { startNs, endNs }: Observed): void {
    for (const { startNs: atNs, versionsBehind, behindNs, ageNs } of reads) {
      if (atNs < startNs || atNs >= endNs) continue
      const isStale = versionsBehind > 0
      const slice = this.#sliceAt((atNs - startNs) / 1e6)
      const age = this.#ages.find(({ ageMs }) => ageNs / 1e6 <= ageMs) ?? this.#ages.at(-1)
      this.#sums.reads++
      slice.reads++
      if (age !== undefined) age.reads++
      if (!isStale) continue
      this.#sums.stale++
      slice.stale++
      if (age !== undefined) age.stale++
      this.#sums.versions += versionsBehind
      this.#versionsMax = Math.max(this.#versionsMax, versionsBehind)
      this.#behind.record(behindNs / 1000)
    }
  }

  #sliceAt(ms: number): { ok: number; failed: number; reads: number; stale: number; took: LatencyRecorder } {
    const at = Math.floor(ms / SLICE_MS)
    let slice = this.#times.get(at)
    if (slice === undefined) {
      slice = { ok: 0, failed: 0, reads: 0, stale: 0, took: new LatencyRecorder() }
      this.#times.set(at, slice)
    }
    return slice
  }

  #break(guarantee: Guarantee, seed: number): void {
    const known = this.#breaches.get(guarantee)
    if (known === undefined) this.#breaches.set(guarantee, { seed, runs: 1 })
    else known.runs++
  }

  #isPromised(guarantee: Guarantee): boolean {
    const { setting, workload } = this.#cell
    // Two scans are not monotonic, whatever the level: what the one repaired the other did not.
    const isScanned = workload.mix.some(([kind]) => kind === 'scan')
    return setting.promises.includes(guarantee) && !(isScanned && guarantee === 'monotonic reads')
  }
}

/** Which guarantees a run broke. */
export function brokenIn(seen: Seen): Guarantee[] {
  const broken: [Guarantee, boolean][] = [
    ['fresh reads', seen.reads.some(({ versionsBehind }) => versionsBehind > 0)],
    ['monotonic reads', seen.backwards > 0],
    ['own writes seen', seen.ownMissed > 0],
    ['acknowledged writes kept', seen.lost > 0],
    ['concurrent writes kept', seen.overwritten > 0],
    ['linearizable', seen.linearizable === 'no' || seen.linearizable === 'siblings'],
    ['every call answered', seen.calls.some(({ end }) => end === 'failed')],
  ]
  return broken.flatMap(([guarantee, isBroken]) => (isBroken ? [guarantee] : []))
}

/** What was acknowledged before healing and is missed after it is a trace of the partition; what is newer is not. */
function recoveryMs({ calls, reads }: Seen, healedNs: number): number {
  let lastNs = healedNs
  for (const { startNs, tookNs, end } of calls) {
    if (end === 'failed' && startNs + tookNs > healedNs) lastNs = Math.max(lastNs, startNs + tookNs)
  }
  for (const { startNs, versionsBehind, missedAckNs } of reads) {
    if (versionsBehind > 0 && startNs > healedNs && missedAckNs < healedNs) lastNs = Math.max(lastNs, startNs)
  }
  return (lastNs - healedNs) / 1e6
}

function share(some: number, all: number): number {
  return all === 0 ? 0 : some / all
}

function medianOf(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[values.length >> 1]
}

function summaryOf(recorder: LatencyRecorder): LatencySummary {
  const at = (wanted: number): number => (recorder.samples === 0 ? 0 : recorder.quantileUs(wanted))
  return { samples: recorder.samples, p50Us: at(0.5), p99Us: at(0.99), p999Us: at(0.999) }
}
