/**
 * One process of a history: makes calls through hosts, one at a time, and writes down what it did and what it got.
 *
 * It knows the difference between an operation that failed and one whose fate is unknown: an error says which, and a
 * host that crashed or went silent leaves it unknown.
 */
import { QuorateError } from '../core/base/errors.ts'
import type { Coordinator } from '../core/coordinator.ts'
import { contextOf, versionsOf } from '../core/causality/merge.ts'
import type { GetResult } from '../core/operation/get.ts'
import type { Keyspace } from '../core/operation/keyspace.ts'
import { operationName, parseOperationName, type OperationId } from '../core/operation/operation-name.ts'
import type { PutResult } from '../core/operation/put.ts'
import type { Receipt } from '../core/operation/receipt.ts'
import type { ScanResult } from '../core/operation/scan.ts'
import type { Repair } from '../core/options.ts'
import type { Level } from '../core/quorum/level.ts'
import type { StoredRecord } from '../core/record.ts'
import type { Now } from '../core/step.ts'
import type { InvokeFields, Recorder, Seen } from './history.ts'
import type { CallMaker, Host } from './host.ts'
import { CRASHED, type Ticket } from './process.ts'
import type { Simulator } from './simulator.ts'

/** What callers share in one run. */
export interface CallerSurroundings {
  readonly simulator: Simulator
  readonly recorder: Recorder
  readonly texts: Texts
  /** Whether a call's quorum counts as strict in the history. */
  readonly isStrict: (side: 'read' | 'write', receipt: Receipt) => boolean
  /** Whether a scan at the default level does. */
  readonly scansAreStrict: boolean
  readonly keys: readonly string[]
}

/** Through which host a call goes, and how. */
export interface Manner {
  readonly host: Host
  readonly session: string | undefined
  readonly level: Level | undefined
  readonly timeoutMs: number
  /** When the client stops waiting, whatever the host does. */
  readonly giveUpMs: number
}

export interface GetSetting {
  readonly how: Manner
  readonly key: string
  readonly repair: Repair | undefined
  readonly atLeast: Seen | undefined
}

export interface PutSetting {
  readonly how: Manner
  readonly key: string
  /** A unique text; for a delete, its name. */
  readonly value: string
  readonly isDelete: boolean
  /** What the writer has seen; nothing for a blind write. */
  readonly follows: Seen | undefined
  /** The identity of an earlier attempt, or `plan` to ask the coordinator for one beforehand. */
  readonly operation: OperationId | 'plan' | undefined
}

export interface ScanSetting {
  readonly how: Manner
  readonly after: string
  readonly limit: number
}

/** What came of a get. */
export interface GetOutcome {
  /** What it showed; nothing if it failed. */
  readonly seen: Seen | undefined
  /** Why it failed. */
  readonly why: string
}

/** What came of a put. `operation` is what a retry has to carry, if it is known. */
export interface PutOutcome extends GetOutcome {
  readonly kind: 'ok' | 'fail' | 'info'
  readonly operation: OperationId | undefined
}

/** Values as bytes. Messages are shared in memory, so the bytes that come back are mostly the ones that went in. */
export class Texts {
  readonly #known = new Map<Uint8Array, string>()
  readonly #encoder = new TextEncoder()

  bytesOf(text: string): Uint8Array {
    const bytes = this.#encoder.encode(text)
    this.#known.set(bytes, text)
    return bytes
  }

  /** The values of a record that a reader sees. */
  valuesOf(record: StoredRecord | undefined): string[] {
    const values: string[] = []
    for (const { value } of versionsOf(record)) {
      if (value !== null) values.push(this.#known.get(value) ?? new TextDecoder().decode(value))
    }
    return values
  }
}

export class Caller {
  readonly process: number
  readonly #around: CallerSurroundings

  constructor(process: number, around: CallerSurroundings) {
    this.process = process
    this.#around = around
  }

  get(setting: GetSetting, done: (outcome: GetOutcome) => void): void {
    const { how, key, atLeast, repair } = setting
    const { level, timeoutMs } = how
    const { recorder, texts, isStrict } = this.#around
    const fields = this.#fields(how, { f: 'get', key, value: undefined, saw: atLeast?.values, op: undefined })
    recorder.invoke(fields)
    const make: CallMaker = ({ keyspace, tag }) => {
      return { kind: 'get', tag, keyspace, key, level, repair, atLeast: atLeast?.context, timeoutMs }
    }
    this.#call(how, make, (result) => {
      if (!isResult(result)) {
        const { why, ...end } = endOf(result)
        recorder.complete(fields, end)
        done({ seen: undefined, why })
        return
      }
      const { record, receipt } = result as GetResult
      const values = texts.valuesOf(record)
      recorder.complete(fields, { type: 'ok', values, strict: isStrict('read', receipt) })
      done({ seen: { context: contextOf(record), values }, why: '' })
    })
  }

  put(setting: PutSetting, done: (outcome: PutOutcome) => void): void {
    const { how, key, value, isDelete, follows } = setting
    const { level, timeoutMs } = how
    const { recorder, texts, isStrict } = this.#around
    let operation = setting.operation === 'plan' ? undefined : setting.operation
    const op = operation === undefined ? undefined : operationName(operation)
    const fields = this.#fields(how, { f: isDelete ? 'delete' : 'put', key, value, saw: follows?.values, op })
    const bytes = isDelete ? null : texts.bytesOf(value)
    recorder.invoke(fields)
    const make: CallMaker = ({ coordinator, keyspace, now, tag }) => {
      if (setting.operation === 'plan') operation = planned({ coordinator, keyspace, key, now })
      return { kind: 'put', tag, keyspace, key, level, value: bytes, context: follows?.context, operation, timeoutMs }
    }
    this.#call(how, make, (result) => {
      if (!isResult(result)) {
        const { why, ...end } = endOf(result)
        recorder.complete(fields, end)
        const told = result instanceof QuorateError ? result.operation : undefined
        if (told !== undefined) operation = parseOperationName(told)
        done({ kind: end.type, seen: undefined, operation, why })
        return
      }
      const { context, receipt } = result as PutResult
      recorder.complete(fields, { type: 'ok', values: undefined, strict: isStrict('write', receipt) })
      done({ kind: 'ok', seen: { context, values: [...(follows?.values ?? []), value] }, operation, why: '' })
    })
  }

  /**
   * One page. In the history it is a get of each key that the page answers for, by a process of its own: `readers`
   * gives their numbers.
   */
  scan(setting: ScanSetting, readers: () => number, done: (next: string | undefined) => void): void {
    const { recorder, texts, keys, scansAreStrict } = this.#around
    const { how, after, limit } = setting
    const { level, timeoutMs } = how
    const began = keys.map((key) => ({ key, at: recorder.moment() }))
    const make: CallMaker = ({ keyspace, tag }) => {
      return { kind: 'scan', tag, keyspace, level, prefix: '', after, limit, timeoutMs }
    }
    this.#call(how, make, (result) => {
      if (!isResult(result)) {
        done(undefined)
        return
      }
      const { entries, next } = result as ScanResult
      for (const { key, at } of began) {
        if (key <= after || (next !== undefined && key > next)) continue
        const what = { f: 'get', key, value: undefined, saw: undefined, op: undefined } as const
        const fields = { ...this.#fields(how, what), process: readers() }
        recorder.invoke(fields, at)
        const values = texts.valuesOf(entries.find((entry) => entry.key === key)?.record)
        recorder.complete(fields, { type: 'ok', values, strict: scansAreStrict && level === undefined })
      }
      done(next)
    })
  }

  #fields(
    { host, session, level }: Manner,
    what: Pick<InvokeFields, 'f' | 'key' | 'value' | 'saw' | 'op'>,
  ): InvokeFields {
    return { process: this.process, node: host.config.name, session, level, ...what }
  }

  #call(how: Manner, make: CallMaker, done: (result: unknown) => void): void {
    callHost({ simulator: this.#around.simulator, how }, make, done)
  }
}

/** Hands a call to its host, and stops waiting when it has been enough. */
export function callHost(
  { simulator, how }: { readonly simulator: Simulator; readonly how: Manner },
  make: CallMaker,
  done: (result: unknown) => void,
): void {
  const { host, giveUpMs } = how
  const ticket: Ticket = host.ask(make, done)
  simulator.after(giveUpMs, () => {
    if (ticket.isOver) return
    host.cancel(ticket)
    // A host that is paused, or that holds the answer back until its disk is done, says nothing.
    ticket.end(undefined)
  })
}

/** An identity ahead of the call; without one, where no replica can be its home, the call shall say so itself. */
function planned(at: { coordinator: Coordinator; keyspace: Keyspace; key: string; now: Now }): OperationId | undefined {
  try {
    return at.coordinator.newOperation(at.keyspace, at.key, at.now)
  } catch (error) {
    if (error instanceof QuorateError) return undefined
    throw error
  }
}

export function isResult(result: unknown): boolean {
  return result !== undefined && result !== CRASHED && !(result instanceof Error)
}

export interface BadEnd {
  readonly type: 'fail' | 'info'
  readonly reason: string
  /** In words. */
  readonly why: string
}

/** How an operation that has no result ended. */
export function endOf(result: unknown): BadEnd {
  if (result instanceof QuorateError) {
    return { type: result.outcome === 'none' ? 'fail' : 'info', reason: result.code, why: result.message }
  }
  if (result instanceof Error) throw result
  const reason = result === CRASHED ? 'the host crashed' : 'gave up waiting'
  return { type: 'info', reason, why: reason }
}
