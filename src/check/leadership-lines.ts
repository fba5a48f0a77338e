/**
 * What a history says of leaders, locks and tokens.
 *
 * The recorder's duty:
 * - `time`, `start` and `until` are in milliseconds on one clock that all observers share, which is not the clock of any
 *   node. Lines of equal time happened in the order in which they stand.
 * - A `term` is the generation of a group's leader, and a `token` that of a lock's holder.
 * - An `ack` and a `localread` are written down where the answer arrives: `start` is when it was asked for, `time` when
 *   the answer was there. `seq` counts what the group acknowledged, through all its terms; `seen` is the highest `seq`
 *   that the read showed, 0 for nothing.
 * - `granted` says until when the holder may act. Another line with the same token and holder is a renewal.
 * - `guarded` is the resource's own account: which token came with a request, and whether it was let in.
 */
import { isCount, isFlag, isText, isTime, orLeftOut, type Requirement } from './line-fields.ts'

interface OfGroup {
  readonly group: string
  readonly node: string
  readonly term: number
  /** Milliseconds. */
  readonly time: number
}

/** A node became the leader of a group, or ceased to be. */
export interface LeaderLine extends OfGroup {
  readonly type: 'elected' | 'stepdown'
}

/** An elector gave its vote of a term away; `node` is the elector. */
export interface VotedLine extends OfGroup {
  readonly type: 'voted'
  readonly candidate: string
}

/** A leader acknowledged a write. */
export interface AckLine extends OfGroup {
  readonly type: 'ack'
  readonly seq: number
  /** Milliseconds. */
  readonly start: number
}

/** A leader answered a read from its own memory, under its lease. */
export interface LocalReadLine extends OfGroup {
  readonly type: 'localread'
  readonly seq?: number
  /** Milliseconds. */
  readonly start: number
  readonly seen?: number
}

export interface GrantedLine {
  readonly type: 'granted'
  readonly lock: string
  readonly holder: string
  readonly token: number
  /** Milliseconds. */
  readonly time: number
  /** Milliseconds: from here on the holder no longer acts. */
  readonly until: number
}

export interface ReleasedLine {
  readonly type: 'released'
  readonly lock: string
  readonly holder: string
  readonly token: number
  /** Milliseconds. */
  readonly time: number
}

export interface GuardedLine {
  readonly type: 'guarded'
  readonly lock: string
  readonly token: number
  readonly accepted: boolean
  /** Milliseconds. */
  readonly time: number
}

/** What is said of a group's leaders. */
export type GroupLine = LeaderLine | VotedLine | AckLine | LocalReadLine

/** What is said of a lock and what it guards. */
export type LockLine = GrantedLine | ReleasedLine | GuardedLine

export type LeadershipLine = GroupLine | LockLine

const MILLISECONDS = 'milliseconds from 0'
const TIME: Requirement = ['time', isTime, MILLISECONDS]
const WHOLE = 'a whole number from 0'
const SPAN: readonly Requirement[] = [TIME, ['start', isTime, MILLISECONDS]]
const GROUP: readonly Requirement[] = [
  ['group', isText, 'a string'],
  ['node', isText, 'a string'],
  ['term', isCount, WHOLE],
]
const LOCK: readonly Requirement[] = [['lock', isText, 'a string'], ['token', isCount, WHOLE], TIME]
const HOLDER: Requirement = ['holder', isText, 'a string']

/** What the fields of a line must be, by type. */
export const LEADERSHIP_TYPES: Readonly<Record<LeadershipLine['type'], readonly Requirement[]>> = {
  elected: [...GROUP, TIME],
  stepdown: [...GROUP, TIME],
  voted: [...GROUP, TIME, ['candidate', isText, 'a string']],
  ack: [...GROUP, ...SPAN, ['seq', isCount, WHOLE]],
  localread: [
    ...GROUP,
    ...SPAN,
    ['seq', orLeftOut(isCount), `${WHOLE} or left out`],
    ['seen', orLeftOut(isCount), `${WHOLE} or left out`],
  ],
  granted: [...LOCK, HOLDER, ['until', isTime, MILLISECONDS]],
  released: [...LOCK, HOLDER],
  guarded: [...LOCK, ['accepted', isFlag, 'true or false']],
}
