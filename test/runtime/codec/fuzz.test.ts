/**
 * Spoilt frames: whatever is done to the bytes of messages, reading them gives messages that the core can rely on, or
 * throws `Malformed`, and nothing else.
 *
 * `PROPERTY_SEED` draws other spoilings; `PROPERTY_RUNS` multiplies how many.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Random } from '../../../src/core/base/random.ts'
import type { Message } from '../../../src/core/message.ts'
import { ByteReader, ByteWriter, Malformed } from '../../../src/runtime/codec/bytes.ts'
import { readAnswer, readRequest, writeMessage, type MessageLimits } from '../../../src/runtime/codec/message-codec.ts'
import { readRecord, RECORD_LIMITS, writeRecord } from '../../../src/runtime/codec/record-codec.ts'
import { anyMessage, anyRecord } from './any-message.ts'
import { flawOf } from './sound.ts'

const SEED = Number(process.env['PROPERTY_SEED'] ?? 20_071_014)
const ROUNDS = 150_000 * Number(process.env['PROPERTY_RUNS'] ?? 1)
const LIMITS: MessageLimits = { keyBytesMax: 64, valueBytesMax: 64, entriesMax: 32, pageEntriesMax: 64 }

const SPOILINGS: readonly ((bytes: Buffer, random: Random) => Buffer)[] = [
  // One bit, one byte, some bytes.
  (bytes, random) => {
    const at = random.below(bytes.length)
    bytes[at] = (bytes[at] as number) ^ (1 << random.below(8))
    return bytes
  },
  (bytes, random) => {
    bytes[random.below(bytes.length)] = random.below(256)
    return bytes
  },
  (bytes, random) => {
    for (let i = 0; i < 4; i++) bytes[random.below(bytes.length)] = random.below(256)
    return bytes
  },
  // Cut, extended, a part twice, a part left out.
  (bytes, random) => bytes.subarray(0, random.below(bytes.length)),
  (bytes, random) => Buffer.concat([bytes, randomBytes(random, 1 + random.below(16))]),
  (bytes, random) => {
    const at = random.below(bytes.length)
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(random.below(bytes.length))])
  },
  // Numbers that are none, that are huge, that are negative.
  (bytes, random) => {
    if (bytes.length < 9) return bytes
    bytes.writeDoubleLE(
      random.pick([NaN, Infinity, -Infinity, -1, 0.5, 2 ** 53, 1e300, -0]),
      random.below(bytes.length - 8),
    )
    return bytes
  },
  (bytes, random) => {
    if (bytes.length < 5) return bytes
    bytes.writeUInt32LE(random.pick([0, 1, 0xffff, 0x10000, 0x7fffffff, 0xffffffff]), random.below(bytes.length - 4))
    return bytes
  },
  // Nothing but noise.
  (_, random) => randomBytes(random, 1 + random.below(80)),
]

function randomBytes(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.below(256)))
}

/** All of them in turn; what threw, by class, and how much went through. */
function spoil(corpus: readonly Buffer[], take: (bytes: Buffer) => void): { refused: number; taken: number } {
  const random = new Random(SEED)
  const counts = { refused: 0, taken: 0 }
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = Buffer.from(random.pick(corpus))
    const spoilt = (SPOILINGS[round % SPOILINGS.length] as (typeof SPOILINGS)[number])(bytes, random)
    try {
      take(spoilt)
      counts.taken++
    } catch (error) {
      if (!(error instanceof Malformed)) {
        throw new Error(`seed ${SEED}, round ${round}, bytes ${spoilt.toString('hex')}: ${String(error)}`, {
          cause: error,
        })
      }
      counts.refused++
    }
  }
  return counts
}

function bytesOf(message: Message): Buffer {
  const writer = new ByteWriter(16)
  writeMessage(writer, message)
  return writer.take()
}

function readAll(bytes: Buffer): Message[] {
  const reader = new ByteReader(bytes)
  const messages: Message[] = []
  const read = (bytes[0] ?? 0) % 2 === 1 ? readRequest : readAnswer
  while (!reader.done) messages.push(read(reader, LIMITS))
  return messages
}

test(`messages spoilt (seed ${SEED}): are refused, or come out sound and are written as they were read`, () => {
  const corpus = fc.sample(anyMessage, { seed: SEED, numRuns: 400 }).map(bytesOf)
  const { refused, taken } = spoil(corpus, (bytes) => {
    for (const message of readAll(bytes)) {
      const flaw = flawOf(message, LIMITS)
      if (flaw !== undefined) throw new Error(`${flaw} in ${JSON.stringify(message)}`)
      const written = bytesOf(message)
      const again = bytesOf(readAll(written)[0] as Message)
      if (!written.equals(again)) throw new Error(`is written otherwise when read again: ${JSON.stringify(message)}`)
    }
  })
  expect(refused + taken).toBe(ROUNDS)
  expect(Math.min(refused, taken)).toBeGreaterThan(ROUNDS / 20)
})

test(`records spoilt (seed ${SEED}): are refused, or come out sound`, () => {
  const corpus = fc.sample(anyRecord, { seed: SEED, numRuns: 200 }).map((record) => {
    const writer = new ByteWriter(16)
    writeRecord(writer, record)
    return writer.take()
  })
  const limits = { ...LIMITS, ...RECORD_LIMITS }
  const { refused, taken } = spoil(corpus, (bytes) => {
    const record = readRecord(new ByteReader(bytes), RECORD_LIMITS)
    const flaw = flawOf(
      { kind: 'write', asOf: 0, repairs: false, id: 1, round: 0, keyspace: 1, key: 'k', record },
      limits,
    )
    if (flaw !== undefined) throw new Error(`${flaw} in ${JSON.stringify(record)}`)
  })
  expect(Math.min(refused, taken)).toBeGreaterThan(ROUNDS / 20)
})
