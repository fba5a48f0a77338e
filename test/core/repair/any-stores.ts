/**
 * Two stores to draw examples with: what each has seen of the writes of many keys, of both kinds of record.
 */
import type { Random } from '../../../src/core/base/random.ts'
import { EMPTY_RECORD, mergeDotted, mint } from '../../../src/core/causality/dotted-record.ts'
import { mergeRecords } from '../../../src/core/causality/merge.ts'
import type { DottedRecord, RecordWrite, StoredRecord } from '../../../src/core/record.ts'
import { LWW, SIBLINGS } from './model-replica.ts'

/** What a replica may hold of one key: each entry knows more than, or other than, the one before it. */
function statesOf(keyspace: number, random: Random, generation: number): StoredRecord[] {
  const write = (): { op: number; at: number; value: Uint8Array | null } => ({
    op: random.identity(),
    at: random.below(1_000),
    value: random.chance(0.2) ? null : new Uint8Array(random.below(40)).fill(random.below(256)),
  })
  if (keyspace === LWW) return [0, 1, 2].map(() => ({ kind: 'lww', ...write() }))
  const actors = [11, 12, 2 ** 45 + 13].map((actor) => actor + 100 * generation)
  // The first write of a key by an actor has the same dot, so the same digest, whatever the key is.
  const first = mint(EMPTY_RECORD, actors[0] as number, { ...write(), context: EMPTY_RECORD.context })
  const states: DottedRecord[] = [first]
  for (let i = 0; i < 3; i++) {
    const base = random.pick(states)
    const context = random.chance(0.5) ? base.context : EMPTY_RECORD.context
    states.push(mergeDotted(base, mint(base, actors[i] as number, { ...write(), context })))
  }
  return states
}

export interface Pair {
  readonly one: RecordWrite[]
  readonly other: RecordWrite[]
}

export interface Drawn {
  readonly count: number
  /** How likely a key is the same on both sides. */
  readonly equal: number
  /** Stores of different generations have the same keys and other writes. */
  readonly generation: number
}

/** Records of `count` keys on two sides. */
export function drawStores(random: Random, { count, equal, generation }: Drawn): Pair {
  const pair: Pair = { one: [], other: [] }
  for (let i = 0; i < count; i++) {
    const keyspace = random.chance(0.5) ? SIBLINGS : LWW
    const key = `${random.chance(0.1) ? '\u{1f511}' : 'k'}${i}`
    const states = statesOf(keyspace, random, generation)
    const draw = (): StoredRecord | undefined => {
      if (random.chance(0.2)) return undefined
      const some = states.filter(() => random.chance(0.6))
      return some.reduce<StoredRecord | undefined>((all, state) => mergeRecords(all, state), undefined)
    }
    const one = draw()
    const other = random.chance(equal) ? one : draw()
    if (one !== undefined) pair.one.push({ keyspace, key, record: one })
    if (other !== undefined) pair.other.push({ keyspace, key, record: other })
  }
  return pair
}
