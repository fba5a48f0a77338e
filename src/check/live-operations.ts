/**
 * Operations that have begun and not ended, found by what they change a register to; and the values that are wanted of
 * them.
 */
import { fits, valueAfter, type RegisterOperation } from './register-operations.ts'

/** An operation that has begun, and has not ended. */
export interface Live {
  readonly operation: RegisterOperation
  /** Its place in sets of live operations. */
  readonly bit: bigint
}

export class LiveSet implements Iterable<Live> {
  /** All of them. */
  bits = 0n
  readonly #live = new Map<RegisterOperation, Live>()
  readonly #byValueAfter = new Map<number, Set<Live>>()

  add(live: Live): void {
    this.#live.set(live.operation, live)
    this.bits |= live.bit
    const after = valueAfter(live.operation)
    const alike = this.#byValueAfter.get(after)
    if (alike === undefined) this.#byValueAfter.set(after, new Set([live]))
    else alike.add(live)
  }

  get(operation: RegisterOperation): Live {
    return this.#live.get(operation) as Live
  }

  delete(operation: RegisterOperation): void {
    const live = this.get(operation)
    this.#live.delete(operation)
    this.bits &= ~live.bit
    this.#byValueAfter.get(valueAfter(operation))?.delete(live)
  }

  [Symbol.iterator](): Iterator<Live> {
    return this.#live.values()
  }

  /** Those that leave this value. */
  leaving(value: number): Iterable<Live> {
    return this.#byValueAfter.get(value) ?? []
  }
}

/** Values that a register should take, for something to fit. */
export class Wanted {
  readonly #values = new Set<number>()
  /** Those that fit all values but one. */
  readonly #choosy: RegisterOperation[] = []

  /** What the operation depends on. A set depends on nothing. */
  add(operation: RegisterOperation): void {
    const { step } = operation
    if (step.kind === 'read') this.#values.add(step.value)
    else if (step.kind === 'swap') this.#values.add(step.from)
    else if (step.kind === 'mismatch') this.#choosy.push(operation)
  }

  /** And what swaps depend on that leave what is wanted. */
  addWaysThrough(swaps: LiveSet): void {
    for (const value of this.#values) {
      for (const { operation } of swaps.leaving(value))
        if (operation.step.kind === 'swap') this.#values.add(operation.step.from)
    }
    if (this.#choosy.length > 0) for (const { operation } of swaps) this.add(operation)
  }

  has(value: number): boolean {
    return this.#values.has(value) || this.#choosy.some((operation) => fits(operation, value))
  }

  /** Those that leave what is wanted. */
  *among(live: LiveSet): Iterable<Live> {
    if (this.#choosy.length === 0) for (const value of this.#values) yield* live.leaving(value)
    else for (const one of live) if (this.has(valueAfter(one.operation))) yield one
  }
}
