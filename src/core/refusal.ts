/**
 * Why a replica refuses a request, as a closed list: it travels as a number.
 *
 * Ring: values.
 */

/** In wire order; new ones are added at the end. */
export const REFUSALS = [
  /** No keyspace with this fingerprint is registered here. */
  'unknown-keyspace',
  /** The timestamp lies further ahead of this replica's clock than `driftMsMax`. */
  'clock-ahead',
  /** A key, a value, or a record is larger than the limit. */
  'too-large',
  /** The key has as many siblings as are allowed, and the write did not say which of them it replaces. */
  'too-many-siblings',
  /** The request queue is full. */
  'overloaded',
  /** The record's kind does not fit the keyspace. */
  'wrong-kind',
  /** The disk is nearly full: reads go on, writes are refused before it breaks. */
  'storage-full',
  /** The record on disk is damaged: other replicas have it, this one says so rather than guess. */
  'storage-damaged',
  /** A retry after so many newer writes that nobody can tell any more whether the first attempt happened. */
  'too-late',
  /** As many keyspaces are registered as are allowed. */
  'too-many-keyspaces',
  /** The context names writes far beyond any that this key can have had. */
  'bad-context',
  /** A mint that was meant for an earlier run of this replica, or for data that it no longer has. */
  'other-life',
  /** A keyspace whose options cannot be in this cluster. */
  'bad-definition',
  /** A write to be kept for a replica that is none, or for this one, or in a keyspace without stand-ins. */
  'bad-owner',
  /** As many bytes are kept for that replica as are allowed: another member may keep the write. */
  'hints-full',
  /** The write is so old already that it would not be kept. */
  'hint-too-old',
] as const

export type RefusalCode = (typeof REFUSALS)[number]

/** Why a replica does not do what it is asked. */
export interface Refusal {
  readonly code: RefusalCode
  /** For people; may be empty. */
  readonly detail: string
}

/**
 * Whether the replica would refuse the same request whenever it came. After any other refusal a copy of the request
 * that is still on its way may yet be taken.
 */
export function isFinal(code: RefusalCode): boolean {
  return (
    code === 'wrong-kind' ||
    code === 'too-large' ||
    code === 'too-many-keyspaces' ||
    code === 'bad-context' ||
    code === 'bad-owner' ||
    code === 'bad-definition'
  )
}
