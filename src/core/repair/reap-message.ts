/**
 * What replicas say to each other before a deleted record is erased.
 *
 * The first replica of a key asks the others; every answer can be worked out from its question. Many keys go in one
 * message.
 * Ring: values.
 */

/** A key and what it is to be held with. */
export interface HeldKey {
  readonly keyspace: number
  readonly key: string
  /** Of the deleted record; 0 of one who does not hold the key: that nothing is kept of it. */
  readonly digest: number
}

interface Numbered {
  /** A number that the asker never uses for another question. */
  readonly id: number
}

/** Do you hold these, and for how long? */
export interface Agree extends Numbered {
  readonly kind: 'agree'
  readonly entries: readonly HeldKey[]
}

/**
 * For each key how many milliseconds, by the clock of the one that answers, it has held that and nothing else for all
 * that it knows; negative for something else. What it holds is durable.
 */
export interface Agreed extends Numbered {
  readonly kind: 'agreed'
  readonly heldMs: readonly number[]
}

/** All replicas hold these for long enough: erase them. There is no answer; whoever misses it is asked again. */
export interface Reap extends Numbered {
  readonly kind: 'reap'
  readonly entries: readonly HeldKey[]
}

/** Keys in one message. */
export const REAPED_MAX = 512
