/**
 * What every client operation has in common: who was asked, who answered, until when, and how it fails.
 *
 * An operation is a decision: it is told what came in and writes down in an `Agenda` what to do next. It never sees a
 * message; the coordinator carries the `Agenda` out.
 * Ring: decisions.
 */
import { QuorateError, type ErrorCode, type ErrorDetail, type Outcome, type ReplicaSaid } from '../base/errors.ts'
import type { Births } from '../births.ts'
import type { Life } from '../message.ts'
import type { PreferenceList } from '../placement/placement.ts'
import type { Quorum } from '../quorum/quorum.ts'
import { count, POSITIONS_MAX } from '../quorum/quorum.ts'
import type { StoredRecord } from '../record.ts'
import type { RefusalCode } from '../refusal.ts'

/** What an operation wants done now, as masks over positions of its preference list. The coordinator empties it. */
export class Agenda {
  /** Ask these for their record. */
  full = 0
  /** Ask these for a digest. */
  digest = 0
  /** Ask these to mint. */
  mint = 0
  /** Send `record` to these. */
  write = 0
  record: StoredRecord | undefined = undefined
  /** Send `record` to these, to be kept for a replica that cannot be reached. */
  keep = 0
  /** Ask these for a page of records. */
  scan = 0
  /** Ask these what is registered, or to register. */
  open = 0
  /** Ask these to promise the operation's ballot, or to accept its proposal. */
  prepare = 0
  accept = 0
  /** The operation takes part in the rounds of its key from now on. */
  queue = false
  /** The operation is over: a result, or an error. */
  done: unknown = undefined

  /** Whether there is anything to do. */
  get any(): boolean {
    const asked = this.full | this.digest | this.mint | this.write | this.keep | this.scan | this.open
    return (asked | this.prepare | this.accept) !== 0 || this.queue || this.done !== undefined
  }

  clear(): void {
    this.full = this.digest = this.mint = this.write = this.keep = this.scan = this.open = 0
    this.prepare = this.accept = 0
    this.queue = false
    this.record = this.done = undefined
  }
}

/** Names of the members by index, for receipts and errors. */
export type Names = readonly string[]

/** What the coordinator knows of the replicas on an operation's preference list. It reuses the object. */
export interface View {
  /** Positions that can be asked now. */
  readonly usable: number
  /** The same positions, the cheapest first. */
  readonly order: readonly number[]
  /** Those of them that answer much slower than the fastest. */
  readonly slow: number
  /** The position of the replica in this process, or -1. */
  readonly local: number
  readonly names: Names
  /** By index of the replica: which life of it answered last, once one did. */
  readonly lives: readonly (Life | undefined)[]
  /** Acceptors that are known to have lost their disks. */
  readonly births: Births
  readonly nowMs: number
}

/** Negative, and with a fraction: a list of small integers would be copied when the first time or digest is put in. */
const UNKNOWN: readonly number[] = Array.from({ length: POSITIONS_MAX }, () => -0.5)

/** A number for each position of the list, negative until it is known. */
export function unknownFor(list: PreferenceList): number[] {
  return UNKNOWN.slice(0, list.replicas.length)
}

export abstract class Operation {
  /** The request id; 0 until the coordinator accepted the operation. */
  id = 0
  tag: unknown = undefined
  readonly startedAtMs: number
  readonly deadlineMs: number
  /** When to hedge or to ask again. */
  lateAtMs: number = Infinity
  /** Positions that were asked anything, answered as needed, or cannot any more. */
  asked = 0
  answered = 0
  failed = 0
  /** Positions that will never do what they were asked. */
  refusedForGood = 0
  /** The round that counts: answers to older questions of this operation are not mixed with newer ones. */
  round = 0
  /** Milliseconds until each position's first answer. */
  readonly tookMs: number[]
  readonly list: PreferenceList
  /** Why positions refused. Made with the first refusal. */
  refusals: Map<number, string> | undefined = undefined

  abstract readonly kind: 'get' | 'put' | 'delete' | 'update' | 'scan' | 'open' | 'settle' | 'proposal'
  abstract readonly keyspaceName: string
  abstract readonly keyspaceFingerprint: number
  abstract readonly quorum: Quorum

  constructor(list: PreferenceList, times: { readonly nowMs: number; readonly timeoutMs: number }) {
    this.list = list
    this.startedAtMs = times.nowMs
    this.deadlineMs = times.nowMs + times.timeoutMs
    this.tookMs = unknownFor(list)
  }

  #taught = 0

  /** How long it waits at least before it asks anybody again. */
  get patienceMsMin(): number {
    return 0
  }

  /** Positions that answered as the quorum counts them. */
  protected get counted(): number {
    return this.answered
  }

  /** Positions that may still give what is needed. */
  get possible(): number {
    return this.asked & ~this.failed
  }

  /** First questions, or the refusal. */
  abstract begin(agenda: Agenda, view: View): void
  /** The position cannot answer: its link is gone. */
  abstract lost(position: number, agenda: Agenda, view: View): void
  /** The position refused, for this reason. */
  refused(position: number, _code: RefusalCode, agenda: Agenda, view: View): void {
    this.lost(position, agenda, view)
  }

  /** The position is to be asked once more what it was asked. */
  abstract again(position: number, agenda: Agenda): void
  /** Answers are overdue. */
  abstract late(agenda: Agenda, view: View): void
  /** What became of it if it ended in failure now. */
  abstract outcome(): Outcome
  /** What was missing, if time ran out now. */
  abstract waitingFor(): string

  /** Whether this position has not been taught the keyspace yet on behalf of this operation. */
  teach(position: number): boolean {
    const first = (this.#taught & (1 << position)) === 0
    this.#taught |= 1 << position
    return first
  }

  /** Ends it for want of answers. */
  fail(agenda: Agenda, reason: { readonly code: ErrorCode; readonly why: string }, names: Names): void {
    const { code, why } = reason
    const { required } = this.quorum
    const received = count(this.counted)
    const outcome = this.outcome()
    const isHopeless = code === 'QUORATE_LIMIT' || code === 'QUORATE_INVALID_OPTION'
    const retry = outcome !== 'none' ? 'same-operation' : isHopeless ? 'no' : 'safe'
    const has = this.quorum.names === true && received > 0 ? this.#answeredBy(names).join(', ') : received
    const message = `${this.kind} in ${this.keyspaceName}: ${why} (needs ${this.quorum.text}, has ${has})`
    const replicas = this.said(names)
    agenda.done = new QuorateError(code, message, { outcome, retry, required, received, replicas, ...this.identity() })
  }

  /** Ends it before anything was sent: those that can be reached hold no quorum. */
  protected unavailable(agenda: Agenda, view: View): void {
    this.failed = ~view.usable
    this.fail(
      agenda,
      { code: 'QUORATE_UNAVAILABLE', why: 'too few replicas can be reached; nothing was sent' },
      view.names,
    )
  }

  /** What each replica had said by now. */
  said(names: Names): Record<string, ReplicaSaid> {
    const said: Record<string, ReplicaSaid> = {}
    this.list.replicas.forEach((replica, position) => {
      said[names[replica] as string] = this.#saidBy(position)
    })
    return said
  }

  /** Writes carry an operation identity in their errors. */
  protected identity(): Pick<ErrorDetail, 'operation' | 'leader'> {
    return {}
  }

  #answeredBy(names: Names): readonly string[] {
    const answered = this.list.replicas.filter((_, position) => this.counted & (1 << position))
    return answered.map((replica) => names[replica] as string)
  }

  #saidBy(position: number): ReplicaSaid {
    const bit = 1 << position
    const refusal = this.refusals?.get(position)
    if (refusal !== undefined) return `refused: ${refusal}`
    if (this.answered & bit) return 'answered'
    if (this.failed & bit) return 'unreachable'
    return this.asked & bit ? 'silent' : 'not asked'
  }
}
