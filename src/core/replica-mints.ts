/**
 * The replica's part that gives writes their dots: the home of writes in keyspaces with siblings.
 *
 * No dot is given twice and no write gets two, however often and late its request comes: what was seen before is known
 * from the record, from the last requests of each sender, and from the floor of what was erased.
 * Ring: machines.
 */
import { withAllUpTo } from './causality/causal-context.ts'
import {
  dotOf,
  EMPTY_RECORD,
  isPlausible,
  mayHaveForgotten,
  mergeAt,
  mint,
  type Dot,
} from './causality/dotted-record.ts'
import type { Life, Mint, Minted } from './message.ts'
import type { ResolvedCore } from './options.ts'
import type { DottedRecord, RecordChange, StoredRecord } from './record.ts'
import type { Refusal } from './refusal.ts'
import { ReplayGuard, Retried } from './replay-guard.ts'
import type { Floor } from './replica-floor.ts'
import { whyOverBudget } from './sibling-budget.ts'
import type { Address, Step } from './step.ts'

export interface MintsConfig {
  /** Its incarnation is the actor of the dots. */
  readonly life: Life
  readonly options: ResolvedCore
  readonly floor: Floor
  readonly read: (keyspace: number, key: string) => StoredRecord | undefined
  readonly isFull: () => boolean
  readonly change: (change: RecordChange, before: StoredRecord | undefined, step: Step) => void
}

export class Mints {
  readonly #config: MintsConfig
  readonly #guard = new ReplayGuard()
  readonly #retried = new Retried()

  constructor(config: MintsConfig) {
    this.#config = config
  }

  /** A request that is refused unseen. A copy of it that comes later is not taken either. */
  pass({ id }: Mint, from: Address): void {
    this.#guard.note(from, id)
  }

  /** Nothing comes from this address any more. */
  forget(from: Address): void {
    this.#guard.forget(from)
  }

  /** Mints the dot of a write, or finds the one that it has. Gives the reason why not. */
  mint(request: Mint, from: Address, step: Step): Refusal | undefined {
    const { life, read, floor: erased, change } = this.#config
    const { incarnation, run } = life
    if (request.incarnation !== incarnation || request.run !== run) {
      const detail = request.incarnation === incarnation ? 'it has started again' : 'it has lost its data since'
      return { code: 'other-life', detail }
    }
    const { keyspace, key } = request
    const before = read(keyspace, key)
    const current = before?.kind === 'dotted' ? before : EMPTY_RECORD
    const known = dotOf(current, { op: request.op, actor: incarnation })
    if (known !== undefined) {
      step.send(from, minted(request, known, { floor: 0, record: current }))
      return undefined
    }
    const reason = this.#whyNot(request, from, current)
    if (reason !== undefined) return reason
    if (request.again) this.#retried.note(request)
    const floor = hasMinted(current, incarnation) ? 0 : erased.counterOf(incarnation)
    const context = withAllUpTo(request.context, { actor: incarnation, counter: floor })
    const delta = mint(current, incarnation, { ...request, context })
    const record = before === undefined ? delta : mergeAt(incarnation, current, delta)
    change({ keyspace, key, record }, before, step)
    step.send(from, minted(request, delta.siblings[0] as Dot, { floor }))
    return undefined
  }

  /** Why a write that is not known here is not taken. A request that was refused once is not taken later either. */
  #whyNot(request: Mint, from: Address, current: DottedRecord): Refusal | undefined {
    const isNew = this.#guard.note(from, request.id) === 'new'
    const { again, at } = request
    const isErased = again && this.#config.floor.mayHold('dotted', at)
    const isLost = isErased || (again ? mayHaveForgotten(current, at) : this.#retried.has(request))
    if (!isNew || isLost) {
      return { code: 'too-late', detail: 'too much came after the first attempt to tell whether it happened' }
    }
    if (this.#config.isFull()) return { code: 'storage-full', detail: '' }
    if (!isPlausible(current, request.context, this.#config.floor.dots)) {
      return { code: 'bad-context', detail: 'it names writes that this key never had' }
    }
    const over = whyOverBudget(current, request, this.#config.options)
    return over === undefined ? undefined : { code: 'too-many-siblings', detail: `${over}; read the key first` }
  }
}

function minted(
  { id, round }: Mint,
  { actor, counter }: Dot,
  { floor, record }: { readonly floor: number; readonly record?: StoredRecord },
): Minted {
  return { kind: 'minted', id, round, actor, counter, floor, record }
}

/**
 * Whether this actor's dots stand in the record since it first minted one for the key, or since the key was last erased:
 * then no others were ever given. A context alone does not tell: it may have come with a write of somebody who had seen
 * some of what was erased.
 */
function hasMinted({ siblings, replaced }: DottedRecord, actor: number): boolean {
  return replaced.length > 0 || siblings.some((sibling) => sibling.actor === actor)
}
