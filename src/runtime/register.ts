/**
 * What calls on registers give back, and how they fail.
 */
import { QuorateError } from '../core/base/errors.ts'
import type { Receipt } from '../core/operation/receipt.ts'
import type { RegisterResult, SettleResult } from '../core/operation/register-write.ts'
import type { AnswerSizes } from './many.ts'
import { Finisher } from './tickets.ts'
import { decodeValue } from './value-codec.ts'

/** What a read of a register saw. */
export interface Register<V> {
  /** Whether the key has a value. */
  readonly found: boolean
  readonly value: V | undefined
  /** Rises with every change, never falls, and is 0 where there is no value: for `ifRevision`. */
  readonly revision: number
  readonly receipt: Receipt
}

/** A change that was made. */
export interface Changed {
  /** What the key has by this change: a later `ifRevision` for the next one; 0 after a delete. */
  readonly revision: number
  readonly receipt: Receipt
}

/** An update that was made. */
export interface Updated<V> extends Changed {
  /** What the function made. `undefined` for a retry of an operation that an earlier call had already got done. */
  readonly value: V | undefined
}

/**
 * What is known, for good, of an operation that ended without an answer. `landed`: it was applied. `cannot-land`: it was
 * not, and never will be. `superseded`: so many changes followed it that nobody can tell; it will not any more.
 */
export interface Settled {
  readonly outcome: 'landed' | 'cannot-land' | 'superseded'
  /** With `landed`: the revision that it made. */
  readonly revision: number | undefined
}

/** A failed change of a register. */
export class RegisterError extends QuorateError {
  readonly #settle: () => Promise<Settled>

  constructor(error: QuorateError, settle: () => Promise<Settled>) {
    const { code, message, outcome, retry, required, received, replicas, operation, current, leader } = error
    super(code, message, {
      outcome,
      retry,
      replicas,
      leader,
      ...(required !== undefined && { required }),
      ...(received !== undefined && { received }),
      ...(operation !== undefined && { operation }),
      ...(current !== undefined && { current: visible(current.value as Uint8Array | null, current.revision) }),
    })
    this.#settle = settle
  }

  /**
   * Sees to it that what became of the change is known: by a round of the register that finds it, or makes sure that it
   * can never be applied. It fails as any call does while too few replicas answer, and can be tried again.
   */
  settle(): Promise<Settled> {
    return this.outcome === 'none' ? Promise.resolve({ outcome: 'cannot-land', revision: undefined }) : this.#settle()
  }
}

function visible(value: Uint8Array | null, revision: number): { readonly value: unknown; readonly revision: number } {
  return { value: value === null ? undefined : decodeValue(value), revision }
}

export class ReadFinisher<V> extends Finisher<Register<V>> {
  readonly #sizes: AnswerSizes | undefined

  /** @param sizes is told how large the value is. */
  constructor(sizes?: AnswerSizes) {
    super()
    this.#sizes = sizes
  }

  override finish({ value, revision, receipt }: RegisterResult): Register<V> {
    const found = value !== null && value !== undefined
    this.#sizes?.add(found ? value.length : 0)
    return { found, value: found ? (decodeValue(value) as V) : undefined, revision, receipt }
  }
}

export class ChangeFinisher<V> extends Finisher<Updated<V>> {
  readonly #isUpdate: boolean
  readonly #settle: (operation: string) => Promise<Settled>

  /** @param isUpdate whether the application is given the value: who wrote one has it. */
  constructor(isUpdate: boolean, settle: (operation: string) => Promise<Settled>) {
    super()
    this.#isUpdate = isUpdate
    this.#settle = settle
  }

  override done(result: unknown): void {
    const isOurs = result instanceof QuorateError && result.operation !== undefined
    super.done(isOurs ? new RegisterError(result, () => this.#settle(result.operation as string)) : result)
  }

  override finish({ value, revision, receipt }: RegisterResult): Updated<V> {
    const isKnown = this.#isUpdate && value !== null && value !== undefined
    return { value: isKnown ? (decodeValue(value) as V) : undefined, revision, receipt }
  }
}

export class SettleFinisher extends Finisher<Settled> {
  override finish({ outcome, revision }: SettleResult): Settled {
    return { outcome, revision }
  }
}
