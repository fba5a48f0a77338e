/**
 * Measures how long each replica takes to answer a write and a read, for predictions from what a cluster does
 * (`LatencySamples`), at a cost that calls do not notice: a few of them are watched, the others pass.
 *
 * A call ends at its quorum, and the answers that come later are nobody's. Counting only those before it would leave out
 * the slow ones, on which staleness rests, so a watched call is watched until all that were asked at its beginning have
 * answered, or for as long as a call may take.
 * Ring: decisions.
 */
import { LatencySamples } from '../base/latency-samples.ts'
import type { Answer, LocalAnswer } from '../message.ts'

/** Calls that are watched at a time. A prime, so that ids in any even steps use all places. */
const PLACES = 61
/** One call in so many is watched, once there are samples enough to begin with. */
const STRIDE = 16
const ALL_AT_FIRST = 256
/** After it a call that not all have answered makes room. */
const PATIENCE_MS = 5_000

/** A call that has just asked. */
export interface Asking {
  readonly id: number
  readonly list: { readonly replicas: readonly number[] }
  /** Positions in the list. */
  readonly asked: number
}

export class RoundTrips {
  readonly samples: LatencySamples
  readonly #ids = new Float64Array(PLACES)
  readonly #beganAtMs = new Float64Array(PLACES).fill(-Infinity)
  readonly #waiting = new Int32Array(PLACES)
  readonly #lists: (readonly number[])[] = Array.from({ length: PLACES }, () => [])
  #calls = 0

  constructor(replicas: number) {
    this.samples = new LatencySamples({ replicas })
  }

  /** A put or a get has asked its first replicas. */
  began({ id, list, asked }: Asking, nowMs: number): void {
    if (++this.#calls > ALL_AT_FIRST && this.#calls % STRIDE !== 0) return
    const place = placeOf(id)
    const isFree = this.#waiting[place] === 0 || nowMs - (this.#beganAtMs[place] as number) > PATIENCE_MS
    if (!isFree) return
    this.#ids[place] = id
    this.#beganAtMs[place] = nowMs
    this.#waiting[place] = asked
    this.#lists[place] = list.replicas
  }

  /** An answer came, whether or not its call is over. */
  answered(answer: Exclude<Answer | LocalAnswer, { kind: 'pong' }>, from: number, nowMs: number): void {
    const place = placeOf(answer.id)
    if (this.#ids[place] !== answer.id) return
    const { kind } = answer
    const isRead = kind === 'read-answer'
    if (!isRead && kind !== 'written' && kind !== 'minted') return
    const bit = 1 << (this.#lists[place] as readonly number[]).indexOf(from)
    if (((this.#waiting[place] as number) & bit) === 0) return
    this.#waiting[place] = (this.#waiting[place] as number) & ~bit
    const sample = { roundTripMs: nowMs - (this.#beganAtMs[place] as number) }
    if (isRead) this.samples.read(from, sample)
    else this.samples.wrote(from, sample)
  }

  /** A replica answered a ping. */
  ponged(replica: number, roundTripMs: number): void {
    this.samples.pinged(replica, { roundTripMs })
  }
}

/** By the lowest 32 bits, which are divided much faster than a larger number. */
function placeOf(id: number): number {
  return (id >>> 0) % PLACES
}
