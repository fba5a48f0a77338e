/**
 * The contract between a machine and its host: what a step gives back.
 *
 * The host calls a machine with an input, the time and a `Step`; the machine appends effects to it as data. Three
 * duties make up the host's side, and everything that quorate promises rests on them:
 *
 * 1. After each call, and before the next, the host makes `writes` visible to the replica's own reads.
 * 2. No message or reply leaves the process before every write that stands in the same or an earlier step is durable.
 *    A step that wrote nothing, and read nothing that still waits for the disk, depends on none of them and may pass.
 * 3. The host may join many steps into one flush and one frame per peer. It never drops a part of a step: a failed
 *    write ends the process, with everything after it unsent.
 *
 * The shape follows etcd-io/raft's `Ready`: one ordered record of effects, persisted before it is sent.
 * Ring: machines (types only).
 */
import type { LocalMessage, Scan } from './message.ts'
import type { RecordChange } from './record.ts'
import type { Notice } from './notice.ts'
import type { Look } from './repair/record-index.ts'

/** The two clocks of a host at the moment of a call. The host may reuse the object; a machine never keeps it. */
export interface Now {
  /** Milliseconds on a clock that never goes back; its zero means nothing. All waiting is counted on it. */
  readonly monoMs: number
  /** Unix milliseconds; may jump. Only hybrid timestamps come from it. */
  readonly wallMs: number
}

/**
 * Whom a message goes to or comes from: a replica's index in the membership, or a number above them that the host
 * gave to a link. A number is never given twice: a sender that restarted has another one.
 */
export type Address = number

/** An answer for the application: `tag` came with the call. */
export interface Reply {
  readonly tag: unknown
  /** A result object, or a `QuorateError`. */
  readonly result: unknown
}

/** The replica asks the host to walk its records in key order and to hand the page to `Replica.scanned`. */
export interface ScanEffect {
  readonly to: Address
  readonly request: Scan
}

/** The replica asks the host for records by their place; what is found goes to `ReplicaExchange.looked`. */
export interface LookEffect {
  readonly id: number
  readonly look: Look
  /** Whose records it is about. */
  readonly keyspaces: readonly number[]
}

/** Effects in order. The host empties it with `clear` once it has taken everything. */
export class Step {
  /** An erasure is a write like any other. */
  readonly writes: RecordChange[] = []
  /**
   * `to[i]` is the receiver of `messages[i]`; two lists, because a step may hold thousands. Errands and what they bring
   * back only ever go to the other machine of the same process.
   */
  readonly to: Address[] = []
  readonly messages: LocalMessage[] = []
  readonly scans: ScanEffect[] = []
  readonly looks: LookEffect[] = []
  readonly replies: Reply[] = []
  readonly notices: Notice[] = []
  /** The machine wants `tick` no later than this monotonic millisecond. `Infinity` for no wish. */
  wakeAt: number = Infinity

  send(to: Address, message: LocalMessage): void {
    this.to.push(to)
    this.messages.push(message)
  }

  /** Forgets the messages, for a host that has taken them. */
  clearSends(): void {
    empty(this.to)
    empty(this.messages)
  }

  clear(): void {
    this.clearSends()
    empty(this.writes)
    empty(this.scans)
    empty(this.looks)
    empty(this.replies)
    empty(this.notices)
    this.wakeAt = Infinity
  }
}

/** Keeps the memory behind a list that fills again at once, which `length = 0` would give away. */
function empty(list: unknown[]): void {
  while (list.length > 0) list.pop()
}
