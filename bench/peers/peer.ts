/**
 * What another store gives to be measured: operations, each with what it is to be compared with.
 */
import type { Operation } from '../load.ts'

export type Kind = 'put' | 'get' | 'durable'

export interface PeerCell {
  readonly name: string
  /** Which of our own operations does the same work. */
  readonly kind: Kind
  readonly operation: Operation
  /** How many times as fast ours has to be; nothing for a row without a goal. */
  readonly goal?: number
}

export interface RunningPeer {
  readonly cells: readonly PeerCell[]
  /** Sentences for the report. */
  readonly notes: readonly string[]
  close(): Promise<void>
}

export interface Peer {
  readonly name: string
  /** Nothing where the program is not installed. Throws when it is and does not start. */
  start(): Promise<RunningPeer | undefined>
}

/** A file system in memory, for stores that cannot do without one. */
export const MEMORY_FOLDER = '/dev/shm'
