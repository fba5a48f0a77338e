/** What an exchange may cost, in bytes and round trips, which are counted and not timed. */
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { converse } from '../../../bench/repair/converse.ts'
import { equalPair, spread, VastKeys } from '../../../bench/repair/vast-replica.ts'
import { ByteWriter } from '../../../src/runtime/codec/bytes.ts'
import { writeRecord } from '../../../src/runtime/codec/record-codec.ts'
import { recordSizeBytes } from '../../../src/core/repair/exchange-message.ts'
import { holds } from '../../property.ts'
import { anyKept } from '../../runtime/codec/any-message.ts'

describe('exchange among a million keys', () => {
  let keys: VastKeys
  let pair: ReturnType<typeof equalPair>

  beforeAll(() => {
    keys = new VastKeys(1_000_000)
    pair = equalPair(keys, { kind: 'lww', valueBytes: 131 })
  })

  test('equal replicas: at most 200 bytes', () => {
    const { sentBytes, receivedBytes, rounds } = converse(...pair)
    expect(rounds).toBe(1)
    expect(sentBytes + receivedBytes).toBeLessThanOrEqual(200)
  })

  test('one key differs: at most 8 kB and 5 round trips', () => {
    spread(pair, keys, 1)
    const { sentBytes, receivedBytes, rounds, differing } = converse(...pair)
    expect(differing).toBe(1)
    expect(rounds).toBeLessThanOrEqual(5)
    expect(sentBytes + receivedBytes).toBeLessThanOrEqual(8_000)
    expect(converse(...pair).rounds).toBe(1)
  })

  test.for([10, 100, 1_000, 10_000])('%i keys differ: at most four times their records and 8 kB', (count) => {
    const records = spread(pair, keys, count)
    const { sentBytes, receivedBytes, differing } = converse(...pair)
    expect(differing).toBe(count)
    expect(sentBytes + receivedBytes).toBeLessThanOrEqual(4 * records + 8_000)
    expect(converse(...pair).rounds).toBe(1)
  })
})

test('size of a record: what the codec makes of it, with its keyspace and key', () => {
  const key = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 12 }), fc.string({ unit: 'binary', maxLength: 12 }))
  holds(
    fc.property(fc.nat(), key, anyKept, (keyspace, name, record) => {
      const writer = new ByteWriter()
      writer.float64(keyspace)
      writer.text(name)
      writeRecord(writer, record)
      expect(recordSizeBytes({ keyspace, key: name, record })).toBe(writer.length)
    }),
  )
})
