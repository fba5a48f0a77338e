/**
 * What the upkeep of the tree costs a put, beside all that a replica in memory does for it: taking the message apart,
 * merging, storing, and the answer. Sockets and the coordinator are left out, so the share of a real put is smaller.
 */
import { digestOf } from '../../src/core/causality/merge.ts'
import { membershipOf } from '../../src/core/placement/membership.ts'
import type { Message, Request } from '../../src/core/message.ts'
import { definitionFingerprint, type KeyspaceDefinition } from '../../src/core/keyspace-definition.ts'
import { resolveCore } from '../../src/core/options.ts'
import type { StoredRecord } from '../../src/core/record.ts'
import { Replica } from '../../src/core/replica.ts'
import { Step } from '../../src/core/step.ts'
import { DigestForest } from '../../src/core/repair/digest-tree.ts'
import { ByteReader, ByteWriter } from '../../src/runtime/codec/bytes.ts'
import { readRequest, writeMessage, type MessageLimits } from '../../src/runtime/codec/message-codec.ts'
import { MemoryStorage } from '../../src/runtime/storage/memory-storage.ts'
import { LWW, SETTLED } from '../micro/tasks.ts'
import { median } from '../statistics.ts'

const LIMITS: MessageLimits = { keyBytesMax: 1024, valueBytesMax: 2 ** 20, entriesMax: 4096, pageEntriesMax: 1024 }
const KEYS = 10_000
const NOW = { monoMs: 0, wallMs: 2 ** 43 }

export interface UpkeepCost {
  readonly putNs: number
  readonly upkeepNs: number
}

/** Puts to each of ten thousand keys in turn, round after round; the upkeep is timed apart, in the same rounds. */
export function upkeepCost(conflicts: KeyspaceDefinition['conflicts'], rounds: number): UpkeepCost {
  const definition: KeyspaceDefinition = { name: 'k', mode: 'ap', n: 3, read: '2', write: '2', conflicts }
  const storage = new MemoryStorage({ identity: { clusterId: 'c', replicaId: 'r', incarnation: 1 } })
  const life = { incarnation: 1, run: 1 }
  const membership = membershipOf(['a', 'b', 'c'].map((id) => ({ id, zone: '' })))
  const replica = new Replica({ index: 0, life, membership, records: storage, own: [], options: resolveCore({}) })
  const step = new Step()
  replica.receive({ kind: 'open', id: 0, round: 0, name: 'k', definition, confirmed: true }, 99, NOW, step)
  const keyspace = definitionFingerprint(definition)
  const forest = new DigestForest(() => 3)
  const writer = new ByteWriter()
  const putNs: number[] = []
  const upkeepNs: number[] = []
  for (let round = 1; round <= rounds; round++) {
    const frames = Array.from({ length: KEYS }, (_, i) => {
      const record = versionOf(conflicts, round)
      writeMessage(writer, {
        kind: 'write',
        asOf: 0,
        repairs: false,
        id: round * KEYS + i,
        round: 0,
        keyspace,
        key: keyAt(i),
        record,
      })
      return writer.take()
    })
    let startedAt = performance.now()
    for (const frame of frames) {
      step.clear()
      replica.receive(readRequest(new ByteReader(frame), LIMITS) as Request, 99, NOW, step)
      for (const write of step.writes) storage.stage(write)
      writer.reset()
      for (const message of step.messages) writeMessage(writer, message as Message)
      if (step.writes.length !== 1) throw new Error('a put wrote nothing')
    }
    putNs.push(((performance.now() - startedAt) * 1e6) / KEYS)
    writer.reset()
    const before = versionOf(conflicts, round - 1)
    const after = versionOf(conflicts, round)
    const keys = frames.map((_, i) => keyAt(i))
    startedAt = performance.now()
    for (const key of keys) forest.update({ keyspace, key, before: digestOf(before), after: digestOf(after) })
    upkeepNs.push(((performance.now() - startedAt) * 1e6) / KEYS)
  }
  return { putNs: median(putNs.slice(rounds / 2)), upkeepNs: median(upkeepNs.slice(rounds / 2)) }
}

function keyAt(index: number): string {
  return `key-${String(index).padStart(8, '0')}`
}

function versionOf(conflicts: KeyspaceDefinition['conflicts'], version: number): StoredRecord {
  if (conflicts === 'lww') return { ...LWW, kind: 'lww', at: 1_000 + version } as StoredRecord
  const { context, siblings } = SETTLED
  const [one] = siblings
  const [a, , b, , c, counter] = context.vector
  const vector = [a, 40, b, 17 + version, c, counter]
  return { ...SETTLED, context: { vector, cloud: [] }, siblings: [{ ...one, counter: 17 + version }], replaced: [] }
}
