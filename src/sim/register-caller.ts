/**
 * One process of a history of registers: makes calls through hosts, one at a time, and writes down what it did and got.
 */
import type { RegisterLine } from '../check/register-lines.ts'
import { QuorateError } from '../core/base/errors.ts'
import type { Change } from '../core/consensus/change.ts'
import { operationName, parseOperationName, type OperationId } from '../core/operation/operation-name.ts'
import type { RegisterResult, SettleResult } from '../core/operation/register-write.ts'
import type { Recorder } from './history.ts'
import { callHost, endOf, isResult, type Manner } from './caller.ts'
import type { CallMaker } from './host.ts'
import type { Simulator } from './simulator.ts'

/** A value and its revision; `null` and 0 for a key that is not there. */
export interface Held {
  readonly value: string | null
  readonly revision: number
}

/** What came of a read. */
export interface ReadOutcome {
  /** What it showed; nothing if it failed. */
  readonly held: Held | undefined
  /** Why it failed. */
  readonly why: string
}

export interface ChangeSetting {
  readonly how: Manner
  readonly key: string
  /** What is written, `null` for a delete. */
  readonly value: string | null
  /** What has to be there; nothing for a write that does not look. */
  readonly expected: Held | undefined
  /** The identity of an earlier attempt, or `plan` to ask the coordinator for one beforehand. */
  readonly operation: OperationId | 'plan' | undefined
}

/** What came of a change; `held` is what the process knows the key to have had at the end of it. */
export interface ChangeOutcome extends ReadOutcome {
  readonly kind: 'ok' | 'fail' | 'info'
  readonly operation: OperationId | undefined
}

type LineOf<T extends RegisterLine['type']> = Extract<RegisterLine, { readonly type: T }>

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export class RegisterCaller {
  #process: number
  readonly #others: () => number
  readonly #around: { readonly simulator: Simulator; readonly recorder: Recorder }

  /** @param others gives numbers of processes that nobody has. */
  constructor(
    process: number,
    others: () => number,
    around: { readonly simulator: Simulator; readonly recorder: Recorder },
  ) {
    this.#process = process
    this.#others = others
    this.#around = around
  }

  read(how: Manner, key: string, done: (outcome: ReadOutcome) => void, stale = false): void {
    this.#write({ type: 'invoke', f: 'read', value: null, ...this.#at(how, key) })
    const make: CallMaker = ({ keyspace, tag }) => {
      return { kind: 'look', tag, keyspace, key, stale, timeoutMs: how.timeoutMs }
    }
    this.#call(how, make, (result) => {
      if (isResult(result)) {
        const held = heldIn(result as RegisterResult)
        this.#write({ type: 'ok', f: 'read', value: held.value, ...this.#at(how, key) })
        done({ held, why: '' })
        return
      }
      const { type, reason, why } = endOf(result)
      if (!this.#isSilence(result)) this.#write({ type, f: 'read', value: null, reason, ...this.#at(how, key) })
      done({ held: undefined, why })
    })
  }

  change(setting: ChangeSetting, done: (outcome: ChangeOutcome) => void): void {
    const { how, key, value, expected } = setting
    let operation = setting.operation === 'plan' ? undefined : setting.operation
    const asked = askedFor(setting)
    const bytes = value === null ? null : encoder.encode(value)
    const change: Change = { kind: 'set', value: bytes, ifRevision: expected?.revision }
    const invoke = { type: 'invoke', ...asked, ...this.#at(how, key, operation) } as LineOf<'invoke'>
    this.#write(invoke)
    const make: CallMaker = ({ coordinator, keyspace, now, tag }) => {
      if (setting.operation === 'plan') {
        operation = coordinator.newOperation(keyspace, key, now)
        // Should the host fall silent, this line is all that ties further attempts to this one.
        Object.assign(invoke, { op: operationName(operation) })
      }
      return { kind: 'change', tag, keyspace, key, change, operation, timeoutMs: how.timeoutMs }
    }
    this.#call(how, make, (result) => {
      if (isResult(result)) {
        this.#write({ type: 'ok', ...asked, ...this.#at(how, key, operation) } as LineOf<'ok'>)
        done({ kind: 'ok', held: { value, revision: (result as RegisterResult).revision }, operation, why: '' })
        return
      }
      const error = result instanceof QuorateError ? result : undefined
      if (error?.operation !== undefined) operation = parseOperationName(error.operation)
      const held = error?.code === 'QUORATE_CONDITION_FAILED' ? heldIn(error.current as Visible) : undefined
      const { type, why, ...end } = endOf(result)
      const reason = held !== undefined ? 'precondition' : end.reason
      const current = held !== undefined ? { current: held.value } : {}
      const line = { type, ...asked, reason, ...current, ...this.#at(how, key, operation) }
      if (!this.#isSilence(result)) this.#write(line as LineOf<'fail'>)
      done({ kind: type, held, operation, why })
    })
  }

  /** Settles an operation of unknown outcome: in the history a further attempt at it, which asks for the same. */
  settle(setting: ChangeSetting & { readonly operation: OperationId }, done: (isOver: boolean) => void): void {
    const { how, key, operation } = setting
    const asked = askedFor(setting)
    const shared = (): object => ({ ...asked, ...this.#at(how, key, operation) })
    this.#write({ type: 'invoke', ...shared() } as LineOf<'invoke'>)
    const make: CallMaker = ({ keyspace, tag }) => {
      return { kind: 'change', tag, keyspace, key, change: { kind: 'fence' }, operation, timeoutMs: how.timeoutMs }
    }
    this.#call(how, make, (result) => {
      const outcome = isResult(result) ? (result as SettleResult).outcome : undefined
      if (outcome === 'landed') this.#write({ type: 'ok', ...shared() } as LineOf<'ok'>)
      else if (outcome === 'cannot-land') {
        this.#write({ type: 'fail', reason: 'cannot-land', ...shared() } as LineOf<'fail'>)
      } else if (!this.#isSilence(result)) {
        this.#write({ type: 'info', reason: 'not settled', ...shared() } as LineOf<'info'>)
      }
      done(outcome !== undefined)
    })
  }

  #at(
    { host }: Manner,
    key: string,
    operation?: OperationId,
  ): {
    readonly process: number
    readonly key: string
    readonly node: string
    readonly time: number
    readonly op?: string
  } {
    const time = this.#around.simulator.nowNs
    const op = operation === undefined ? {} : { op: operationName(operation) }
    return { process: this.#process, key, node: host.config.name, time, ...op }
  }

  /**
   * Whether the host never said that the call was over. It may be paused and go on with it later, which nobody has
   * promised not to do, so the operation stays open in the history, and what comes next is another process.
   */
  #isSilence(result: unknown): boolean {
    if (result !== undefined) return false
    this.#process = this.#others()
    return true
  }

  #write(line: RegisterLine): void {
    this.#around.recorder.register(line)
  }

  #call(how: Manner, make: CallMaker, done: (result: unknown) => void): void {
    callHost({ simulator: this.#around.simulator, how }, make, done)
  }
}

/** What a line says that was asked. */
function askedFor({ value, expected }: ChangeSetting): { readonly f: string; readonly value: unknown } {
  if (expected !== undefined) return { f: 'cas', value: [expected.value, value] }
  return value === null ? { f: 'delete', value: null } : { f: 'write', value }
}

type Visible = Pick<RegisterResult, 'value' | 'revision'>

function heldIn({ value, revision }: Visible): Held {
  return { value: value === null || value === undefined ? null : decoder.decode(value), revision }
}
