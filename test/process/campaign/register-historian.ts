/**
 * Writes down what one process does to registers, as history lines for the judge of linearizability, by the machine's
 * monotonic clock, which all processes share.
 *
 * Each change has an identity from the start, so that its retries and what became of it can be told to belong to it.
 */
import type { RegisterLine } from '../../../src/check/index.ts'
import { QuorateError } from '../../../src/core/base/errors.ts'
import type { CpKeyspace } from '../../../src/runtime/cp-keyspace.ts'
import { RegisterError } from '../../../src/runtime/register.ts'

/** What a key holds, as far as is known; `null` and 0 for nothing. */
export interface Held {
  readonly value: string | null
  readonly revision: number
}

export const ABSENT: Held = { value: null, revision: 0 }

export interface ChangePlan {
  readonly key: string
  /** What is written; `null` deletes. */
  readonly value: string | null
  /** What has to be there; left out for a change that does not look. */
  readonly expected?: Held
  /** The fencing token that it carries. */
  readonly fence?: number
}

/** One change with its identity. */
export interface PlannedChange extends ChangePlan {
  readonly operation: string
}

/** `held`: what the key has by it, or has instead. */
export type ChangeEnd =
  | { readonly kind: 'ok'; readonly held: Held }
  | { readonly kind: 'precondition'; readonly held: Held }
  /** Refused for its token: a change of the same key has carried a higher one. */
  | { readonly kind: 'fenced' }
  | { readonly kind: 'fail' | 'info'; readonly error: QuorateError }

type Keyspace = CpKeyspace<string>

export class RegisterHistorian {
  readonly #process: number
  readonly #tell: (line: RegisterLine) => void

  /** @param process its number in the history, which nobody else has. It does one thing at a time. */
  constructor(process: number, tell: (line: RegisterLine) => void) {
    this.#process = process
    this.#tell = tell
  }

  /** Nothing where it failed. */
  async read(keyspace: Keyspace, key: string): Promise<Held | undefined> {
    const shared = { process: this.#process, key, f: 'read' } as const
    this.#tell({ type: 'invoke', time: nowNs(), ...shared, value: null })
    try {
      const { value, revision } = await keyspace.get(key)
      this.#tell({ type: 'ok', time: nowNs(), ...shared, value: value ?? null })
      return { value: value ?? null, revision }
    } catch (error) {
      const { code } = expected(error)
      this.#tell({ type: 'fail', time: nowNs(), ...shared, reason: code })
      return undefined
    }
  }

  /** Nothing where the keyspace could not be opened. */
  async plan(keyspace: Keyspace, plan: ChangePlan): Promise<PlannedChange | undefined> {
    try {
      return { ...plan, operation: await keyspace.operation(plan.key) }
    } catch (error) {
      expected(error)
      return undefined
    }
  }

  /** One attempt. A further one with the same plan is a retry. */
  async change(keyspace: Keyspace, plan: PlannedChange): Promise<ChangeEnd> {
    const { key, value, expected: from, operation, fence } = plan
    this.#line('invoke', plan)
    const options = {
      operation,
      ...(from !== undefined && { ifRevision: from.revision }),
      ...(fence !== undefined && { fence }),
    }
    try {
      const changing = value === null ? keyspace.delete(key, options) : keyspace.put(key, value, options)
      const { revision } = await changing
      this.#line('ok', plan)
      return { kind: 'ok', held: { value, revision } }
    } catch (caught) {
      const error = expected(caught)
      if (error.code === 'QUORATE_CONDITION_FAILED' && error.current !== undefined) {
        const held = { value: (error.current.value as string | undefined) ?? null, revision: error.current.revision }
        this.#line('fail', plan, { reason: 'precondition', current: held.value })
        return { kind: 'precondition', held }
      }
      if (error.code === 'QUORATE_FENCED') {
        this.#line('fail', plan, { reason: error.code })
        return { kind: 'fenced' }
      }
      const kind = error.outcome === 'none' ? 'fail' : 'info'
      this.#line(kind, plan, { reason: error.code })
      return { kind, error }
    }
  }

  /** Finds out what became of a change, or sees to it that it never happens: in the history a further attempt at it. */
  async settle(plan: PlannedChange, error: QuorateError): Promise<void> {
    if (!(error instanceof RegisterError)) return
    this.#line('invoke', plan)
    try {
      const { outcome } = await error.settle()
      if (outcome === 'landed') this.#line('ok', plan)
      else if (outcome === 'cannot-land') this.#line('fail', plan, { reason: 'cannot-land' })
      else this.#line('info', plan, { reason: outcome })
    } catch (caught) {
      this.#line('info', plan, { reason: expected(caught).code })
    }
  }

  #line(type: RegisterLine['type'], plan: PlannedChange, more: object = {}): void {
    const { key, value, expected: from, operation: op } = plan
    const asked =
      from !== undefined
        ? { f: 'cas', value: [from.value, value] }
        : value === null
          ? { f: 'delete', value }
          : { f: 'write', value }
    this.#tell({ type, time: nowNs(), process: this.#process, key, op, ...asked, ...more } as RegisterLine)
  }
}

/** The error that a call was meant to end in; any other passes through. */
function expected(error: unknown): QuorateError {
  if (error instanceof QuorateError) return error
  throw error
}

function nowNs(): number {
  return Number(process.hrtime.bigint())
}
