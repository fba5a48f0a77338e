/**
 * Erases deleted and expired records, once every replica of the key holds the same one.
 *
 * Part of the replica machine. The first replica of a key drives: it asks the others whether they hold exactly what it
 * holds, and since when (repair/held.ts). In a keyspace with stand-ins every other member has to say that it keeps
 * nothing of the key, so that no hint is outstanding. Only when all have said so for a whole horizon, in one round, are
 * they told to erase; each looks again whether it still holds the same for that long. A replica that is away, or that
 * holds something else, keeps the record where it is, for as long as it takes. No clock on a wall has a part in it.
 *
 * Whoever misses the word keeps the record, and gives it back to the others in an exchange; it is agreed on again.
 * What was erased is remembered together (replica-floor.ts). Older copies in messages are refused by their age.
 *
 * Deleted records are noted as they are written. A slow walk after the start finds those that are there already, and
 * another those that found no room.
 * The host's duty: as for exchanges (replica-exchange.ts), whose steps it shares.
 * Ring: machines.
 */
import { QuorateError } from './base/errors.ts'
import { diesAt, isDead } from './causality/tombstone.ts'
import { digestOf } from './causality/merge.ts'
import type { KeyspaceDefinition } from './keyspace-definition.ts'
import type { Scan } from './message.ts'
import type { ResolvedCore } from './options.ts'
import type { Membership } from './placement/membership.ts'
import { Placement } from './placement/placement.ts'
import type { RecordChange, RecordWrite, StoredRecord } from './record.ts'
import { HeldKeys } from './repair/held.ts'
import type { Agree, Agreed, HeldKey, Reap } from './repair/reap-message.ts'
import { ReapRound, type ReapCandidate } from './repair/reap-round.ts'
import type { Floor } from './replica-floor.ts'
import type { Address, Now, Step } from './step.ts'

/** What it needs of its replica. */
export interface ReaperOwner {
  /** The index of this replica. */
  readonly index: number
  /** Another number in each run, so that its questions have other ids. */
  readonly run: number
  readonly membership: Membership
  readonly options: Pick<ResolvedCore, 'horizonMs' | 'heartbeatMs'>
  /** What is registered, by fingerprint. */
  readonly definitions: ReadonlyMap<number, KeyspaceDefinition>
  readonly floor: Floor
  /** Whether another replica can be asked now. */
  readonly usable: (replica: number, nowMs: number) => boolean
  readonly read: (keyspace: number, key: string) => StoredRecord | undefined
  readonly change: (change: RecordChange, before: StoredRecord, step: Step) => void
}

/** How far it has come since the process began. */
export interface ReaperProgress {
  /** Deleted keys that this replica has to see to. */
  readonly waiting: number
  /** Deleted records that were erased here. */
  readonly erased: number
}

/** Who gets the pages of its walk. */
export const REAP_WALK: Address = -3

interface Waiting {
  readonly keyspace: number
  readonly key: string
  dueAtMs: number
}

/** How far the walk is. */
interface Walk {
  /** Whose records are still to be seen, the one under way last. */
  readonly keyspaces: number[]
  after: string
  /** The page that is under way, or 0. */
  page: number
  nextAtMs: number
}

/** Keys that wait at once. What finds no room is found by a walk later. */
const WAITING_MAX = 16_384
const WALK_RECORDS = 256
/** A pause between two pages, and before a page is asked for again that could not be read. */
const WALK_MS = 50
const WALK_AGAIN_MS = 5_000
/** What nobody could agree on yet is tried again after this part of the horizon. */
const AGAIN = 1 / 8
/** A round takes at most this part of it. */
const ROUND = 1 / 4
const ROUND_HEARTBEATS = 2
/** A round's number has 23 bits for itself and 29 of the run. */
const RUNS = 2 ** 29
const ROUNDS = 2 ** 23
/** Questions about which nothing was heard for so many horizons are forgotten. */
const FORGET = 4

export class ReplicaReaper {
  readonly #owner: ReaperOwner
  readonly #held = new HeldKeys()
  readonly #waiting = new Map<string, Waiting>()
  readonly #placements = new Map<number, Placement>()
  #round: ReapRound | undefined
  #rounds = 0
  #walk: Walk | undefined
  #pages = 0
  /** Whether something found no room since the last walk began. */
  #isMissed = true
  #nextDueMs = Infinity
  #nowMs = 0
  #wallMs = 0
  #erased = 0

  constructor(owner: ReaperOwner) {
    this.#owner = owner
  }

  get progress(): ReaperProgress {
    return { waiting: this.#waiting.size, erased: this.#erased }
  }

  /** A record was written or erased here. */
  changed({ keyspace, key, record }: RecordChange): void {
    this.#held.changed(keyspace, key)
    if (record !== undefined) this.#note(keyspace, key, record)
  }

  tick(now: Now, step: Step): void {
    const nowMs = (this.#nowMs = now.monoMs)
    this.#wallMs = now.wallMs
    if (this.#owner.options.horizonMs === 0) return
    if (this.#round !== undefined && nowMs >= this.#round.endsAtMs) this.#close(this.#round, now, step)
    if (this.#round === undefined && nowMs >= this.#nextDueMs) this.#begin(now, step)
    this.#walkOn(nowMs, step)
    step.wakeAt = Math.min(step.wakeAt, this.#round?.endsAtMs ?? this.#nextDueMs)
  }

  /** A question from another replica, the one with this index, or -1 for somebody who is none. */
  asked(question: Agree | Reap, asker: { readonly from: Address; readonly peer: number }, now: Now, step: Step): void {
    const { from, peer } = asker
    if (peer < 0 || peer === this.#owner.index || this.#owner.options.horizonMs === 0) return
    if (question.kind === 'reap') return this.#erase(question.entries, now, step)
    this.#held.forget(now.monoMs - FORGET * this.#owner.options.horizonMs)
    const heldMs = question.entries.map((entry) => Math.floor(this.#heldMs(entry, now)))
    step.send(from, { kind: 'agreed', id: question.id, heldMs })
  }

  /** An answer of a peer. Late, doubled and unknown ones change nothing. */
  answered({ id, heldMs }: Agreed, peer: number, now: Now, step: Step): void {
    const round = this.#round
    if (round === undefined || id !== round.id || now.monoMs >= round.endsAtMs) return
    round.answered(peer, heldMs)
    if (round.isOver) this.#close(round, now, step)
  }

  /** A page of the walk; `undefined` if it could not be read. */
  paged(
    { id }: Scan,
    page: { readonly entries: readonly RecordWrite[]; readonly done: boolean } | undefined,
    now: Now,
  ): void {
    const walk = this.#walk
    if (walk === undefined || id !== walk.page) return
    walk.page = 0
    walk.nextAtMs = now.monoMs + (page === undefined ? WALK_AGAIN_MS : WALK_MS)
    if (page === undefined) return
    for (const { keyspace, key, record } of page.entries) this.#note(keyspace, key, record)
    walk.after = page.done ? '' : (page.entries.at(-1)?.key ?? walk.after)
    if (page.done) walk.keyspaces.pop()
  }

  /** A record that may have to be erased one day. */
  #note(keyspace: number, key: string, record: StoredRecord): void {
    const endMs = diesAt(record)
    if (endMs === Infinity || this.#owner.options.horizonMs === 0) return
    const definition = this.#owner.definitions.get(keyspace)
    if (definition === undefined || this.#listOf(definition, key)[0] !== this.#owner.index) return
    const name = nameOf(keyspace, key)
    if (this.#waiting.has(name)) return
    if (this.#waiting.size >= WAITING_MAX) {
      this.#isMissed = true
      return
    }
    this.#waiting.set(name, { keyspace, key, dueAtMs: Infinity })
    this.#postpone(name, this.#untilMs(endMs))
  }

  /**
   * How long to wait for a record that is dead from this Unix millisecond on, and some more; not so long that a wrong
   * clock would do harm.
   */
  #untilMs(endMs: number): number {
    return Math.min(this.#owner.options.horizonMs, Math.max(0, endMs - this.#wallMs)) + this.#againMs
  }

  get #againMs(): number {
    return AGAIN * this.#owner.options.horizonMs
  }

  #postpone(name: string, ms: number): void {
    const waiting = this.#waiting.get(name)
    if (waiting === undefined) return
    waiting.dueAtMs = this.#nowMs + ms
    this.#nextDueMs = Math.min(this.#nextDueMs, waiting.dueAtMs)
  }

  /** Asks about as many of those that are due as one round has room for. */
  #begin(now: Now, step: Step): void {
    const { options, run } = this.#owner
    const lastsMs = Math.min(ROUND * options.horizonMs, ROUND_HEARTBEATS * options.heartbeatMs)
    const id = (run % RUNS) * ROUNDS + (++this.#rounds % ROUNDS)
    const round = new ReapRound(id, now.monoMs + lastsMs)
    this.#nextDueMs = Infinity
    for (const [name, { keyspace, key, dueAtMs }] of this.#waiting) {
      if (dueAtMs > now.monoMs || round.isFull) {
        this.#nextDueMs = Math.min(this.#nextDueMs, dueAtMs)
        continue
      }
      const candidate = this.#candidate(keyspace, key, now)
      if (candidate === 'gone') this.#waiting.delete(name)
      else if (candidate === 'later') this.#postpone(name, this.#againMs)
      else if (typeof candidate === 'number') this.#postpone(name, this.#untilMs(candidate))
      else round.add(candidate)
    }
    if (round.size === 0) return
    this.#round = round
    for (const { peer, entries } of round.questions()) step.send(peer, { kind: 'agree', id: round.id, entries })
    if (round.isOver) this.#close(round, now, step)
  }

  /**
   * What is to be asked about a key; `later` while somebody is away, `gone` when there is nothing to erase, and when its
   * time is over for a record that has some left.
   */
  #candidate(keyspace: number, key: string, now: Now): ReapCandidate | 'gone' | 'later' | number {
    const { definitions, index, membership, usable } = this.#owner
    const definition = definitions.get(keyspace)
    const record = this.#read(keyspace, key)
    const endMs = record === undefined ? Infinity : diesAt(record)
    if (definition === undefined || record === undefined || endMs === Infinity) return 'gone'
    if (endMs > now.wallMs) return endMs
    const list = this.#listOf(definition, key)
    const replicas = list.filter((replica) => replica !== index)
    const isSloppy = definition.sloppy === true
    const others = isSloppy ? membership.members.flatMap((_, member) => (list.includes(member) ? [] : [member])) : []
    if (![...replicas, ...others].every((peer) => usable(peer, now.monoMs))) return 'later'
    const digest = digestOf(record)
    return { keyspace, key, digest, replicas, others, heldMs: this.#held.ask({ keyspace, key, digest }, now.monoMs) }
  }

  /** The round is over: what all hold for long enough is erased everywhere, the rest has to wait. */
  #close(round: ReapRound, now: Now, step: Step): void {
    const { horizonMs } = this.#owner.options
    this.#nowMs = now.monoMs
    this.#round = undefined
    const ripe: ReapCandidate[] = []
    for (const { candidate, heldMs } of round.results()) {
      const name = nameOf(candidate.keyspace, candidate.key)
      if (heldMs >= horizonMs) {
        ripe.push(candidate)
        // Should it not be erased here, it is looked at again.
        this.#postpone(name, this.#againMs)
      } else {
        this.#postpone(name, heldMs < 0 ? this.#againMs : Math.max(this.#againMs, horizonMs - heldMs))
      }
    }
    const byPeer = new Map<number, HeldKey[]>()
    for (const { keyspace, key, digest, replicas } of ripe) {
      for (const peer of replicas) {
        const entries = byPeer.get(peer)
        if (entries === undefined) byPeer.set(peer, [{ keyspace, key, digest }])
        else entries.push({ keyspace, key, digest })
      }
    }
    for (const [peer, entries] of byPeer) step.send(peer, { kind: 'reap', id: round.id, entries })
    this.#erase(ripe, now, step)
    step.wakeAt = Math.min(step.wakeAt, this.#nextDueMs)
  }

  #erase(entries: readonly HeldKey[], now: Now, step: Step): void {
    const ripe = new Map<string, { readonly entry: HeldKey; readonly record: StoredRecord }>()
    for (const entry of entries) {
      const { keyspace, key, digest } = entry
      if (this.#held.heldMs(entry, now.monoMs) < this.#owner.options.horizonMs) continue
      const record = this.#read(keyspace, key)
      if (record === undefined || digestOf(record) !== digest || !isDead(record, now.wallMs)) continue
      ripe.set(nameOf(keyspace, key), { entry, record })
    }
    if (ripe.size === 0) return
    this.#owner.floor.raise(
      [...ripe.values()].map(({ entry: { keyspace }, record }) => ({ keyspace, record })),
      step,
    )
    for (const [name, { entry, record }] of ripe) {
      this.#waiting.delete(name)
      this.#erased++
      this.#owner.change({ keyspace: entry.keyspace, key: entry.key, record: undefined }, record, step)
    }
  }

  /** For how long this replica holds what it is asked about: the record, or nothing if the key is not its own. */
  #heldMs(entry: HeldKey, now: Now): number {
    const { keyspace, key, digest } = entry
    const definition = this.#owner.definitions.get(keyspace)
    if (definition === undefined) return -1
    let record: StoredRecord | undefined
    try {
      record = this.#owner.read(keyspace, key)
    } catch (error) {
      if (!(error instanceof QuorateError)) throw error
      return -1
    }
    const isOwn = this.#listOf(definition, key).includes(this.#owner.index)
    const holds = isOwn
      ? record !== undefined && digestOf(record) === digest && isDead(record, now.wallMs)
      : record === undefined && digest === 0
    return holds ? this.#held.ask(entry, now.monoMs) : -1
  }

  /** What is damaged cannot be erased, and must not keep others from it. */
  #read(keyspace: number, key: string): StoredRecord | undefined {
    try {
      return this.#owner.read(keyspace, key)
    } catch (error) {
      if (!(error instanceof QuorateError)) throw error
      return undefined
    }
  }

  #walkOn(nowMs: number, step: Step): void {
    if (this.#walk === undefined && this.#isMissed && this.#waiting.size <= WAITING_MAX / 2) {
      this.#isMissed = false
      this.#walk = { keyspaces: [...this.#owner.definitions.keys()], after: '', page: 0, nextAtMs: nowMs + WALK_MS }
    }
    const walk = this.#walk
    const keyspace = walk?.keyspaces.at(-1)
    if (walk === undefined || keyspace === undefined) {
      this.#walk = undefined
      return
    }
    if (walk.page !== 0) return
    if (nowMs < walk.nextAtMs) {
      step.wakeAt = Math.min(step.wakeAt, walk.nextAtMs)
      return
    }
    walk.page = ++this.#pages
    const what = { id: walk.page, keyspace, prefix: '', after: walk.after, limit: WALK_RECORDS }
    step.scans.push({ to: REAP_WALK, request: { kind: 'scan', round: 0, ...what } })
  }

  #listOf(definition: KeyspaceDefinition, key: string): readonly number[] {
    let placement = this.#placements.get(definition.n)
    if (placement === undefined) {
      placement = new Placement(this.#owner.membership, definition.n)
      this.#placements.set(definition.n, placement)
    }
    return placement.listOf(key).replicas
  }
}

function nameOf(keyspace: number, key: string): string {
  return `${keyspace}/${key}`
}
