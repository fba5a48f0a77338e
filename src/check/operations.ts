/**
 * From lines to operations: which completion belongs to which invoke, and what happened before what.
 *
 * Real time is counted in *ranks*: the place of a line once all lines are in order of time, those of equal time in the
 * order in which they stand. A synchronous simulator does many things within one instant, and their order is real.
 */
import { invalid } from '../core/base/errors.ts'
import type { ApFunction, History, HistoryLine } from './history.ts'

/** `yes`: acknowledged. `no`: certainly not. `maybe`: unknown, and possibly not yet. */
export type Happened = 'yes' | 'no' | 'maybe'

/** One invoke and what became of it. */
export interface Operation {
  readonly f: ApFunction
  readonly key: string
  readonly process: number
  readonly session: string | undefined
  readonly op: string | number | undefined
  /** What was written; empty for a get. */
  readonly value: string
  readonly saw: readonly string[]
  /** What a get answered, if it did. */
  readonly shown: readonly string[]
  /** `undefined` when no line says. */
  readonly strict: boolean | undefined
  readonly happened: Happened
  /** The lines it stands on, counted from 1. */
  readonly lines: readonly number[]
  readonly startRank: number
  /** Infinity unless it was acknowledged: only then is it certain that it is over. */
  readonly endRank: number
  /** Nanoseconds. */
  readonly startedAt: number
  /** Nanoseconds; Infinity unless it was acknowledged. */
  readonly endedAt: number
}

type OperationLine = Extract<HistoryLine, { readonly process: number }>
type InvokeLine = Extract<HistoryLine, { readonly type: 'invoke' }>
type CompletionLine = Exclude<OperationLine, InvokeLine>

/** A line of an operation with its number in the history and its place in time. */
interface Ranked<Line> {
  readonly line: Line
  readonly number: number
  readonly rank: number
}

const NOTHING: readonly string[] = []

/**
 * All operations in the order of their invokes.
 *
 * Throws `QUORATE_INVALID_OPTION` for a history that no recorder who does its duty can have written: a completion
 * without its invoke, or an invoke while the process is still busy.
 */
export function operationsOf(history: History): Operation[] {
  const operations: Operation[] = []
  const open = new Map<number, Ranked<InvokeLine>>()
  for (const ranked of inOrder(history)) {
    const { line, number, rank } = ranked
    const invoke = open.get(line.process)
    if (line.type === 'invoke') {
      if (invoke !== undefined) throw refused(number, `process ${line.process} is busy since line ${invoke.number}`)
      open.set(line.process, { line, number, rank })
    } else {
      if (invoke === undefined) throw refused(number, `process ${line.process} completes what it did not invoke`)
      operations.push(operationOf(invoke, { line, number, rank }))
      open.delete(line.process)
    }
  }
  for (const invoke of open.values()) operations.push(operationOf(invoke, undefined))
  return operations.toSorted((a, b) => a.startRank - b.startRank)
}

function inOrder(history: History): Ranked<OperationLine>[] {
  const lines: { line: OperationLine; number: number }[] = []
  let sorted = true
  for (const [at, line] of history.entries()) {
    if (line.type === 'session' || line.type === 'final') continue
    sorted &&= line.time >= (lines.at(-1)?.line.time ?? 0)
    lines.push({ line, number: at + 1 })
  }
  if (!sorted) lines.sort((a, b) => a.line.time - b.line.time || a.number - b.number)
  return lines.map(({ line, number }, rank) => ({ line, number, rank }))
}

function operationOf(invoke: Ranked<InvokeLine>, completion: Ranked<CompletionLine> | undefined): Operation {
  const { line } = invoke
  const end = completion?.line
  if (completion !== undefined && end !== undefined) checkPair(invoke, completion)
  const acknowledged = end?.type === 'ok'
  return {
    f: line.f,
    key: line.key,
    process: line.process,
    session: line.session ?? end?.session,
    op: line.op ?? end?.op,
    value: line.f === 'get' ? '' : line.value,
    saw: line.saw ?? NOTHING,
    shown: end?.type === 'ok' && end.f === 'get' ? end.value : NOTHING,
    strict: end?.strict ?? line.strict,
    happened: happenedBy(end?.type),
    lines: completion === undefined ? [invoke.number] : [invoke.number, completion.number],
    startRank: invoke.rank,
    endRank: acknowledged ? (completion?.rank ?? Infinity) : Infinity,
    startedAt: line.time,
    endedAt: acknowledged ? end.time : Infinity,
  }
}

function checkPair(invoke: Ranked<InvokeLine>, { line, number }: Ranked<CompletionLine>): void {
  const { line: asked, number: at } = invoke
  if (line.f !== asked.f || line.key !== asked.key) {
    throw refused(number, `process ${line.process} completes another operation than it invoked in line ${at}`)
  }
  if (asked.f !== 'get' && typeof line.value === 'string' && line.value !== asked.value) {
    throw refused(number, `its value is not the one invoked in line ${at}`)
  }
}

function happenedBy(type: 'ok' | 'fail' | 'info' | undefined): Happened {
  if (type === 'ok') return 'yes'
  return type === 'fail' ? 'no' : 'maybe'
}

function refused(number: number, problem: string): Error {
  return invalid(`history line ${number}: ${problem}`)
}
