/**
 * Every message between a coordinator and a replica, and between two replicas, as discriminated unions.
 *
 * A request carries the coordinator's request id and a round within the operation; the answer repeats both, so that a
 * late, doubled or replayed answer never counts for a newer question. `keyspace` is the fingerprint of the keyspace's
 * definition: a replica that registered other options under the name does not know it.
 * Ring: machines.
 */
import type { Ballot } from './base/ballot.ts'
import type { Births } from './births.ts'
import type { CausalContext } from './causality/causal-context.ts'
import type { ElectionRequest, Recollection, Ruled } from './consensus/election-message.ts'
import type { Submit, Submitted } from './consensus/submit-message.ts'
import type { RefusalCode } from './refusal.ts'
import type { KeyspaceDefinition } from './keyspace-definition.ts'
import type { RecordWrite, RegisterState, StoredRecord } from './record.ts'
import type { ExchangeAnswer, Question } from './repair/exchange-message.ts'
import type { Agree, Agreed, Reap } from './repair/reap-message.ts'

/** One run of a replica's process over one incarnation of its data. */
export interface Life {
  /** Drawn when the data began: the actor of the dots minted over it. */
  readonly incarnation: number
  /** Drawn when the process began. */
  readonly run: number
}

interface Numbered {
  /** The coordinator's request id, a whole number that it never uses twice. */
  readonly id: number
  /** Which question of the operation this is, from 0 to 255. */
  readonly round: number
}

/** What do you hold for this key? */
export interface Read extends Numbered {
  readonly kind: 'read'
  readonly keyspace: number
  readonly key: string
  /** Whether the digest alone is enough. */
  readonly digest: boolean
}

/** The digest of the record, 0 for absent, and the record unless the digest was enough or there is none. */
export interface ReadAnswer extends Numbered {
  readonly kind: 'read-answer'
  readonly digest: number
  readonly record: StoredRecord | undefined
}

/** Merge this record into yours. Puts, repairs and handed-off hints are all this one message. */
export interface Write extends Numbered {
  readonly kind: 'write'
  readonly keyspace: number
  readonly key: string
  readonly record: StoredRecord
  /** The index of the replica for which it is to be kept and handed over: a hint. */
  readonly owner?: number
  /** The receiver's clock, as it had told it before the record was got together (replica-clock.ts). 0: not known. */
  readonly asOf: number
  /** Whether it is a copy of what other replicas hold, and not a write that is on its way to them. */
  readonly repairs: boolean
}

/** The record, or one that includes it, is durable here. */
export interface Written extends Numbered {
  readonly kind: 'written'
}

/** Give this write a dot of yours and store it. Refused by any other life of the replica than the one it names. */
export interface Mint extends Numbered, Life {
  readonly kind: 'mint'
  readonly keyspace: number
  readonly key: string
  readonly op: number
  readonly at: number
  readonly by?: string | undefined
  readonly context: CausalContext
  readonly value: Uint8Array | null
  readonly expires?: number | undefined
  /** Whether this replica may have been asked before. */
  readonly again: boolean
}

/** The write is durable here under this dot. */
export interface Minted extends Numbered {
  readonly kind: 'minted'
  readonly actor: number
  readonly counter: number
  /** All dots of the actor up to here are over for this key: it comes after records that were erased. Else 0. */
  readonly floor: number
  /** For a retry of a write that was minted before: a record that knows of it. */
  readonly record: StoredRecord | undefined
}

/** The next records in key order. */
export interface Scan extends Numbered {
  readonly kind: 'scan'
  readonly keyspace: number
  readonly prefix: string
  /** Only keys above this one; the empty string for the beginning. */
  readonly after: string
  readonly limit: number
}

export interface ScanPage extends Numbered {
  readonly kind: 'scan-page'
  readonly entries: readonly RecordWrite[]
  /** Whether no key with the prefix follows the last entry. */
  readonly done: boolean
}

/** Register this keyspace, or tell what is registered under the name. */
export interface Open extends Numbered {
  readonly kind: 'open'
  readonly name: string
  /** Left out: only tell. */
  readonly definition: KeyspaceDefinition | undefined
  /** Whether a majority of the members is known to have registered it. */
  readonly confirmed: boolean
}

/** What is registered here under the name now; nothing for `undefined`. */
export interface Opened extends Numbered {
  readonly kind: 'opened'
  readonly definition: KeyspaceDefinition | undefined
  readonly confirmed: boolean
}

/** Of a round: the births that whoever asks knew when the round began. Who knows of others does not answer. */
interface Witnessed {
  readonly births: Births
}

/** Accept nothing below this ballot for this register any more, and tell what you accepted last. */
export interface Prepare extends Numbered, Witnessed {
  readonly kind: 'prepare'
  readonly keyspace: number
  readonly key: string
  readonly ballot: Ballot
}

/** The promise is durable here. What was accepted last: `NO_BALLOT` for nothing. */
export interface Promised extends Numbered {
  readonly kind: 'promised'
  readonly accepted: Ballot
  readonly state: RegisterState
}

/** Accept this proposal, unless you have promised a higher ballot. */
export interface Accept extends Numbered, Witnessed {
  readonly kind: 'accept'
  readonly keyspace: number
  readonly key: string
  readonly ballot: Ballot
  readonly state: RegisterState
}

/** The proposal is durable here. */
export interface Accepted extends Numbered {
  readonly kind: 'accepted'
}

/** A higher ballot was promised: nothing was done. */
export interface Preempted extends Numbered {
  readonly kind: 'preempted'
  readonly promised: Ballot
}

/** The round does not know that an acceptor lost its disk: nothing was done. These are the births known here. */
export interface Outdated extends Numbered, Witnessed {
  readonly kind: 'outdated'
}

/** What have you promised and accepted for this register? */
export interface Inquire extends Numbered, Witnessed {
  readonly kind: 'inquire'
  readonly keyspace: number
  readonly key: string
  /** Whether the ballots alone are enough. */
  readonly digest: boolean
}

/** Both ballots, and the state unless they were enough. */
export interface Told extends Numbered {
  readonly kind: 'told'
  readonly promised: Ballot
  readonly accepted: Ballot
  readonly state: RegisterState | undefined
}

/** The request was not carried out, for this reason. Silence is not refusal. */
export interface Refused extends Numbered {
  readonly kind: 'refused'
  readonly code: RefusalCode
  readonly detail: string
}

/** Do you hear me? `sentAt` is the sender's monotonic time and comes back as it was. */
export interface Ping {
  readonly kind: 'ping'
  readonly sentAt: number
}

/** I heard you; whoever gets this knows that both directions work, and which life of the replica answers. */
export interface Pong extends Life {
  readonly kind: 'pong'
  readonly sentAt: number
  /** The replica's clock: whoever sends it a record tells it back. */
  readonly clock: number
}

/**
 * This is the life that asks you, a replica, and the keyspaces that it knows as confirmed, as a sum. Remember it if its
 * mark is the highest that you have seen of it.
 */
export interface Announce extends Life {
  readonly kind: 'announce'
  /** A whole number that the sender never uses twice in one run. */
  readonly id: number
  readonly mark: number
  readonly known: number
  /** Of this life as an acceptor; 0 for the first. */
  readonly birth: number
}

/** What an acceptor tells another member that announces itself. */
export interface AcceptorTold {
  /** The keyspaces with registers in which it does not vote. */
  readonly abstains: readonly number[]
  /** The birth that it keeps of the life that asked; 0 for none. */
  readonly kept: number
  /** Of each member that lost its disk: its index, its birth, and the incarnation that drew it. */
  readonly births: readonly number[]
  /** Of each member that it knows, and of itself: index, incarnation, run, mark, and 1 if there was another before. */
  readonly lives: readonly number[]
  /** No higher counter was ever promised by it, but to leaders. */
  readonly bound: number
  /** Of registers that were erased: the highest revision, and the latest time of an operation. */
  readonly revision: number
  readonly forgottenAt: number
}

/** What was remembered of the asker before, and how it stands with the one that answers. */
export interface Acquainted extends Recollection {
  readonly kind: 'acquainted'
  readonly id: number
  /** The incarnation that asked. */
  readonly to: number
  /** The life of the asker with the highest mark; zeros for none. */
  readonly before: Life & { readonly mark: number }
  readonly incarnation: number
  /** Whether it has everything that it should have. */
  readonly whole: boolean
  /** Whether it would remember another life of the asker: not so when it may have lost its own data. */
  readonly remembers: boolean
  /** The keyspaces that it knows as confirmed, as a sum. */
  readonly known: number
  readonly acceptor: AcceptorTold
}

/** For which replicas do you keep hints? */
export interface Hints extends Numbered {
  readonly kind: 'hints'
}

/**
 * The replica here cannot take over what another one has accepted, because it has promised more, and whoever was given
 * that promise has not used it. A round of the register settles it.
 */
export interface Stuck extends Numbered {
  readonly kind: 'stuck'
  readonly definition: KeyspaceDefinition
  readonly key: string
  readonly promised: Ballot
}

/** A keyspace with a leader was registered at the replica here: this process stands for it. */
export interface Led extends Numbered {
  readonly kind: 'led'
  readonly definition: KeyspaceDefinition
}

/** A set of members by index. */
export interface Hinted extends Numbered {
  readonly kind: 'hinted'
  readonly owners: number
}

/**
 * Forget that this key is kept for the owner: it has it now, or it is too old. The record goes with the hint when nobody
 * else needs it here. There is no answer: what stays behind is found again.
 */
export interface DropHint extends Numbered {
  readonly kind: 'drop-hint'
  readonly owner: number
  readonly keyspace: number
  readonly key: string
  /** What the owner has: if the record is another by now, the hint stays. `undefined` drops it whatever it is. */
  readonly digest: number | undefined
}

/** What a coordinator asks of a replica. */
export type Request = Read | Write | Mint | Prepare | Accept | Inquire | Scan | Open | Ping | ElectionRequest
/** What a replica answers. */
export type Answer =
  | ReadAnswer
  | Written
  | Minted
  | Promised
  | Accepted
  | Preempted
  | Outdated
  | Told
  | ScanPage
  | Opened
  | Refused
  | Pong
  | Ruled
  | Submitted
/** What travels between processes. */
export type Message =
  | Request
  | Submit
  | Answer
  | Question
  | ExchangeAnswer
  | Agree
  | Agreed
  | Reap
  | Announce
  | Acquainted
/** What a coordinator asks of the replica in its own process alone; no bytes stand for it. */
export type Errand = Hints | DropHint
/** What the replica tells the coordinator of its own process alone. */
export type LocalAnswer = Hinted | Stuck | Led
/** What passes between the machines of one process. */
export type LocalMessage = Message | Errand | LocalAnswer

/** Whether this is what one replica answers another in an exchange. */
export function isExchangeAnswer(message: LocalMessage): message is ExchangeAnswer {
  const { kind } = message
  return kind === 'compared' || kind === 'differing' || kind === 'traded' || kind === 'declined'
}

/** Whether this is what one replica asks another in an exchange. */
export function isQuestion(message: LocalMessage): message is Question {
  const { kind } = message
  return kind === 'compare' || kind === 'descend' || kind === 'list' || kind === 'trade'
}

/** Whether this is what one replica asks or tells another about erasing. */
export function isReaping(message: LocalMessage): message is Agree | Reap {
  return message.kind === 'agree' || message.kind === 'reap'
}
