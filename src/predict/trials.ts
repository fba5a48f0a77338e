/**
 * WARS, the Monte Carlo model of staleness and latency in a store that asks all replicas and takes the first answers
 * (Bailis et al. 2012, section 4.1, with the evaluation of section 5).
 *
 * A trial is a write and, some time t after its acknowledgement, a read. For each replica i four delays are drawn: W and
 * A for the write's request and acknowledgement, R and S for the read's request and answer. The write ends at the w-th
 * smallest W + A; the read takes the r replicas with the smallest R + S. It is fresh if one of them was reached by the
 * write before it was reached by the read: W[i] <= writeMs + t + R[i]. So for each trial there is one moment from which
 * on it is fresh,
 *
 *     freshAfterMs = max(0, min over the r replicas of (W[i] - R[i]) - writeMs),
 *
 * and P(fresh after t) is the share of trials in which it is at most t. The minimum depends on r alone and the end of
 * the write on w alone, so one set of draws serves every pair of them, and differences between pairs are no noise.
 *
 * Where all replicas are alike, the answers of a trial could as well have come from others. So each trial is looked at
 * three times, with its reads moved on by one replica, and by two: which replica happens to answer first then matters
 * less to what is rare, and costs no further draw.
 *
 * Two options depart from the paper, because this store does: `reads: 'quorum'` and `writes: 'home'`.
 */
import { invalid, QuorateError } from '../core/base/errors.ts'
import { Random } from '../core/base/random.ts'
import { Arrivals, Leg } from './arrivals.ts'
import { legsOf, type Latencies, type ReplicaLatencies } from './latencies.ts'
import { Prediction } from './prediction.ts'
import { BLOCK_MAX, Uniforms } from './uniforms.ts'

/** As many replicas as a keyspace can have. */
const REPLICAS_MAX = 31
const TRIALS_MAX = 10_000_000
const TRIALS = 100_000
const SEED = 1
/** How often one trial's reads are paired with its writes, where replicas are alike. */
const PAIRINGS_MAX = 3
/** What is kept of all trials together, in numbers of 8 bytes: half a gigabyte. */
const NUMBERS_MAX = 2 ** 26

export interface TrialsOptions {
  /** How many replicas have the key: 1 to 31. */
  readonly n: number
  /** How long messages take: to all replicas alike, or an entry for each. */
  readonly latencies: Latencies | readonly ReplicaLatencies[]
  /**
   * `all` by default, as in the paper: a read asks every replica and takes the first r answers. `quorum`: it asks r
   * replicas and waits for them, as this store does while nothing is late: the first r of the list of latencies, so
   * the nearest should stand first; with `remoteMs` the reader's own and the next ones.
   */
  readonly reads?: 'all' | 'quorum'
  /**
   * `all` by default, as in the paper: a write goes to every replica at once. `home`: it goes to one replica first, and
   * to the others once that one has acknowledged, as siblings do in this store: the first of the list of latencies, or
   * with `remoteMs` the writer's own.
   */
  readonly writes?: 'all' | 'home'
  /** 100,000 by default, at most ten million. The 99.9th percentile is steady within a few percent from a million on. */
  readonly trials?: number
  /** 1 by default. The same seed gives the same prediction. */
  readonly seed?: number
  /** Which r will be asked about; each from 1 to n if left out. Fewer take less memory. */
  readonly rs?: readonly number[]
  /** Which w will be asked about; each from 1 to n if left out. */
  readonly ws?: readonly number[]
}

/** What one r says about every trial: how long the read takes, and how far the write may lag behind it. */
interface Reads {
  readonly r: number
  readonly ms: Float64Array
  /** The least W - R among the replicas that answer: of all trials, once for each pairing. */
  readonly lagMs: Float64Array
}

/** How long the write takes in every trial with one w. */
interface Writes {
  readonly w: number
  readonly ms: Float64Array
}

/** One cluster's trials, run in steps, and read when they are done. */
export class Trials {
  readonly n: number
  readonly trials: number
  readonly seed: number
  #done = 0
  readonly #remoteMs: number
  readonly #legs: readonly Leg[]
  readonly #viaHome: boolean
  readonly #blockSize: number
  readonly #pairings: number
  readonly #origins: Random
  readonly #arrivals: Arrivals
  readonly #reads: readonly Reads[]
  readonly #writes: readonly Writes[]
  readonly #sorted = new Map<Float64Array, Float64Array>()

  /** @throws QuorateError `QUORATE_INVALID_OPTION`; `QUORATE_LIMIT` for more than memory should hold. */
  constructor(options: TrialsOptions) {
    const { n, latencies, trials = TRIALS, seed = SEED } = options
    this.n = whole(n, { name: 'n', max: REPLICAS_MAX })
    this.trials = whole(trials, { name: 'trials', max: TRIALS_MAX })
    if (!Number.isFinite(seed)) throw invalid(`seed is ${String(seed)}: use a finite number`)
    this.seed = seed
    const { replicas, remoteMs } = legsOf(latencies, n)
    const rs = chosen(options.rs, { name: 'r', n })
    const ws = chosen(options.ws, { name: 'w', n })
    this.#viaHome = oneOf(options.writes ?? 'all', { name: 'writes', words: ['all', 'home'] }) === 'home'
    const inQuorum = oneOf(options.reads ?? 'all', { name: 'reads', words: ['all', 'quorum'] }) === 'quorum'
    this.#pairings = Array.isArray(latencies) || inQuorum ? 1 : Math.min(n, PAIRINGS_MAX)
    const numbers = ((1 + this.#pairings) * rs.length + ws.length) * trials
    if (numbers > NUMBERS_MAX) {
      throw new QuorateError('QUORATE_LIMIT', `${trials} trials for ${rs.length} r and ${ws.length} w: use fewer`)
    }
    this.#remoteMs = remoteMs
    const random = new Random(seed)
    this.#origins = random.fork()
    const size = Math.min(BLOCK_MAX, trials)
    this.#blockSize = size
    this.#legs = (['w', 'a', 'r', 's'] as const).map((leg) => {
      return new Leg(
        replicas.map((one) => one[leg]),
        { size, uniforms: new Uniforms(random.fork()) },
      )
    })
    this.#arrivals = new Arrivals({ n, inQuorum })
    this.#reads = rs.map((r) => ({ r, ms: new Float64Array(trials), lagMs: new Float64Array(trials * this.#pairings) }))
    this.#writes = ws.map((w) => ({ w, ms: new Float64Array(trials) }))
  }

  /** How many have been run. */
  get done(): number {
    return this.#done
  }

  /** Runs at least so many more, unless that is all of them. How they are cut into steps does not change the result. */
  advance(count: number): void {
    const end = Math.min(this.trials, this.#done + count)
    while (this.#done < end) this.#block()
  }

  /**
   * What these trials say about one pair, once all have been run.
   *
   * @throws QuorateError `QUORATE_INVALID_OPTION` for a pair that was not asked for.
   */
  cell({ r, w }: { readonly r: number; readonly w: number }): Prediction {
    const reads = this.#reads.find((known) => known.r === r)
    const writes = this.#writes.find((known) => known.w === w)
    if (reads === undefined) throw invalid(`r is ${String(r)}: use ${this.#reads.map((known) => known.r).join(', ')}`)
    if (writes === undefined) throw invalid(`w is ${String(w)}: use ${this.#writes.map((known) => known.w).join(', ')}`)
    this.advance(this.trials)
    const { n, trials, seed } = this
    const freshAfterMs = lateOnes(reads.lagMs, writes.ms)
    const pairings = this.#pairings
    const sorted = { readMs: () => this.#inOrder(reads.ms), writeMs: () => this.#inOrder(writes.ms), freshAfterMs }
    return new Prediction({ n, r, w, trials, seed, pairings, sorted })
  }

  #inOrder(column: Float64Array): Float64Array {
    const known = this.#sorted.get(column)
    if (known !== undefined) return known
    const sorted = column.toSorted()
    this.#sorted.set(column, sorted)
    return sorted
  }

  #block(): void {
    for (const leg of this.#legs) leg.draw()
    const count = Math.min(this.#blockSize, this.trials - this.#done)
    for (let at = 0; at < count; at++) {
      this.#trial(at)
      this.#keep(this.#done + at)
    }
    this.#done += count
  }

  /** Notes when the messages of one trial of the block arrive. */
  #trial(at: number): void {
    const { n } = this
    const [w, a, r, s] = this.#legs as [Leg, Leg, Leg, Leg]
    const arrivals = this.#arrivals
    const remoteMs = this.#remoteMs
    const size = this.#blockSize
    const writer = remoteMs > 0 ? this.#origins.below(n) : 0
    const reader = remoteMs > 0 ? this.#origins.below(n) : 0
    const atHome = writer * size + at
    const homeMs = this.#viaHome ? (w.delays[atHome] as number) + (a.delays[atHome] as number) : 0
    arrivals.clear()
    for (let step = 0; step < n; step++) {
      // From the reader's own on: the order in which a read asks, if it does not ask all.
      const replica = reader + step < n ? reader + step : reader + step - n
      const place = replica * size + at
      const sentMs = replica === writer ? 0 : homeMs + remoteMs
      const ackMs = (a.delays[place] as number) + (replica === writer ? 0 : remoteMs)
      const extraMs = replica === reader ? 0 : remoteMs
      const askedMs = (r.delays[place] as number) + extraMs
      arrivals.write(replica, { reachedMs: (w.delays[place] as number) + sentMs, ackMs })
      arrivals.read(replica, { askedMs, answerMs: (s.delays[place] as number) + extraMs })
    }
  }

  #keep(trial: number): void {
    const { ackedMs, answeredMs, leastLagMs } = this.#arrivals
    for (const { w, ms } of this.#writes) ms[trial] = ackedMs[w - 1] as number
    for (const { r, ms } of this.#reads) ms[trial] = answeredMs[r - 1] as number
    for (let pairing = 0; pairing < this.#pairings; pairing++) {
      this.#arrivals.pair(pairing)
      for (const { r, lagMs } of this.#reads) lagMs[pairing * this.trials + trial] = leastLagMs[r - 1] as number
    }
  }
}

/** How long after the write reads turn fresh, sorted, where they are not fresh at once. */
function lateOnes(lagMs: Float64Array, writeMs: Float64Array): Float64Array {
  const late = new Float64Array(lagMs.length)
  let count = 0
  for (let start = 0; start < lagMs.length; start += writeMs.length) {
    for (let trial = 0; trial < writeMs.length; trial++) {
      const after = (lagMs[start + trial] as number) - (writeMs[trial] as number)
      if (after > 0) late[count++] = after
    }
  }
  return late.subarray(0, count).toSorted()
}

function whole(value: number, { name, max }: { readonly name: string; readonly max: number }): number {
  if (Number.isInteger(value) && value >= 1 && value <= max) return value
  throw invalid(`${name} is ${String(value)}: use a whole number from 1 to ${max}`)
}

function chosen(
  given: readonly number[] | undefined,
  { name, n }: { readonly name: string; readonly n: number },
): number[] {
  const all = given ?? Array.from({ length: n }, (_, index) => index + 1)
  return [...new Set(all.map((value) => whole(value, { name, max: n })))]
}

function oneOf<Word extends string>(
  value: Word,
  { name, words }: { readonly name: string; readonly words: readonly Word[] },
): Word {
  if (words.includes(value)) return value
  throw invalid(`${name} is ${JSON.stringify(value)}: use ${words.join(' or ')}`)
}
