/** Looks of both storages against the plain index over a list: the same records, in the same order, as far. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Random } from '../../../src/core/base/random.ts'
import type { RecordWrite } from '../../../src/core/record.ts'
import { placeOf } from '../../../src/core/repair/digest-tree.ts'
import { indexOver } from '../../../src/core/repair/gather.ts'
import { lookIn, type Look } from '../../../src/core/repair/record-index.ts'
import { openLevelStorage } from '../../../src/runtime/storage/level-storage.ts'
import { MemoryStorage } from '../../../src/runtime/storage/memory-storage.ts'
import type { Storage } from '../../../src/runtime/storage/storage.ts'
import { committed, lww } from '../../contract/storage-model.ts'

const KEYSPACES = [77, 2 ** 45 + 1]

function drawLook(random: Random, records: readonly RecordWrite[]): Look {
  const places = Array.from({ length: 1 + random.below(20) }, () => placeOf(random.pick(records)))
  if (random.chance(0.5)) {
    const ranges = places.map(({ partition, position }) => {
      const width = random.pick([1, 2 ** 20, 2 ** 32])
      const from = Math.max(0, Math.min(position, 2 ** 32 - width))
      return { partition, from, to: from + width }
    })
    return { kind: 'digests', copies: 3, ranges, entriesMax: random.pick([1, 3, 10, 1_000]), salt: 7 }
  }
  const sizeBytesMax = random.pick([1, 200, 100_000])
  const flat = places.flatMap(({ partition, position }) => [partition, position])
  return { kind: 'records', copies: 3, places: flat, skip: random.below(2), sizeBytesMax }
}

async function check(storage: Storage, random: Random): Promise<void> {
  const model = new Map<string, RecordWrite>()
  for (let round = 1; round <= 8; round++) {
    for (let i = 0; i < 150; i++) {
      const keyspace = random.pick(KEYSPACES)
      const key = `k${random.below(300)}`
      const record = random.chance(0.15) ? undefined : lww(1_000 * round + i, `v${i}`)
      storage.stage({ keyspace, key, record })
      if (record === undefined) model.delete(`${keyspace}/${key}`)
      else model.set(`${keyspace}/${key}`, { keyspace, key, record })
    }
    if (round % 2 === 0) await committed(storage)
    const records = [...model.values()]
    for (let i = 0; i < 8; i++) {
      const look = drawLook(random, records)
      const found = await storage.look({ look, keyspaces: KEYSPACES })
      const bare = (name: string, value: unknown): unknown => (name === 'value' ? undefined : value)
      expect(JSON.stringify(found, bare)).toBe(JSON.stringify(lookIn(indexOver(records), look), bare))
    }
  }
}

describe('looks', () => {
  test('memory: finds what a list of all records has', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      await check(
        new MemoryStorage({ identity: { clusterId: 'c', replicaId: 'a', incarnation: seed } }),
        new Random(seed),
      )
    }
    const empty = new MemoryStorage({ identity: { clusterId: 'c', replicaId: 'a', incarnation: 9 } })
    const look: Look = { kind: 'records', copies: 3, places: [1, 1], skip: 0, sizeBytesMax: 10 }
    expect(await empty.look({ look, keyspaces: [1] })).toEqual({ kind: 'records', records: [], done: 1, skip: 0 })
  })

  test('disk: finds the same, staged records and erasures among it', { timeout: 30_000 }, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'quorate-looks-'))
    const storage = await openLevelStorage({ directory, clusterId: 'c', replicaId: 'a', randomIdentity: () => 5 })
    try {
      await check(storage, new Random(3))
    } finally {
      await storage.close()
      await rm(directory, { recursive: true, force: true })
    }
    const look: Look = { kind: 'records', copies: 3, places: [], skip: 0, sizeBytesMax: 1 }
    await expect(storage.look({ look, keyspaces: KEYSPACES })).rejects.toMatchObject({ code: 'QUORATE_CLOSED' })
  })
})
