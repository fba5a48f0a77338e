/**
 * What seats and electors say to each other.
 *
 * One answer serves all questions: whether it was granted, and how the elector stands. Spans travel, instants never do.
 * An elector may answer a pre-vote twice: when what it was refused for has ended before its time, it says so.
 * Ring: values (types only).
 */
import type { Candidacy, Renewal } from './elector.ts'
import type { Contender } from './group.ts'
import type { ElectorState } from './leader-view.ts'

interface Numbered {
  /** The asker's number for the question, which it never uses again. */
  readonly id: number
  readonly round: number
  readonly group: string
}

/** How do you stand? */
export interface Look extends Numbered {
  readonly kind: 'look'
}

/** Would you vote for me? */
export interface PreVote extends Numbered, Pick<Contender, 'proposer'> {
  readonly kind: 'pre-vote'
}

/** Vote for me in this generation, and keep others out for the length of a lease. */
export interface Vote extends Numbered, Candidacy {
  readonly kind: 'vote'
}

/** Keep others out for another lease from now on. */
export interface Renew extends Numbered, Renewal {
  readonly kind: 'renew'
}

/** I give my generation up. There is no answer. */
export interface Resign extends Numbered, Pick<Candidacy, 'generation' | 'proposer'> {
  readonly kind: 'resign'
}

export interface Ruled extends ElectorState {
  readonly kind: 'ruled'
  readonly id: number
  readonly round: number
  readonly granted: boolean
}

/** What a member tells another about votes, with what it remembers of it. */
export interface Recollection {
  /** The highest generation that it voted in, in whatever group, or the floor above which it votes. */
  readonly voted: number
  /** Whether it has forgotten no votes itself, or has heard enough since. */
  readonly recalls: boolean
  /** Whether it knows of another life of the one that asks. */
  readonly hadAnother: boolean
}

export type ElectionRequest = Look | PreVote | Vote | Renew | Resign
/** What stands for an election in a link. */
export type ElectionMessage = ElectionRequest | Ruled
