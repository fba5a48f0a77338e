/**
 * Operations that a leader has applied and that the tables of their registers have dropped since: a retry after many
 * changes of one key still finds what became of it.
 *
 * Ring: decisions.
 */
import type { RegisterState } from '../record.ts'
import type { Memory } from './change.ts'
import { revisionOf } from './register-state.ts'

/** Operations remembered, whatever their keys. */
const REMEMBERED_MAX = 65_536

export class AppliedMemory {
  /** `at` and revision by operation, in the order in which tables dropped them. */
  readonly #dropped = new Map<number, readonly [at: number, revision: number]>()
  /** The latest beginning of those that are remembered no more. */
  #floor = 0

  clear(): void {
    this.#dropped.clear()
    this.#floor = 0
  }

  /** A round has put one state in the place of another, and applied these operations. */
  changed(
    before: RegisterState,
    after: RegisterState,
    applied: readonly { readonly op: number; readonly at: number; readonly revision: number }[],
  ): void {
    if (before.forgottenAt === after.forgottenAt) return
    const { operations } = before
    for (let i = operations.length - 3; i >= 0 && revisionOf(after, operations[i] as number) === undefined; i -= 3) {
      this.#note(operations[i] as number, operations[i + 1] as number, operations[i + 2] as number)
    }
    for (const { op, at, revision } of applied) if (revisionOf(after, op) === undefined) this.#note(op, at, revision)
  }

  /** For retries of a register of which everything is known since its table had forgotten what began up to `sinceAt`. */
  of(sinceAt: () => number | undefined): Memory {
    const floor = (): number => this.#floor
    return {
      revisionOf: (op) => this.#dropped.get(op)?.[1],
      get completeFrom() {
        return Math.max(sinceAt() ?? Infinity, floor())
      },
    }
  }

  #note(op: number, at: number, revision: number): void {
    this.#dropped.set(op, [at, revision])
    if (this.#dropped.size <= REMEMBERED_MAX) return
    for (const [oldest, [oldestAt]] of this.#dropped) {
      this.#dropped.delete(oldest)
      this.#floor = Math.max(this.#floor, oldestAt)
      break
    }
  }
}
