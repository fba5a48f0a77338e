/**
 * The operations in flight: found by request id without hashing, and walked for deadlines.
 *
 * An id is a slot and how often slots were given out, so it is never used twice and a late answer finds nobody.
 * Ring: decisions.
 */
import type { Operation } from './operation.ts'
import type { Proposal } from './proposal.ts'

/** A power of two: a slot is the lowest bits of an id, and taking them is cheaper than dividing. */
const SLOTS = 32_768

export class InFlight {
  readonly #slots: (Operation | undefined)[] = []
  readonly #free: number[] = []
  readonly #max: number
  #given = 0
  #own = 0

  /** @param max at most 16,384. */
  constructor(max: number) {
    this.#max = max
  }

  /** Operations that callers wait for. */
  get size(): number {
    return this.#slots.length - this.#free.length - this.#own
  }

  /** Gives the operation its id. False when there is no room. */
  add(operation: Operation): boolean {
    if (this.size >= this.#max) return false
    this.#take(operation)
    return true
  }

  /** A round on behalf of calls that are in flight: there are never more of them than of these. */
  addOwn(operation: Proposal): void {
    this.#own++
    this.#take(operation)
  }

  #take(operation: Operation): void {
    const slot = this.#free.pop() ?? this.#slots.length
    operation.id = ++this.#given * SLOTS + slot
    this.#slots[slot] = operation
  }

  get(id: number): Operation | undefined {
    const operation = this.#slots[slotOf(id)]
    return operation?.id === id ? operation : undefined
  }

  remove(operation: Operation): void {
    const slot = slotOf(operation.id)
    if (this.#slots[slot] !== operation) return
    this.#slots[slot] = undefined
    if (operation.kind === 'proposal') this.#own--
    this.#free.push(slot)
  }

  /** Whether it has not ended. */
  has(operation: Operation): boolean {
    return this.get(operation.id) === operation
  }

  /** The operations at this moment, to be walked while some of them end. */
  all(): Operation[] {
    return this.#slots.filter((operation) => operation !== undefined)
  }
}

function slotOf(id: number): number {
  return id & (SLOTS - 1)
}
