/**
 * Virtual time: a queue of events, run one after another, and a hash over everything that happened.
 *
 * Time is a whole number of microseconds, so that it adds up alike everywhere. Events of one instant run in the order
 * in which they were scheduled. Nothing here draws a number or looks at a clock: one seed, one order of events, one
 * hash.
 */
import { Digest } from '../core/base/hash.ts'

/** Something that happens at an instant. */
export abstract class SimEvent {
  /** Set by the simulator. */
  atUs = 0
  sequence = 0

  abstract fire(): void
}

class Callback extends SimEvent {
  readonly #run: () => void

  constructor(run: () => void) {
    super()
    this.#run = run
  }

  override fire(): void {
    this.#run()
  }
}

export class Simulator {
  /** Microseconds since the run began. */
  nowUs = 0
  /** How many events ran. */
  events = 0
  readonly #trace = new Digest()
  readonly #heap: SimEvent[] = []
  #sequence = 0

  /** Nanoseconds, as histories count. */
  get nowNs(): number {
    return this.nowUs * 1000
  }

  /** The hash over everything that was noted, as 13 hexadecimal digits. */
  get traceHash(): string {
    return this.#trace.value().toString(16).padStart(13, '0')
  }

  /** Makes an observation, a number below 2^20, part of the run's hash, with the instant at which it was made. */
  note(what: number): void {
    this.#trace.add(this.nowUs * 2 ** 20 + what)
  }

  /** Makes a larger number part of the run's hash. */
  noteNumber(number: number): void {
    this.#trace.add(number)
  }

  /** The event runs this much later; a span is rounded up to whole microseconds. */
  schedule(delayMs: number, event: SimEvent): void {
    this.scheduleAt(this.nowUs + Math.ceil(delayMs * 1000), event)
  }

  /** The event runs at an instant, or now if that has passed. */
  scheduleAt(atUs: number, event: SimEvent): void {
    event.atUs = Math.max(atUs, this.nowUs)
    event.sequence = this.#sequence++
    this.#up(event)
  }

  /** Calls back after a span. */
  after(delayMs: number, run: () => void): void {
    this.schedule(delayMs, new Callback(run))
  }

  /** Runs everything up to and including this instant. */
  runUntil(untilUs: number): void {
    for (let first = this.#heap[0]; first !== undefined && first.atUs <= untilUs; first = this.#heap[0]) {
      this.#removeFirst()
      this.nowUs = first.atUs
      this.events++
      first.fire()
    }
    this.nowUs = Math.max(this.nowUs, untilUs)
  }

  runFor(spanMs: number): void {
    this.runUntil(this.nowUs + Math.ceil(spanMs * 1000))
  }

  #up(event: SimEvent): void {
    const heap = this.#heap
    let at = heap.length
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent] as SimEvent
      if (!isBefore(event, above)) break
      heap[at] = above
      at = parent
    }
    heap[at] = event
  }

  #removeFirst(): void {
    const heap = this.#heap
    const last = heap.pop() as SimEvent
    const size = heap.length
    if (size === 0) return
    let at = 0
    for (let child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && isBefore(heap[child + 1] as SimEvent, heap[child] as SimEvent)) child++
      const below = heap[child] as SimEvent
      if (!isBefore(below, last)) break
      heap[at] = below
      at = child
    }
    heap[at] = last
  }
}

function isBefore(a: SimEvent, b: SimEvent): boolean {
  return a.atUs < b.atUs || (a.atUs === b.atUs && a.sequence < b.sequence)
}
