/**
 * Handing hints over: what the replica in this process keeps for others goes to them once they can be reached.
 *
 * The replica is asked now and then for whom it keeps anything. An owner's hints are walked page by page; each record is
 * sent as an ordinary write, a few at a time, the next when one was answered. The hint is dropped when the owner has the
 * record on disk, and not before: a crash in between only sends it again, and merging twice is merging once. Hints that
 * are too old are dropped on the way, whether the owner is there or not.
 * Ring: machines.
 */
import { stampOf } from './causality/hybrid-time.ts'
import { HINTS_KEYSPACE, hintPrefix, parseHintKey, type HintedKey } from './hint.ts'
import type { KeyspaceDefinition } from './keyspace-definition.ts'
import type { Answer, Hinted, ReadAnswer, Refused, ScanPage } from './message.ts'
import type { Peers } from './operation/peers.ts'
import type { ResolvedCore } from './options.ts'
import type { StoredRecord } from './record.ts'
import { isFinal } from './refusal.ts'
import type { Now, Step } from './step.ts'

/** Request ids of handing over begin here; those of operations would take a century to come so far. */
export const HANDOFF_IDS: number = 2 ** 52

const PAGE = 64
/** Records that are on their way to one owner. */
const WINDOW = 16
/** Heartbeats until an owner is tried again that did not answer, or that refused something. */
const RETRY_BEATS = 2
const REFUSED_BEATS = 10
/** How often hints for an owner that is away are looked through for old ones, while they grow too old once. */
const SWEEPS = 4

export interface HandoffConfig {
  /** The index of the replica in this process. */
  readonly local: number
  readonly peers: Peers
  readonly options: Pick<ResolvedCore, 'heartbeatMs' | 'timeoutMs' | 'hintAgeMsMax'>
  /** Definitions that were opened here, to teach an owner that has forgotten one. */
  readonly opened: ReadonlyMap<number, KeyspaceDefinition>
}

interface Waiting extends HintedKey {
  readonly at: number
}

/** A hint on its way. */
interface Flight {
  readonly hint: HintedKey
  /** When it was asked for. */
  readonly sinceMs: number
  record: StoredRecord | undefined
  digest: number
  isTaught: boolean
}

/** One walk over an owner's hints. */
interface Walk {
  readonly owner: number
  /** Whether the owner cannot be reached, so that only old hints are looked for. */
  readonly isSweep: boolean
  pageId: number
  after: string
  isLast: boolean
  readonly waiting: Waiting[]
  readonly flights: Map<number, Flight>
  delivered: number
  refused: number
  isTold: boolean
  progressAtMs: number
}

export class Handoff {
  readonly #config: HandoffConfig
  readonly #walks = new Map<number, Walk>()
  /** By owner: when it is tried next, and when its hints are next looked through for old ones. */
  readonly #dueAtMs: number[]
  readonly #sweepAtMs: number[]
  readonly #wasUsable: boolean[]
  #askAtMs = -Infinity
  #nextId = HANDOFF_IDS

  constructor(config: HandoffConfig) {
    this.#config = config
    const { names } = config.peers
    this.#dueAtMs = names.map(() => -Infinity)
    this.#sweepAtMs = names.map(() => -Infinity)
    this.#wasUsable = names.map(() => false)
  }

  tick(now: Now, step: Step): void {
    const { peers, options, local } = this.#config
    for (let owner = 0; owner < this.#wasUsable.length; owner++) {
      const usable = peers.usable(owner, now.monoMs)
      if (usable && !this.#wasUsable[owner]) this.#dueAtMs[owner] = this.#askAtMs = -Infinity
      this.#wasUsable[owner] = usable
      const walk = this.#walks.get(owner)
      if (walk === undefined) continue
      const isStuck = now.monoMs - walk.progressAtMs > options.timeoutMs
      if (isStuck || usable === walk.isSweep) this.#end(walk, RETRY_BEATS, now, step)
    }
    if (now.monoMs < this.#askAtMs) return
    this.#askAtMs = now.monoMs + options.heartbeatMs
    step.send(local, { kind: 'hints', id: this.#nextId++, round: 0 })
  }

  receive(answer: Exclude<Answer, { kind: 'pong' }> | Hinted, from: number, now: Now, step: Step): void {
    if (answer.kind === 'hinted') {
      if (from === this.#config.local) this.#hinted(answer.owners, now, step)
      return
    }
    const isLocal = from === this.#config.local
    for (const walk of this.#walks.values()) {
      const flight = walk.flights.get(answer.id)
      if (flight === undefined && walk.pageId !== answer.id) continue
      walk.progressAtMs = now.monoMs
      if (answer.kind === 'scan-page' && isLocal) this.#paged(walk, answer, now, step)
      else if (answer.kind === 'read-answer' && isLocal) this.#read(walk, answer, now, step)
      else if (answer.kind === 'written' && from === walk.owner) this.#written(walk, answer.id, now, step)
      else if (answer.kind === 'refused') this.#refused(walk, answer, now, step)
      return
    }
  }

  #hinted(owners: number, now: Now, step: Step): void {
    for (let owner = 0; owner < this.#wasUsable.length; owner++) {
      if (!(owners & (1 << owner)) || this.#walks.has(owner)) continue
      const isSweep = !this.#config.peers.usable(owner, now.monoMs)
      const dueAtMs = (isSweep ? this.#sweepAtMs : this.#dueAtMs)[owner] as number
      if (now.monoMs >= dueAtMs) this.#begin(owner, isSweep, now, step)
    }
  }

  #begin(owner: number, isSweep: boolean, now: Now, step: Step): void {
    const walk: Walk = {
      owner,
      isSweep,
      pageId: 0,
      after: '',
      isLast: false,
      waiting: [],
      flights: new Map(),
      delivered: 0,
      refused: 0,
      isTold: false,
      progressAtMs: now.monoMs,
    }
    this.#walks.set(owner, walk)
    this.#ask(walk, step)
  }

  #ask(walk: Walk, step: Step): void {
    walk.pageId = this.#nextId++
    const { after, pageId: id } = walk
    const prefix = hintPrefix(this.#nameOf(walk))
    step.send(this.#config.local, { kind: 'scan', id, round: 0, keyspace: HINTS_KEYSPACE, prefix, after, limit: PAGE })
  }

  #paged(walk: Walk, { entries, done }: ScanPage, now: Now, step: Step): void {
    walk.pageId = 0
    walk.isLast = done
    walk.after = entries.at(-1)?.key ?? walk.after
    for (const { key, record } of entries) {
      walk.waiting.push({ ...parseHintKey(key), at: record.kind === 'lww' ? record.at : 0 })
    }
    if (!walk.isSweep && !walk.isTold && entries.length > 0) {
      walk.isTold = true
      step.notices.push({ kind: 'handoff', owner: this.#nameOf(walk), state: 'started', count: entries.length })
    }
    this.#goOn(walk, now, step)
  }

  /** As many as may be on their way; then the next page, or the end. */
  #goOn(walk: Walk, now: Now, step: Step): void {
    const { flights, waiting } = walk
    const oldest = stampOf(now.wallMs - this.#config.options.hintAgeMsMax)
    while (flights.size < WINDOW) {
      const hint = waiting.shift()
      if (hint === undefined) break
      if (hint.at < oldest) this.#drop(walk, hint, undefined, step)
      if (hint.at < oldest || walk.isSweep) continue
      const id = this.#nextId++
      const { keyspace, key } = hint
      flights.set(id, { hint, sinceMs: now.monoMs, record: undefined, digest: 0, isTaught: false })
      step.send(this.#config.local, { kind: 'read', id, round: 0, keyspace, key, digest: false })
    }
    if (flights.size > 0 || walk.pageId !== 0) return
    if (walk.isLast) this.#end(walk, walk.refused > 0 ? REFUSED_BEATS : 0, now, step)
    else this.#ask(walk, step)
  }

  /** What there is to hand over. A hint whose record is gone is about nothing. */
  #read(walk: Walk, { id, record, digest }: ReadAnswer, now: Now, step: Step): void {
    const flight = walk.flights.get(id)
    if (flight === undefined || flight.record !== undefined) return
    if (record === undefined) {
      walk.flights.delete(id)
      this.#drop(walk, flight.hint, digest, step)
      this.#goOn(walk, now, step)
      return
    }
    flight.record = record
    flight.digest = digest
    this.#send(walk, id, flight, now, step)
  }

  #send({ owner }: Walk, id: number, { hint, record, sinceMs }: Flight, now: Now, step: Step): void {
    const { keyspace, key } = hint
    if (record === undefined) return
    const asOf = this.#config.peers.asOf(owner, sinceMs, now.monoMs)
    step.send(owner, { kind: 'write', id, round: 0, keyspace, key, record, asOf, repairs: false })
  }

  #written(walk: Walk, id: number, now: Now, step: Step): void {
    const flight = walk.flights.get(id)
    if (flight?.record === undefined) return
    walk.flights.delete(id)
    walk.delivered++
    this.#drop(walk, flight.hint, flight.digest, step)
    this.#goOn(walk, now, step)
  }

  /** By the owner, or by the replica here, which cannot read it. What would be refused again is left for later. */
  #refused(walk: Walk, { id, code }: Refused, now: Now, step: Step): void {
    const flight = walk.flights.get(id)
    if (flight === undefined) return this.#end(walk, REFUSED_BEATS, now, step)
    const definition = this.#config.opened.get(flight.hint.keyspace)
    const isLesson = code === 'unknown-keyspace' && flight.record !== undefined && !flight.isTaught
    if (isLesson && definition !== undefined) {
      flight.isTaught = true
      const { name } = definition
      step.send(walk.owner, { kind: 'open', id: 0, round: 0, name, definition, confirmed: true })
      this.#send(walk, id, flight, now, step)
      return
    }
    walk.flights.delete(id)
    if (code === 'too-late' && flight.record !== undefined) {
      // It was deleted since, and that erased.
      this.#drop(walk, flight.hint, flight.digest, step)
      return this.#goOn(walk, now, step)
    }
    walk.refused++
    if (isFinal(code) || flight.record === undefined || code === 'unknown-keyspace') this.#goOn(walk, now, step)
    else this.#end(walk, REFUSED_BEATS, now, step)
  }

  #drop({ owner }: Walk, { keyspace, key }: HintedKey, digest: number | undefined, step: Step): void {
    const what = { owner, keyspace, key, digest }
    step.send(this.#config.local, { kind: 'drop-hint', id: this.#nextId++, round: 0, ...what })
  }

  #end(walk: Walk, beats: number, now: Now, step: Step): void {
    const { heartbeatMs, hintAgeMsMax } = this.#config.options
    const { owner } = walk
    this.#walks.delete(owner)
    if (walk.isSweep) this.#sweepAtMs[owner] = now.monoMs + Math.max(REFUSED_BEATS * heartbeatMs, hintAgeMsMax / SWEEPS)
    else this.#dueAtMs[owner] = now.monoMs + beats * heartbeatMs
    if (!walk.isTold) return
    step.notices.push({ kind: 'handoff', owner: this.#nameOf(walk), state: 'ended', count: walk.delivered })
  }

  #nameOf({ owner }: Walk): string {
    return this.#config.peers.names[owner] as string
  }
}
