/**
 * Operations on AP keys, from their lines.
 */
import type { ApFunction, History } from './history.ts'
import { pairsOf, refused, type ApCompletion, type ApInvoke, type Pair, type Ranked } from './pairs.ts'

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

const NOTHING: readonly string[] = []

/**
 * All operations in the order of their invokes.
 *
 * Throws `QUORATE_INVALID_OPTION` for a history that no recorder who does its duty can have written: a completion
 * without its invoke, or an invoke while the process is still busy.
 */
export function operationsOf(history: History): Operation[] {
  return pairsOf(history).ap.map(operationOf)
}

function operationOf({ invoke, completion }: Pair<ApInvoke, ApCompletion>): Operation {
  const { line } = invoke
  const end = completion?.line
  if (completion !== undefined) checkValue(invoke, completion)
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

function checkValue({ line: asked, number: at }: Ranked<ApInvoke>, { line, number }: Ranked<ApCompletion>): void {
  if (asked.f !== 'get' && typeof line.value === 'string' && line.value !== asked.value) {
    throw refused(number, `its value is not the one invoked in line ${at}`)
  }
}

function happenedBy(type: 'ok' | 'fail' | 'info' | undefined): Happened {
  if (type === 'ok') return 'yes'
  return type === 'fail' ? 'no' : 'maybe'
}
