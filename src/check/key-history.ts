/**
 * All that a history says about one key: its writes, its answers, and which write saw which.
 *
 * Write B *saw* write A when A is in B's `saw`, or when B saw something that saw A. A write that failed saw nothing and
 * was seen by nobody. The relation takes a bit for each pair of writes of the key, and nothing for blind writes.
 */
import { invalid } from '../core/base/errors.ts'
import { BitSet, NOTHING } from './bit-set.ts'
import type { Happened, Operation } from './operations.ts'

/** One put or delete, with all attempts to get it done. */
export interface Write {
  /** Its place among the key's writes, by first attempt. Whatever it saw has a lower one. */
  readonly id: number
  readonly f: 'put' | 'delete'
  /** What was put, or the delete's name. */
  readonly value: string
  readonly session: string | undefined
  readonly happened: Happened
  readonly saw: readonly string[]
  readonly lines: readonly number[]
  /** When its first attempt that did not fail began: it cannot have been there before. */
  readonly startRank: number
  /** When an attempt was first acknowledged: it is there from here on. Infinity if none was. */
  readonly ackRank: number
  /** The same for strict acknowledgements alone. */
  readonly strictAckRank: number
  /** `startRank`'s time in nanoseconds. */
  readonly startedAt: number
  /** `ackRank`'s time in nanoseconds. */
  readonly ackedAt: number
  /**
   * Whether it was tried again without the identity of the operation. For `lww` such an attempt may carry another
   * stamp, so the write may win again over one that saw it.
   */
  readonly restamped: boolean
  /** When it was certainly stamped, in nanoseconds: every attempt is acknowledged or failed. Else Infinity. */
  readonly settledAt: number
}

/** What was shown to somebody: by a get that ended well, or by a replica at the very end. */
export interface Answer {
  readonly kind: 'get' | 'final'
  /** Who answered or asked, for messages. */
  readonly who: string
  readonly values: readonly string[]
  /** The puts that `values` names, without those that are unknown or failed. No doubles. */
  readonly ids: readonly number[]
  readonly session: string | undefined
  readonly strict: boolean
  readonly lines: readonly number[]
  /** Infinity for a final: it comes after everything. */
  readonly startRank: number
  readonly endRank: number
  /** Nanoseconds. */
  readonly startedAt: number
}

/** What a key's history is made of. */
export interface KeyMaterial {
  readonly key: string
  readonly operations: readonly Operation[]
  readonly finals: readonly { readonly replica: string; readonly value: readonly string[]; readonly line: number }[]
  /** What an operation whose lines do not say is taken for. */
  readonly strict: boolean
}

export class KeyHistory {
  readonly key: string
  readonly writes: readonly Write[]
  /** By start. */
  readonly gets: readonly Answer[]
  readonly finals: readonly Answer[]
  readonly #byValue = new Map<string, Write>()
  #ancestors: readonly BitSet[] | undefined
  #deletedFrom: Float64Array | undefined

  constructor(material: KeyMaterial) {
    this.key = material.key
    this.writes = writesOf(material)
    for (const write of this.writes) this.#byValue.set(write.value, write)
    this.gets = material.operations
      .filter(({ f, happened }) => f === 'get' && happened === 'yes')
      .map((get) => this.#get(get, material.strict))
    this.finals = material.finals.map((final) => this.#final(final))
  }

  get answers(): readonly Answer[] {
    return [...this.gets, ...this.finals]
  }

  find(value: string): Write | undefined {
    return this.#byValue.get(value)
  }

  write(id: number): Write {
    return this.writes[id] as Write
  }

  /** All that a write saw. */
  ancestors(id: number): BitSet {
    this.#ancestors ??= this.#findAncestors()
    return this.#ancestors[id] ?? NOTHING
  }

  /** Whether the first write saw the second. */
  saw(later: number, earlier: number): boolean {
    return this.ancestors(later).has(earlier)
  }

  /** From which rank on a delete that saw this write may have removed it. Infinity for never. */
  deletedFrom(id: number): number {
    this.#deletedFrom ??= this.#findDeletes()
    return this.#deletedFrom[id] ?? Infinity
  }

  /**
   * Whether the answer holds a write: it shows it or something that saw it, or a delete that saw it may have happened.
   * A delete leaves nothing to be shown, so the mere possibility of one has to do.
   */
  holds(answer: Answer, id: number): boolean {
    if (answer.ids.includes(id) || this.deletedFrom(id) < answer.endRank) return true
    return answer.ids.some((shown) => this.saw(shown, id))
  }

  #findAncestors(): BitSet[] {
    const ancestors: BitSet[] = []
    for (const { id, happened, saw } of this.writes) {
      // What began later, or not at all, cannot have been seen, whatever the line says.
      const parents = saw.map((value) => this.find(value)).filter((seen) => seen !== undefined && seen.id < id)
      const real = parents.filter((seen) => seen?.happened !== 'no')
      const all = real.length === 0 || happened === 'no' ? NOTHING : new BitSet(id)
      for (const parent of real) {
        if (all === NOTHING || parent === undefined) continue
        all.addAll(ancestors[parent.id] ?? NOTHING)
        all.add(parent.id)
      }
      ancestors.push(all)
    }
    return ancestors
  }

  #findDeletes(): Float64Array {
    const from = new Float64Array(this.writes.length).fill(Infinity)
    for (const { id, f, startRank } of this.writes) {
      if (f === 'put') continue
      for (const seen of this.ancestors(id).without([])) from[seen] = Math.min(from[seen] ?? Infinity, startRank)
    }
    return from
  }

  #get(get: Operation, strict: boolean): Answer {
    const { session, lines, startRank, endRank, startedAt, shown } = get
    const shared = { session, lines, startRank, endRank, startedAt, values: shown, ids: this.#idsOf(shown) }
    return { kind: 'get', who: `get by process ${get.process}`, strict: get.strict ?? strict, ...shared }
  }

  #final({ replica, value, line }: KeyMaterial['finals'][number]): Answer {
    return {
      kind: 'final',
      who: `final of replica ${replica}`,
      values: value,
      ids: this.#idsOf(value),
      session: undefined,
      strict: false,
      lines: [line],
      startRank: Infinity,
      endRank: Infinity,
      startedAt: Infinity,
    }
  }

  #idsOf(values: readonly string[]): number[] {
    const ids = new Set<number>()
    for (const value of values) {
      const write = this.find(value)
      if (write?.f === 'put' && write.happened !== 'no') ids.add(write.id)
    }
    return [...ids]
  }
}

/** The attempts at one write joined, by the start of the first that did not fail. */
function writesOf({ operations, strict }: KeyMaterial): Write[] {
  const attempts = new Map<string, Operation[]>()
  for (const operation of operations) {
    if (operation.f === 'get') continue
    const before = attempts.get(operation.value)
    if (before === undefined) attempts.set(operation.value, [operation])
    else before.push(operation)
  }
  const inOrder = [...attempts.values()].toSorted((a, b) => firstOf(a).startRank - firstOf(b).startRank)
  return inOrder.map((all, id) => writeOf({ id, all, strict }))
}

/** The first attempt that did not fail; the very first if all did. */
function firstOf(all: readonly Operation[]): Operation {
  return all.find(({ happened }) => happened !== 'no') ?? (all[0] as Operation)
}

function writeOf(at: { readonly id: number; readonly all: readonly Operation[]; readonly strict: boolean }): Write {
  const { id, all, strict } = at
  const real = all.filter(({ happened }) => happened !== 'no')
  const first = firstOf(all)
  for (const other of real) checkSameWrite(first, other)
  const acknowledged = real.filter(({ happened }) => happened === 'yes')
  const strictly = acknowledged.filter((attempt) => attempt.strict ?? strict)
  return {
    id,
    f: first.f === 'delete' ? 'delete' : 'put',
    value: first.value,
    session: first.session,
    happened: acknowledged.length > 0 ? 'yes' : first.happened,
    saw: first.saw,
    lines: (real.length > 0 ? real : all).flatMap(({ lines }) => lines),
    startRank: first.startRank,
    ackRank: Math.min(...acknowledged.map(({ endRank }) => endRank)),
    strictAckRank: Math.min(...strictly.map(({ endRank }) => endRank)),
    startedAt: first.startedAt,
    ackedAt: Math.min(...acknowledged.map(({ endedAt }) => endedAt)),
    restamped: real.some((attempt) => attempt !== first && attempt.op === undefined),
    settledAt: Math.max(...real.map(({ endedAt }) => endedAt)),
  }
}

/** Two writes under one name could not be told apart; two contexts of one write leave open what it replaced. */
function checkSameWrite(a: Operation, b: Operation): void {
  if (a === b) return
  const name = `history line ${b.lines[0] ?? 0}: value ${JSON.stringify(b.value)} of key ${JSON.stringify(b.key)}`
  const ops = a.op !== undefined && b.op !== undefined && a.op !== b.op
  if (a.f !== b.f || ops) throw invalid(`${name} was written before by another operation`)
  const seen = new Set(a.saw)
  if (seen.size !== new Set(b.saw).size || !b.saw.every((value) => seen.has(value))) {
    throw invalid(`${name} is retried with another \`saw\` than before`)
  }
}
