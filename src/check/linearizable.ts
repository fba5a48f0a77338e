/**
 * Whether registers behaved as if there were one copy of each, on which operations take effect one at a time.
 */
import type { History } from './history.ts'
import { linearize, type Finding } from './linearization.ts'
import { changes, registersOf, type Register, type RegisterOperation } from './register-operations.ts'
import { Findings, type Verdict, type Violation } from './verdict.ts'

export interface LinearizableOptions {
  /**
   * How many steps the search may take for one key. Two million by default, which is some seconds; a history of 300
   * operations on values that differ takes some ten thousand.
   */
  readonly workMax?: number
}

export interface LinearizableVerdict extends Verdict {
  /** No violation was found, and every key was decided. */
  readonly ok: boolean
  /** Keys for which the allowance of steps was used up before it was clear: neither right nor wrong. */
  readonly undecided: readonly string[]
}

const WORK_MAX = 2_000_000
/** How many steps finding a short explanation may take; beyond that it gets longer. */
const EXPLAINING_MAX = 1_000_000

/**
 * Every answered operation took effect at one moment between its start and its end, those of unknown outcome at one
 * moment after their start or never, and each answer fits the operations before it (Herlihy and Wing, "Linearizability",
 * 1990). A failed compare saw something other than what it expected. Registers begin absent.
 *
 * Rule `linearizable`: no order of a key's operations is right. The violation's lines are those of few operations that
 * already contradict each other, where each one is needed. Rule `retry`: an operation was acknowledged, and a later
 * attempt at it was told that it had not happened. `checked` counts answers that could be wrong: reads, and compares
 * that held or failed.
 */
export function checkLinearizable(history: History, options: LinearizableOptions = {}): LinearizableVerdict {
  return judge(history, { settling: false, workMax: options.workMax ?? WORK_MAX })
}

/**
 * Linearizable, and settled by every look: once a read or a failed compare has taken effect, nothing that had been
 * given up (`info`) before that look began takes effect any more. Such an operation may look unfinished, and rise long
 * afterwards, in a store whose reads do not finish or block what they find half done (CASSANDRA-12126).
 *
 * Rule `settled` where the order of looks alone would be right; `linearizable` and `retry` as for `checkLinearizable`.
 * Operations that never ended, not even by `info`, are not held to it.
 */
export function checkSettled(history: History, options: LinearizableOptions = {}): LinearizableVerdict {
  return judge(history, { settling: true, workMax: options.workMax ?? WORK_MAX })
}

interface Allowance {
  readonly settling: boolean
  readonly workMax: number
}

function judge(history: History, allowance: Allowance): LinearizableVerdict {
  const findings = new Findings()
  const undecided: string[] = []
  for (const register of registersOf(history, findings)) {
    const { key, operations } = register
    findings.count(operations.filter(({ step, endRank }) => step.kind !== 'set' && endRank < Infinity).length)
    const finding = search(operations, allowance)
    if (finding.kind === 'undecided') undecided.push(key)
    if (finding.kind !== 'stuck') continue
    const plain = allowance.settling ? search(operations, { ...allowance, settling: false }) : finding
    if (plain.kind === 'stuck') findings.add(violationOf(register, { ...plain, settling: false }))
    else findings.add(violationOf(register, { ...finding, settling: true }))
  }
  const { ok, ...verdict } = findings.verdict()
  return { ok: ok && undecided.length === 0, ...verdict, undecided }
}

function search(operations: readonly RegisterOperation[], { settling, workMax }: Allowance): Finding {
  return linearize({ operations, settling, workMax }).finding
}

interface Stuck {
  readonly at: RegisterOperation
  /** What the register may have held until then. */
  readonly values: readonly number[]
  readonly settling: boolean
}

function violationOf(register: Register, stuck: Stuck): Violation {
  const { at, values, settling } = stuck
  const needed = contradictionIn(register.operations, stuck)
  const because = needed.filter((operation) => operation !== at)
  const held = listOf(values.map((value) => register.values.textOf(value)))
  const message =
    `${nameOf(at)} ${answerOf(at, register)}, where the register held ${held}` +
    (because.length === 0 ? '' : `: ${because.map(nameOf).join(', ')}`)
  const lines = needed.flatMap((operation) => operation.lines)
  return { rule: settling ? 'settled' : 'linearizable', key: register.key, message, lines }
}

function nameOf({ title, lines }: RegisterOperation): string {
  return `${title} (line ${lines.join(', ')})`
}

function answerOf({ step }: RegisterOperation, { values }: Register): string {
  if (step.kind === 'read') return `showed ${values.textOf(step.value)}`
  if (step.kind !== 'mismatch') return 'succeeded'
  return step.current === undefined ? 'failed' : `failed on ${values.textOf(step.current)}`
}

const LISTED_MAX = 4

function listOf(texts: readonly string[]): string {
  const more = texts.length - LISTED_MAX
  return more > 1 ? `${texts.slice(0, LISTED_MAX).join(', ')} or one of ${more} more` : texts.join(' or ')
}

/**
 * Few operations that contradict each other: every one that can be done without is left out. A look is left out by
 * striking it; a change by letting it happen at any later time or never, which asks less of the store, so that what
 * still contradicts is a contradiction of the whole history too. Parts are tried from halves down to single ones
 * (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", 2002).
 */
function contradictionIn(all: readonly RegisterOperation[], { at, settling }: Stuck): RegisterOperation[] {
  let work = 0
  const isStuck = (operations: readonly RegisterOperation[]): boolean => {
    const tried = linearize({ operations, settling, workMax: EXPLAINING_MAX - work })
    work += tried.work
    return tried.finding.kind === 'stuck'
  }
  const begun = all.filter(({ startRank }) => startRank < at.endRank)
  const cut = begun.flatMap((operation) => (operation.endRank > at.endRank ? withoutEnd(operation) : [operation]))
  // Looks go first: that a value was written says more than that it was read.
  let found = [...cut.filter((operation) => !changes(operation)), ...cut.filter(changes)]
  for (let size = Math.ceil(cut.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let place = 0; place < found.length;) {
      const part = found.slice(place, place + size).flatMap(withoutEnd)
      const less = [...found.slice(0, place), ...part, ...found.slice(place + size)]
      // Struck ones have moved up what follows; changes without an end stay where they are.
      if (!found.slice(place, place + size).some(isInsistent) || !isStuck(less)) place += size
      else {
        found = less
        place += part.length
      }
    }
  }
  return found.filter(isInsistent).toSorted((a, b) => a.startRank - b.startRank)
}

/** Whether something is asked of the store: a right answer, or that it does not happen late. */
function isInsistent({ endRank, abandonedRank }: RegisterOperation): boolean {
  return Math.min(endRank, abandonedRank) < Infinity
}

/** What an operation asks for once nobody insists on its answer. */
function withoutEnd(operation: RegisterOperation): RegisterOperation[] {
  return changes(operation) ? [{ ...operation, endRank: Infinity, abandonedRank: Infinity }] : []
}
