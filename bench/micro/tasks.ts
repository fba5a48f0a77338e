/**
 * What a micro-benchmark is, and the pieces that several of them measure on.
 */
import type { StoredRecord } from '../../src/core/record.ts'
import { CLIENT_ID } from '../frame-sizes.ts'

export interface Task {
  readonly name: string
  /** What is timed. Its result is used, so that the compiler does not drop the work. */
  readonly run: () => unknown
  /** How often it is run for one sample: 200 times if left out, since one run is shorter than the clock can tell. */
  readonly runs?: number
}

export const KEY = 'key-00001234'
/** 128 bytes of text, as MessagePack. */
export const VALUE: Uint8Array = Buffer.concat([Buffer.of(0xd9, 128), Buffer.alloc(128, 'v')])

const OP = 2 ** 51 + 12_345
const AT = 2 ** 50 + 67_890
const ACTORS = [2 ** 40 + 11, 2 ** 41 + 7, 2 ** 42 + 5] as const

const BY = CLIENT_ID

export const LWW: StoredRecord = { kind: 'lww', op: OP, at: AT, by: BY, value: VALUE }

/** A key that three replicas have minted for, as its context and one sibling. */
export const SETTLED = {
  kind: 'dotted',
  context: { vector: [ACTORS[0], 40, ACTORS[1], 17, ACTORS[2], 25], cloud: [] },
  siblings: [{ actor: ACTORS[1], counter: 17, op: OP, at: AT, by: BY, value: VALUE }],
  replaced: [AT - 9, OP - 9, 39],
} as const satisfies StoredRecord

export const ACTOR = ACTORS[0]
export { AT, BY, OP }
