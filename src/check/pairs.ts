/**
 * From lines to operations: which completion belongs to which invoke, what happened before what, and what kind of key
 * it was on.
 *
 * Real time is counted in *ranks*: the place of a line once all lines are in order of time, those of equal time in the
 * order in which they stand. A synchronous simulator does many things within one instant, and their order is real.
 */
import { invalid } from '../core/base/errors.ts'
import type { ApLine, History, HistoryLine } from './history.ts'
import type { RegisterLine } from './register-lines.ts'

type Operating<Line> = Extract<Line, { readonly process: number }>
type Invoking<Line> = Extract<Line, { readonly type: 'invoke' }>

type AnyLine = Operating<HistoryLine>
type AnyInvoke = Invoking<HistoryLine>
type AnyCompletion = Exclude<AnyLine, AnyInvoke>
export type ApInvoke = Invoking<ApLine>
export type ApCompletion = Exclude<Operating<ApLine>, ApInvoke>
export type RegisterInvoke = Invoking<RegisterLine>
export type RegisterCompletion = Exclude<RegisterLine, RegisterInvoke>

/** A line of an operation with its number in the history and its place in time. */
export interface Ranked<Line> {
  readonly line: Line
  /** Counted from 1. */
  readonly number: number
  readonly rank: number
}

/** An invoke, and how it ended if it did. */
export interface Pair<Invoke, Completion> {
  readonly invoke: Ranked<Invoke>
  readonly completion: Ranked<Completion> | undefined
}

type AnyPair = Pair<AnyInvoke, AnyCompletion>
type Kind = 'an AP key' | 'a register'

/** All operations in the order of their invokes, by the kind of their key. */
export interface Pairs {
  readonly ap: readonly Pair<ApInvoke, ApCompletion>[]
  readonly registers: readonly Pair<RegisterInvoke, RegisterCompletion>[]
}

/**
 * Throws `QUORATE_INVALID_OPTION` for a history that no recorder who does its duty can have written: a completion
 * without its invoke, an invoke while the process is still busy, or a key of two kinds.
 */
export function pairsOf(history: History): Pairs {
  const pairs = allPairs(history).toSorted((a, b) => a.invoke.rank - b.invoke.rank)
  const kinds = kindsOf(pairs)
  const ofKind = (wanted: Kind): AnyPair[] => pairs.filter(({ invoke }) => kinds.get(invoke.line.key) === wanted)
  const ap = ofKind('an AP key')
  for (const { invoke } of ap) {
    if (invoke.line.f !== 'delete' || typeof invoke.line.value === 'string') continue
    throw refused(invoke.number, `a delete of an AP key needs a name, in "value"`)
  }
  return {
    ap: ap as Pair<ApInvoke, ApCompletion>[],
    registers: ofKind('a register') as Pair<RegisterInvoke, RegisterCompletion>[],
  }
}

export function refused(number: number, problem: string): Error {
  return invalid(`history line ${number}: ${problem}`)
}

function allPairs(history: History): AnyPair[] {
  const pairs: AnyPair[] = []
  const open = new Map<number, Ranked<AnyInvoke>>()
  for (const ranked of inOrder(history)) {
    const { line, number, rank } = ranked
    const invoke = open.get(line.process)
    if (line.type === 'invoke') {
      if (invoke !== undefined) throw refused(number, `process ${line.process} is busy since line ${invoke.number}`)
      open.set(line.process, { line, number, rank })
    } else {
      if (invoke === undefined) throw refused(number, `process ${line.process} completes what it did not invoke`)
      if (line.f !== invoke.line.f || line.key !== invoke.line.key) {
        const problem = `process ${line.process} completes another operation than it invoked in line ${invoke.number}`
        throw refused(number, problem)
      }
      pairs.push({ invoke, completion: { line, number, rank } })
      open.delete(line.process)
    }
  }
  for (const invoke of open.values()) pairs.push({ invoke, completion: undefined })
  return pairs
}

function inOrder(history: History): Ranked<AnyLine>[] {
  const lines: { line: AnyLine; number: number }[] = []
  let sorted = true
  for (const [at, line] of history.entries()) {
    if (!('process' in line)) continue
    sorted &&= line.time >= (lines.at(-1)?.line.time ?? 0)
    lines.push({ line, number: at + 1 })
  }
  if (!sorted) lines.sort((a, b) => a.line.time - b.line.time || a.number - b.number)
  return lines.map(({ line, number }, rank) => ({ line, number, rank }))
}

/** A delete says what kind its key is only where nothing else does. */
function kindsOf(pairs: readonly AnyPair[]): Map<string, Kind> {
  const kinds = new Map<string, { readonly kind: Kind; readonly number: number }>()
  for (const { invoke } of pairs) {
    const { line, number } = invoke
    if (line.f === 'delete') continue
    const kind = line.f === 'put' || line.f === 'get' ? 'an AP key' : 'a register'
    const known = kinds.get(line.key)
    if (known === undefined) kinds.set(line.key, { kind, number })
    else if (known.kind !== kind) {
      const problem = `key ${JSON.stringify(line.key)} is ${known.kind} by line ${known.number}, and ${line.f} is for ${kind}`
      throw refused(number, problem)
    }
  }
  for (const { invoke } of pairs) {
    const { line, number } = invoke
    if (line.f !== 'delete' || kinds.has(line.key)) continue
    kinds.set(line.key, { kind: typeof line.value === 'string' ? 'an AP key' : 'a register', number })
  }
  return new Map([...kinds].map(([key, { kind }]) => [key, kind]))
}
