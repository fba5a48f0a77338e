/**
 * The leader of one keyspace: the registers that it knows, and one round of each at a time.
 *
 * A key that it has not asked for in its generation it recovers first: a round with both phases finds whatever earlier
 * leaders left, and has it accepted again. From then on nobody else's proposal can be chosen below what it was promised,
 * so it knows the state: a change is one round without the first phase, and takes with it all that came for the key since
 * the last one. A read under the lease asks nobody. What is read is what was *chosen* last: a change that is under way
 * has been shown to nobody.
 *
 * Steps are counted for all keys of a generation together, so no ballot is used twice, even where a key was dropped from
 * the table in between. Whatever says how the register is now is said only while the lease lasts, by the clock at that
 * moment; that a change was made is true in any case.
 * Ring: machines.
 */
import { AppliedMemory } from './consensus/applied-memory.ts'
import { visibleIn, type Attempt, type Memory, type Verdict, type Visible } from './consensus/change.ts'
import type { Seat } from './coordinator-seats.ts'
import type { Keyspace } from './operation/keyspace.ts'
import { Proposal, type Decided, type Proposable, type ProposalEnd } from './operation/proposal.ts'
import type { RegisterState } from './record.ts'
import { Retried } from './replay-guard.ts'
import type { Now, Step } from './step.ts'

/** Somebody's operation, as the leader gets it. */
export interface LedCall extends Proposable {
  readonly key: string
  /** Nobody waits for it any more. */
  readonly isOver: boolean
  readonly attempt: Attempt & { memory?: Memory | undefined }
  /** Whether it may have been sent before. */
  isRetry: boolean
  /** The round that served it; nothing for what was read under the lease. */
  told(verdict: Verdict, round: Proposal | undefined, now: Now, step: Step): void
  failed(why: 'not-leader' | 'unavailable', now: Now, step: Step): void
}

export interface LeadHost {
  readonly keyspace: Keyspace
  readonly seat: Seat
  run(round: Proposal, now: Now, step: Step): void
  drop(round: Proposal): void
  /** Gives the lead up. */
  resign(seat: Seat, now: Now, step: Step): void
}

interface Entry {
  readonly key: string
  /** What was chosen last; nothing before it is known. */
  state: RegisterState | undefined
  /** What its table had forgotten when it was recovered here: of what began later, everything is known. */
  forgottenAt: number | undefined
  waiting: LedCall[]
  round: Proposal | undefined
  /** Whether it was used since it was last looked at for dropping. */
  isUsed: boolean
  bytes: number
}

/** Operations that one round serves: so many still find themselves in the table of a state. */
const TOGETHER_MAX = 32
const ENTRIES_MAX = 65_536
const TABLE_BYTES_MAX = 67_108_864
/** Entries that are looked at to make room for one. */
const DROP_LOOKS_MAX = 16
const NEW = { state: undefined, forgottenAt: undefined, round: undefined, isUsed: true, bytes: 0 }
const ENTRY_BYTES = 200
const BYTES_PER_NUMBER = 8
/** A value that views more memory than this is copied, or what came with it would be kept as well. */
const VIEWED_BYTES_MAX = 16_384

export class Lead {
  readonly #host: LeadHost
  /** Of the table; 0 while this process does not lead. */
  #generation = 0
  #steps = 0
  #bytes = 0
  readonly #table = new Map<string, Entry>()
  readonly #memory = new AppliedMemory()
  /** Operations of which a retry was served here: an earlier attempt that comes late is one as well. */
  readonly #retried = new Retried()
  /** Retries that were told that nothing was done: an earlier attempt that comes late must not be. */
  readonly #dead = new Retried()

  constructor(host: LeadHost) {
    this.#host = host
  }

  /** Whether this process leads now. */
  leads(nowMs: number): boolean {
    return this.#host.seat.candidate.leads(nowMs)
  }

  /** The value of a key, while the lease lasts and if it is known. */
  look(key: string, now: Now, step: Step): Visible | undefined {
    if (!this.check(now, step)) return undefined
    const entry = this.#table.get(key)
    if (entry?.state === undefined) return undefined
    entry.isUsed = true
    return visibleIn(entry.state)
  }

  serve(call: LedCall, now: Now, step: Step): void {
    if (!this.check(now, step)) return call.failed('not-leader', now, step)
    const { change } = call.attempt
    if (change.kind !== 'look' && this.#isDead(call)) return call.told({ kind: 'fenced' }, undefined, now, step)
    const entry = this.#table.get(call.key) ?? this.#add(call.key)
    entry.isUsed = true
    if (change.kind === 'look' && change.isFresh === true && entry.round === undefined) this.#know(entry, undefined)
    else if (change.kind === 'look' && entry.state !== undefined) {
      return call.told({ kind: 'looked', now: visibleIn(entry.state) }, undefined, now, step)
    }
    if (call.isRetry) call.attempt.memory = this.#memory.of(() => entry.forgottenAt)
    entry.waiting.push(call)
    if (entry.round === undefined) this.#begin(entry, now, step)
  }

  /** Whether this process leads, with the table of this generation: one that it does not lead in is dropped. */
  check(now: Now, step: Step): boolean {
    const { candidate } = this.#host.seat
    const generation = candidate.leads(now.monoMs) ? candidate.generation : 0
    if (generation !== this.#generation) this.#enter(generation, now, step)
    return generation > 0
  }

  /** It leads no more, whatever the lease says. */
  close(now: Now, step: Step): void {
    this.#enter(0, now, step)
  }

  /** A round is over. */
  ended(round: Proposal, { end }: ProposalEnd, now: Now, step: Step): void {
    const entry = this.#table.get(round.plan.key)
    if (entry?.round !== round) return
    entry.round = undefined
    if (end === 'won') this.#won(entry, round, now, step)
    else if (end === 'preempted') {
      // Somebody has a later generation.
      this.#host.resign(this.#host.seat, now, step)
      this.#enter(0, now, step)
    } else {
      // What was sent may be chosen yet.
      if (round.isAccepting) this.#know(entry, undefined)
      if (end === 'outdated') return this.#begin(entry, now, step)
      for (const call of entry.waiting.splice(0)) call.failed('unavailable', now, step)
    }
  }

  #isDead(call: LedCall): boolean {
    const { attempt } = call
    if (this.#dead.has(attempt)) return true
    if (call.isRetry) this.#retried.note(attempt)
    else if (this.#retried.has(attempt)) call.isRetry = true
    return false
  }

  #enter(generation: number, now: Now, step: Step): void {
    const entries = [...this.#table.values()]
    this.#table.clear()
    this.#memory.clear()
    this.#bytes = 0
    this.#steps = 0
    this.#generation = generation
    for (const { round } of entries) if (round !== undefined) this.#host.drop(round)
    for (const { waiting } of entries) for (const call of waiting.splice(0)) call.failed('not-leader', now, step)
  }

  #begin(entry: Entry, now: Now, step: Step): void {
    if (entry.waiting.some(({ isOver }) => isOver)) entry.waiting = entry.waiting.filter(({ isOver }) => !isOver)
    if (entry.waiting.length === 0) return
    const { keyspace, seat } = this.#host
    const { key } = entry
    entry.round = new Proposal({
      keyspace,
      key,
      list: keyspace.listOf(key),
      times: { nowMs: now.monoMs, timeoutMs: Infinity },
      ballot: { counter: this.#generation, proposer: seat.proposer, step: ++this.#steps },
      waiting: () => entry.waiting.filter(({ isOver }) => !isOver).slice(0, TOGETHER_MAX),
      led: { known: entry.state },
    })
    this.#host.run(entry.round, now, step)
  }

  #won(entry: Entry, round: Proposal, now: Now, step: Step): void {
    const { decided } = round
    if (round.isAccepting) {
      if (entry.state !== undefined) this.#memory.changed(entry.state, round.state, appliedIn(decided))
      this.#know(entry, round.state)
      entry.forgottenAt ??= round.state.forgottenAt
    }
    if (decided.length === entry.waiting.length) entry.waiting = []
    else {
      const served = new Set<Proposable>(decided.map(({ operation }) => operation))
      entry.waiting = entry.waiting.filter((call) => !served.has(call))
    }
    for (const each of decided) this.#tell(each, round, now, step)
    const isHere = this.check(now, step) && this.#table.get(entry.key) === entry
    if (isHere && entry.round === undefined) this.#begin(entry, now, step)
  }

  #tell({ operation, verdict }: Decided, round: Proposal, now: Now, step: Step): void {
    const call = operation as LedCall
    const { kind } = verdict
    if (kind !== 'applied' && kind !== 'repeated') {
      // It says how the register is, and no more than the lease keeps others from changing that.
      if (!this.leads(now.monoMs)) return call.failed('not-leader', now, step)
      const { attempt } = call
      const { change } = attempt
      const isFinal = change.kind === 'fence' || (change.kind === 'set' && change.isUpdate !== true)
      if (isFinal && call.isRetry && kind !== 'forgotten') this.#dead.note(attempt)
    }
    call.told(verdict, round, now, step)
  }

  #know(entry: Entry, state: RegisterState | undefined): void {
    const bytes = state === undefined ? 0 : (state.value?.length ?? 0) + BYTES_PER_NUMBER * state.operations.length
    this.#bytes += bytes - entry.bytes
    entry.state = state === undefined ? undefined : ownState(state)
    if (state === undefined) entry.forgottenAt = undefined
    entry.bytes = bytes
  }

  #add(key: string): Entry {
    const entry: Entry = { ...NEW, key, waiting: [] }
    this.#table.set(key, entry)
    if (this.#table.size > ENTRIES_MAX || this.#bytes + this.#table.size * ENTRY_BYTES > TABLE_BYTES_MAX) this.#drop()
    return entry
  }

  /** Drops a key that was not used for a while: what is not known is asked for again. */
  #drop(): void {
    let looks = 0
    for (const [key, entry] of this.#table) {
      if (looks++ >= DROP_LOOKS_MAX) return
      this.#table.delete(key)
      if (!entry.isUsed && entry.round === undefined && entry.waiting.length === 0) {
        this.#bytes -= entry.bytes
        return
      }
      entry.isUsed = false
      this.#table.set(key, entry)
    }
  }
}

function appliedIn(decided: readonly Decided[]): { op: number; at: number; revision: number }[] {
  return decided.flatMap(({ operation: { attempt }, verdict }) => {
    const { op, at } = attempt
    return verdict.kind === 'applied' ? [{ op, at, revision: verdict.now.revision }] : []
  })
}

function ownState(state: RegisterState): RegisterState {
  const { value } = state
  const isView = value !== null && value.buffer.byteLength > Math.max(VIEWED_BYTES_MAX, 2 * value.length)
  return isView ? { ...state, value: new Uint8Array(value) } : state
}
